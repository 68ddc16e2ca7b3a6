"""Declared suites, one module a subject; `quality.catalog` gathers them."""
