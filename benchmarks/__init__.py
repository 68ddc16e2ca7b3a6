"""Benchmarks: each module has `run(rows) -> dict`, started with `accord bench NAME`."""
