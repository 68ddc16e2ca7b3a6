"""Fixtures of the tests that need real engines."""

from tests.support.model_fixtures import duck, either, empty_model

__all__ = ["duck", "either", "empty_model"]
