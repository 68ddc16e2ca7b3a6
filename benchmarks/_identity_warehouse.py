"""A warehouse with nothing but person records in it, staged and normalised, ready for identity.

dbt makes every model once over empty raw tables, so that all relations are the product's own; the
people are then written into the staging tables, and in comparable form into `identity.people`.
"""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.identity.normalise import normalised
from orchestration_assets.identity.refresh import IdentityResult, Matching, refresh
from orchestration_assets.identity.tables import (
    LAYOUT,
    PEOPLE,
    PEOPLE_COLUMNS,
    create_tables,
    remember_settings,
)
from orchestration_assets.landing.raw_tables import ensure_raw_tables
from orchestration_assets.transform import project
from orchestration_assets.transform.runner import build
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.scope import create_scope_tables
from orchestration_assets.warehouse.session import Session

REGION = "FR"
SURVIVORSHIP = ("stg_identity__customer_records", "int_customer_records_joined", "dim_customers")
_FILE = "warehouse.duckdb"
_STREAMS = {"hubspot": "contacts", "shopify": "customers", "klaviyo": "profiles"}
_STAGED = {  # staging table: its column for each column of the people
    "hubspot": ("stg_hubspot__contacts", {"record_id": "hubspot_contact_id"}),
    "shopify": ("stg_shopify__customers", {"record_id": "shopify_customer_id"}),
    "klaviyo": ("stg_klaviyo__profiles", {"record_id": "klaviyo_profile_id"}),
}
_STATE = {
    "customers": "select record_key, customer_id, linked_by, component"
    " from identity.customer_records",
    "links": "select one, other, strength, is_strong, round(weight, 4) from identity.links",
    "review": "select one, other, round(weight, 4) from identity.review",
    "shared": "select key_hash, kind, reason, records from identity.shared_identifiers",
    "quarantined": "select record_key, customer_id, reason, records"
    " from identity.quarantined_clusters",
    "keys": "select record_key, kind, key_hash from identity.record_keys",
    "people": "select * from identity.people",
}


@dataclass(frozen=True)
class PeopleWarehouse:
    """Person records in DuckDB, with the models around them.

    Args:
        folder: of the warehouse and of dbt's work files.
    """

    folder: Path

    @property
    def warehouse(self) -> Warehouse:
        """The door to it."""
        return open_warehouse(f"duckdb:///{self.folder / _FILE}", self.folder)

    def make(self) -> None:
        """Create all tables and models, empty."""
        self.folder.mkdir(parents=True)
        streams = [stream for system in SYSTEMS.values() for stream in system.streams.values()]
        ensure_raw_tables(streams, self.warehouse, self.folder)
        with self.warehouse.writer("make tables") as session:
            create_scope_tables(session)
            create_tables(session)
        for stage in (project.PREPARE, project.CORE):
            self._build(stage)

    def copy_to(self, folder: Path) -> "PeopleWarehouse":
        """The same warehouse in another folder."""
        folder.mkdir(parents=True)
        shutil.copy(self.folder / _FILE, folder / _FILE)
        return PeopleWarehouse(folder)

    def fill(self, records: pa.Table) -> float:
        """Stage the records and write them down in comparable form, none of them in scope.

        Returns:
            seconds of bringing them into comparable form.
        """
        with self.warehouse.writer("fill") as session:
            _stage(session, records)
            began = time.perf_counter()
            people = normalised(session.arrow(f"select {PEOPLE_COLUMNS} from {PEOPLE} p"), REGION)
            seconds = time.perf_counter() - began
            session.append("identity", "people", people)
            # Tables of an unknown layout would be made anew, the people with them.
            remember_settings(session, {"layout": LAYOUT})
        return seconds

    def land(self, records: pa.Table) -> None:
        """Stage further records, and have nothing but them in scope."""
        streams = pa.array([_STREAMS[system] for system in records["system"].to_pylist()])
        scoped = records.select(["system", "record_id"]).append_column("stream", streams)
        with self.warehouse.writer("land") as session:
            _stage(session, records)
            session.replace("scope", "records", scoped)
            session.execute("delete from scope.customers")

    def resolve(self, matching: Matching | None = None, *, full: bool = False) -> IdentityResult:
        """Run the identity step."""
        return refresh(self.warehouse, matching or Matching(REGION), full=full)

    def warm(self) -> None:
        """Let dbt be imported and read the project: a refresh finds it so."""
        self._build(("stg_scope__records",))

    def build_survivorship(self) -> None:
        """Build the customers anew from the records that identity put together."""
        self._build(SURVIVORSHIP, full_refresh=True)

    def people(self) -> pa.Table:
        """All records in comparable form."""
        return self._arrow("select * from identity.people")

    def customers(self) -> pa.Table:
        """system, record_id, customer_id and component of every record."""
        return self._arrow(
            "select system, record_id, customer_id, component from identity.customer_records"
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query."""
        with self.warehouse.reader() as session:
            return session.rows(sql)

    def state(self) -> Mapping[str, tuple[int, int]]:
        """Rows and checksum of each table that identity keeps, times of finding left out."""
        with self.warehouse.reader() as session:
            return {
                name: tuple(
                    session.rows(
                        "select count(*) as rows, coalesce(sum(hash(t)), 0) as checksum"
                        f" from ({sql}) t"
                    )[0].values()
                )
                for name, sql in _STATE.items()
            }

    def _arrow(self, sql: str) -> pa.Table:
        with self.warehouse.reader() as session:
            return session.arrow(sql)

    def _build(self, select: tuple[str, ...], *, full_refresh: bool = False) -> None:
        build(
            select,
            warehouse=self.warehouse,
            home=self.folder,
            full_refresh=full_refresh,
            tests=False,
        ).raise_for_models()


def _stage(session: Session, records: pa.Table) -> None:
    for system, (table, names) in _STAGED.items():
        of_system = records.filter(pc.equal(records["system"], system)).drop_columns(["system"])
        count = of_system.num_rows
        for column in ("created_at", "source_at", "first_loaded_at"):
            of_system = of_system.append_column(column, of_system["landed_at"])
        of_system = of_system.drop_columns(["landed_at"]).append_column(
            "is_deleted", pa.array([False] * count, pa.bool_())
        )
        renamed = [names.get(name, name) for name in of_system.column_names]
        session.append("staging", table, of_system.rename_columns(renamed))
