"""Connectors: one folder a system on a shared kit. They know vendor JSON and nothing else."""
