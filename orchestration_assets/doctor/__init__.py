"""Checks of a deployment's surroundings: versions, stores, systems, clock. They change nothing."""
