"""Fixtures that every test may use: a database of one's own, the vendors' specifications.

Where a machine lacks something (a PostgreSQL server, the specifications), a test is skipped with
the reason; with `ACCORD_TEST_STRICT=1` it fails instead, so that no check is left out unseen.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.databases import postgres_database
from tests.support.lacking import skip_or_fail

VENDOR_SPECS = "ACCORD_VENDOR_SPECS"
# Variables that say where the machine keeps what tests need; no setting of Accord's own.
KEPT = ("ACCORD_TEST_", VENDOR_SPECS)
REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest modules begin first, so that no worker is left alone with one of them."""
    items.sort(key=_minutes, reverse=True)


def _minutes(item: pytest.Item) -> float:
    """How long the module of a test takes, as its mark `long(minutes)` says."""
    mark = item.get_closest_marker("long")
    return 0.0 if mark is None else float(mark.kwargs.get("minutes", 1))


@pytest.fixture(autouse=True)
def _settings_from_the_test_only(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hide the developer's own `ACCORD_*` variables; a test sets the ones it needs."""
    for name in list(os.environ):
        if name.startswith("ACCORD_") and not name.startswith(KEPT):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Take back what a command under test made of logging: its handler outlives its stream."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of an empty PostgreSQL database, dropped after the test."""
    with postgres_database() as url:
        yield url


@pytest.fixture
def vendor_specs() -> Path:
    """The folder of the vendors' published specifications.

    It is `ACCORD_VENDOR_SPECS`, by default `../shared/vendor_specs` beside the repository.
    """
    default = REPOSITORY.parent / "shared" / "vendor_specs"
    folder = Path(os.environ.get(VENDOR_SPECS) or default)
    if not folder.is_dir():
        skip_or_fail(f"No vendor specifications: set {VENDOR_SPECS} to their folder.")
    return folder
