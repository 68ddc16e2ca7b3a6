"""Fixtures of the tests that need real engines."""

from tests.support.model_fixtures import duck, either, empty_model, empty_postgres, unbuilt

__all__ = ["duck", "either", "empty_model", "empty_postgres", "unbuilt"]
