"""A warehouse with nothing but person records, to run the identity step in."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from orchestration_assets.identity.decisions import Decision
from orchestration_assets.identity.refresh import IdentityResult, Matching, refresh
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.scope import create_scope_tables

STREAM = "people"
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    "system stream record_id email phone other_phone named_shopify_customer_id first_name"
    " last_name address city postal_code country_code"
).split()
PEOPLE = pa.schema(
    [*((name, pa.string()) for name in COLUMNS), ("first_loaded_at", pa.timestamp("us", "UTC"))]
)
ACTIVITY = pa.schema(
    [(name, pa.string()) for name in ("system", "stream", "record_id", "person_record_id")]
)
STATE = {
    "customers": "select record_key, customer_id, linked_by, component"
    " from identity.customer_records",
    "links": "select one, other, strength, is_strong, cast(round(weight * 1000) as bigint) as weight"
    " from identity.links",
    "review": "select one, other, cast(round(weight * 1000) as bigint) as weight from identity.review",
    "shared": "select key_hash, kind, reason, records from identity.shared_identifiers",
    "quarantined": "select record_key, customer_id, reason, records"
    " from identity.quarantined_clusters",
    "keys": "select record_key, kind, key_hash from identity.record_keys",
    "people": "select * from identity.people",
}


class PeopleWorld:
    """Person records as the model hands them to the identity step, without dbt in between."""

    def __init__(self, url: str, home: Path) -> None:
        self.warehouse: Warehouse = open_warehouse(url, home)
        self.hour = 0
        with self.warehouse.writer("set up") as session:
            create_scope_tables(session)
            session.create_table("intermediate", "int_person_records_unioned", PEOPLE)
            session.create_table("intermediate", "int_activity_records_unioned", ACTIVITY)

    def put(self, people: Iterable[dict]) -> None:
        """Add records, or replace those of the same id; they are in scope until `resolve`."""
        self.hour += 1
        rows = [
            {
                **{name: person.get(name) for name in COLUMNS},
                "system": person.get("system", "crm"),
                "stream": STREAM,
                "first_loaded_at": person.get("at", START + timedelta(hours=self.hour)),
            }
            for person in people
        ]
        table = pa.Table.from_pylist(rows, PEOPLE)
        self._scope([(row["system"], row["record_id"]) for row in rows], remove=True)
        with self.warehouse.writer("put") as session:
            session.append("intermediate", "int_person_records_unioned", table)

    def remove(self, records: Sequence[tuple[str, str]]) -> None:
        """Erase records; they are in scope until `resolve`."""
        self._scope(records, remove=True)

    def _scope(self, records: Sequence[tuple[str, str]], *, remove: bool) -> None:
        rows = [
            {"system": system, "stream": STREAM, "record_id": record_id}
            for system, record_id in records
        ]
        schema = pa.schema([(n, pa.string()) for n in ("system", "stream", "record_id")])
        with self.warehouse.writer("scope") as session:
            session.append("scope", "records", pa.Table.from_pylist(rows, schema))
            if remove:
                session.execute(
                    "delete from intermediate.int_person_records_unioned"
                    " where (system, record_id) in (select system, record_id from scope.records)"
                    " and (system, record_id) in (select system, record_id from ("
                    + " union all ".join(
                        f"select '{system}' as system, '{record_id}' as record_id"
                        for system, record_id in records
                    )
                    + ") gone)"
                )

    def resolve(self, decisions: Sequence[Decision] = (), *, full: bool = False) -> IdentityResult:
        """Run the step over what is in scope, and empty the scope."""
        result = refresh(self.warehouse, Matching("FR", decisions=decisions), full=full)
        with self.warehouse.writer("consume") as session:
            session.execute("delete from scope.records")
            session.execute("delete from scope.customers")
        return result

    def rows(self, sql: str) -> list[dict]:
        """Read from the warehouse."""
        with self.warehouse.reader() as session:
            return session.rows(sql)

    def customers(self) -> dict[str, str]:
        """`<system>:<record id>` to customer id."""
        rows = self.rows("select system, record_id, customer_id from identity.customer_records")
        return {f"{row['system']}:{row['record_id']}": row["customer_id"] for row in rows}

    def state(self) -> dict[str, list[tuple]]:
        """All that the step keeps, but for times, sorted."""
        return {
            name: sorted((tuple(row.values()) for row in self.rows(sql)), key=str)
            for name, sql in STATE.items()
        }
