"""What a machine lacks makes a test skip, or fail where nothing may be left out."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test, or fail it under `ACCORD_TEST_STRICT=1`, saying what is missing."""
    if os.environ.get("ACCORD_TEST_STRICT") == "1":
        pytest.fail(f"{reason} (ACCORD_TEST_STRICT=1 allows no skip)", pytrace=False)
    pytest.skip(reason)
