"""A deployment of stores for landing tests, once on each engine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestration_assets.landing.fetched import land_fetched
from orchestration_assets.landing.land import land
from orchestration_assets.model import LandingResult, Stream
from orchestration_assets.state.store import StateStore, open_state
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from tests.unit.landing.vendor import PEOPLE, Vendor


@dataclass
class Place:
    """Stores, a vendor, and short ways to land and to look."""

    warehouse: Warehouse
    state: StateStore
    home: Path
    vendor: Vendor = field(default_factory=Vendor)

    def land(self, stream: Stream = PEOPLE, **options: Any) -> LandingResult:
        """Land the vendor's people."""
        return land(stream, self.vendor, self.warehouse, self.state, self.home, **options)

    def fetch(self, *ids: str) -> LandingResult:
        """Land what the vendor says now of some people."""
        return land_fetched(PEOPLE, self.vendor, ids, self.warehouse, self.state, self.home)

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Query the warehouse."""
        with self.warehouse.reader() as session:
            return session.rows(sql, params)

    def newest(self) -> dict[str, tuple[str | None, bool]]:
        """Record id to e-mail address and deletion, as staging would see it."""
        found = self.rows(
            "select _record_id, email, _is_deleted from (select *, row_number() over ("
            "partition by _record_id order by _source_at desc, _loaded_at desc) as n"
            " from raw_acme.people) r where n = 1"
        )
        return {row["_record_id"]: (row["email"], row["_is_deleted"]) for row in found}


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"duckdb:///{tmp_path / 'warehouse.duckdb'}"


@pytest.fixture
def place(warehouse_url: str, tmp_path: Path) -> Place:
    warehouse = open_warehouse(warehouse_url, tmp_path, lock_timeout_s=60)
    state = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    return Place(warehouse, state, tmp_path)
