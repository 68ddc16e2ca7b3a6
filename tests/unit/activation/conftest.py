"""Fixtures of planning and delivery."""

from pathlib import Path

import pytest

from orchestration_assets.state.store import open_state
from orchestration_assets.warehouse.engine import open_warehouse
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from tests.unit.activation.destination import FakeDestination, World


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A warehouse, a state store on each engine, and a destination."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    warehouse = open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}", tmp_path)
    with warehouse.writer("prepare") as session:
        for schema in ("core", "scope", "journeys"):
            session.create_schema(schema)
        session.execute("create table scope.model_version (version varchar, built_at timestamp)")
        session.execute("create table scope.state (candidate_id varchar)")
        session.execute("insert into scope.state values ('candidate-1')")
        for table, keys in RELEASED_TABLES.items():
            columns = ", ".join(f"{name} varchar" for name in keys)
            session.execute(f"create table core.{table} ({columns}, is_granted boolean)")
        session.execute(
            "create table journeys.jrn_winback "
            "(customer_id varchar, email varchar, lifetime_value decimal(18, 2))"
        )
    return World(warehouse, open_state(url), FakeDestination())
