"""Incidents derived from state, and the channels that carry them to people."""
