"""Webhooks that the sandbox sends of what changes in its world."""
