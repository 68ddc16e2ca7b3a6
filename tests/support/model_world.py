"""A small world for tests of the model: lands records straight into raw tables and refreshes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from orchestration_assets.connectors.hubspot.streams import STREAMS as HUBSPOT
from orchestration_assets.connectors.klaviyo.streams import STREAMS as KLAVIYO
from orchestration_assets.connectors.reference.streams import STREAMS as REFERENCE
from orchestration_assets.connectors.shopify.streams import STREAMS as SHOPIFY
from orchestration_assets.identity.decisions import Decision
from orchestration_assets.identity.refresh import IdentityResult, Matching, refresh
from orchestration_assets.model import Kind
from orchestration_assets.transform import project
from orchestration_assets.transform.runner import BuildResult, build
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.progress import unfinished
from orchestration_assets.warehouse.readings import PASSED, READINGS
from orchestration_assets.warehouse.released_tables import (
    BATCH,
    RELEASED_TABLES,
    RELEASES,
    copy_table,
    ensure_released_tables,
)
from orchestration_assets.warehouse.scope import Scope, consume, open_scope

UTC_US = pa.timestamp("us", "UTC")
STREAMS = {"hubspot": HUBSPOT, "shopify": SHOPIFY, "klaviyo": KLAVIYO, "reference": REFERENCE}
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
ARROW = {
    Kind.STRING: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.DECIMAL: pa.decimal128(38, 9),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIMESTAMP: UTC_US,
    Kind.DATE: pa.date32(),
    Kind.JSON: pa.string(),
}
META = {
    "_record_id": pa.string(),
    "_source_at": UTC_US,
    "_loaded_at": UTC_US,
    "_is_deleted": pa.bool_(),
    "_row_hash": pa.string(),
    "_raw": pa.string(),
    "_dlt_load_id": pa.string(),
}
CORE_TABLES = tuple(RELEASED_TABLES)


@dataclass
class ModelWorld:
    """A warehouse, and a clock that moves one hour with every load."""

    warehouse: Warehouse
    home: Path
    loads: int = 0
    releases: int = 0
    stages: list[BuildResult] = field(default_factory=list)

    def land(self, system: str, stream: str, *records: dict) -> str:
        """Append one load that passed the landing gate.

        A record has `id`, may have `at` (its source time) and `deleted`.
        """
        contract = STREAMS[system][stream]
        self.loads += 1
        loaded_at = START + timedelta(hours=self.loads)
        load_id = f"{1_700_000_000 + self.loads}.5"
        schema = pa.schema([*META.items(), *((f.name, ARROW[f.kind]) for f in contract.fields)])
        rows = [self._row(contract, record, loaded_at, load_id) for record in records]
        note = {
            "load_id": load_id,
            "system": system,
            "stream": stream,
            "rows": len(rows),
            "watermark": None,
            "loaded_at": loaded_at,
            "reading_id": f"{system}.{stream}:{load_id}",
        }
        loads = pa.schema(
            [
                ("load_id", pa.string()),
                ("system", pa.string()),
                ("stream", pa.string()),
                ("rows", pa.int64()),
                ("watermark", pa.string()),
                ("loaded_at", UTC_US),
                ("reading_id", pa.string()),
            ]
        )
        reading = {name: note[name] for name in ("reading_id", "system", "stream")}
        reading |= {"started_at": loaded_at, "ended_at": loaded_at, "status": PASSED}
        with self.warehouse.writer("test load") as session:
            session.create_table(f"raw_{system}", stream, schema)
            session.append(f"raw_{system}", stream, pa.Table.from_pylist(rows, schema))
            session.create_table("landing", "loads", loads)
            session.append("landing", "loads", pa.Table.from_pylist([note], loads))
            session.append("landing", "readings", pa.Table.from_pylist([reading], READINGS))
        return load_id

    def _row(self, contract, record: dict, loaded_at: datetime, load_id: str) -> dict:
        known = {f.name: f.kind for f in contract.fields}
        values = {k: v for k, v in record.items() if k not in ("id", "at", "deleted")}
        assert set(values) <= set(known), set(values) - set(known)
        for name, value in values.items():
            if known[name] is Kind.JSON and value is not None:
                values[name] = json.dumps(value, default=str)
            if known[name] is Kind.DECIMAL and value is not None:
                values[name] = Decimal(str(value))
        text = json.dumps(record, default=str, sort_keys=True)
        return {
            "_record_id": record["id"],
            "_source_at": record.get("at", loaded_at),
            "_loaded_at": loaded_at,
            "_is_deleted": record.get("deleted", False),
            "_row_hash": hashlib.sha256(text.encode()).hexdigest(),
            "_raw": text,
            "_dlt_load_id": load_id,
            **values,
        }

    def refresh(
        self, *, full: bool = False, tests: bool = True, decisions: Sequence[Decision] = ()
    ) -> tuple[Scope, IdentityResult]:
        """Open the scope and build the common model from it."""
        scope = open_scope(self.warehouse)
        self.stages = [self.build(project.PREPARE, full=full, tests=tests)]
        identity = refresh(self.warehouse, Matching("FR", decisions=decisions), full=full)
        self.stages.append(self.build(project.CORE, full=full, tests=tests))
        return scope, identity

    def build(self, select, *, full: bool = False, tests: bool = True) -> BuildResult:
        """Run one dbt stage; every node of it must pass."""
        result = build(
            select, warehouse=self.warehouse, home=self.home, full_refresh=full, tests=tests
        )
        assert result.is_ok, [(n.unique_id, n.status, n.message) for n in result.failed]
        return result

    def release(self, at: datetime | None = None) -> int:
        """Copy the whole common model to `released` and consume the scope, with no gates.

        Args:
            at: when the release is said to have been made; left out, it is not listed.
        """
        self.releases += 1
        with self.warehouse.writer("test release") as session:
            version = session.scalar("select version from scope.model_version")
            assert unfinished(session, version) == []
            ensure_released_tables(session)
            for table, keys in RELEASED_TABLES.items():
                copy_table(session, table, keys, self.releases)
            if at is not None:
                values = [self.releases, version, "", at, "{}", True, "", BATCH]
                row = pa.table([[value] for value in values], schema=RELEASES)
                session.append("released", "releases", row)
            consume(session, self.releases)
        return self.releases

    def rows(self, sql: str) -> list[dict]:
        """Read from the warehouse."""
        with self.warehouse.reader() as session:
            return session.rows(sql)

    def core(self) -> dict[str, list[tuple]]:
        """Every core table as sorted rows of text."""
        found = {}
        for table in CORE_TABLES:
            rows = self.rows(f"select * from core.{table}")
            found[table] = sorted(
                tuple("" if v is None else _text(v) for v in row.values()) for row in rows
            )
        return found

    def customer_of(self) -> dict[tuple[str, str], str]:
        """(system, record id) to customer id."""
        rows = self.rows("select system, record_id, customer_id from identity.customer_records")
        return {(r["system"], r["record_id"]): r["customer_id"] for r in rows}


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


def open_world(url: str, home: Path) -> ModelWorld:
    """A world over a warehouse, empty where the warehouse is."""
    return ModelWorld(open_warehouse(url, home, 60), home)
