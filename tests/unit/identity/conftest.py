"""Warehouses with person records only."""

from pathlib import Path

import pytest

from tests.unit.identity.people_world import PeopleWorld


@pytest.fixture
def duck(tmp_path: Path) -> PeopleWorld:
    """Person records in DuckDB."""
    return PeopleWorld(f"duckdb:///{tmp_path / 'w.duckdb'}", tmp_path)


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> PeopleWorld:
    """Person records in DuckDB and in PostgreSQL."""
    if request.param == "duckdb":
        return PeopleWorld(f"duckdb:///{tmp_path / 'w.duckdb'}", tmp_path)
    return PeopleWorld(request.getfixturevalue("postgres_url"), tmp_path)
