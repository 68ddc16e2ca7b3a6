"""The tables of the identity step in the warehouse.

`customer_records` is what dbt reads. `people` holds every record in comparable form, `record_keys`
its hashed keys and `links` the pairs that belong together, so that a small change finds all that it
touches without reading everybody. `review` holds the pairs that a steward has to look at,
`shared_identifiers` the keys that do not link on their own, `quarantined_clusters` what was taken
apart instead of being merged, `history` every record that went from one customer to another and
why, `decisions` the stewards' words that the last run went by, `settings` what all of it was made
with. `work_*`, `new_*` and `moved_*` belong to the last run.
"""

import pyarrow as pa

from orchestration_assets.identity.normalise import NORMALISED
from orchestration_assets.warehouse.session import Session

UTC = pa.timestamp("us", "UTC")
PEOPLE = "intermediate.int_person_records_unioned"
PEOPLE_COLUMNS = (
    "p.system, p.record_id, p.email, p.phone, p.other_phone, p.named_shopify_customer_id,"
    " p.first_name, p.last_name, p.address, p.city, p.postal_code, p.country_code,"
    " p.first_loaded_at"
)
LAYOUT = "3"
"""Changes when a column means something else; identity is then resolved anew, history kept."""

_PAIR = [("one", pa.int64()), ("other", pa.int64())]
TABLES = {
    "people": NORMALISED,
    "record_keys": pa.schema(
        [("record_key", pa.int64()), ("kind", pa.int32()), ("key_hash", pa.int64())]
    ),
    "links": pa.schema(
        [
            *_PAIR,
            ("strength", pa.int32()),
            ("is_strong", pa.bool_()),
            ("weight", pa.float64()),
        ]
    ),
    "review": pa.schema([*_PAIR, ("weight", pa.float64()), ("found_at", UTC)]),
    "customer_records": pa.schema(
        [
            ("customer_id", pa.string()),
            ("system", pa.string()),
            ("record_id", pa.string()),
            ("email", pa.string()),
            ("phone_e164", pa.string()),
            ("first_loaded_at", UTC),
            ("linked_by", pa.string()),
            ("record_key", pa.int64()),
            ("component", pa.int64()),
        ]
    ),
    "shared_identifiers": pa.schema(
        [
            ("key_hash", pa.int64()),
            ("kind", pa.string()),
            ("records", pa.int64()),
            ("reason", pa.string()),
            ("found_at", UTC),
        ]
    ),
    "quarantined_clusters": pa.schema(
        [
            ("record_key", pa.int64()),
            ("customer_id", pa.string()),
            ("reason", pa.string()),
            ("records", pa.int64()),
            ("found_at", UTC),
        ]
    ),
    "decisions": pa.schema(
        [
            ("decision_id", pa.string()),
            ("kind", pa.string()),
            *_PAIR,
            ("reason", pa.string()),
        ]
    ),
    "settings": pa.schema([("name", pa.string()), ("value", pa.string())]),
    "moved_people": pa.schema([("system", pa.string()), ("record_id", pa.string())]),
    "moved_customers": pa.schema([("customer_id", pa.string())]),
    "new_keys": pa.schema([("key_hash", pa.int64())]),
    "work_records": pa.schema([("record_key", pa.int64())]),
}
HISTORY = pa.schema(
    [
        ("system", pa.string()),
        ("record_id", pa.string()),
        ("customer_id_before", pa.string()),
        ("customer_id_after", pa.string()),
        ("changed_at", UTC),
        ("kind", pa.string()),
        ("reason", pa.string()),
    ]
)
# PostgreSQL looks up by these; DuckDB scans columns faster than it keeps indexes.
_INDEXES = {
    "people": ("record_key",),
    "record_keys": ("key_hash", "record_key"),
    "links": ("one", "other"),
    "review": ("one", "other"),
    "customer_records": ("customer_id", "system, record_id", "record_key", "component"),
    "shared_identifiers": ("key_hash",),
}


def create_tables(session: Session) -> None:
    """Create the tables that are missing, all but the history anew when the layout changed."""
    session.create_table("identity", "history", HISTORY)
    if session.table_exists("identity", "customer_records") and _layout(session) != LAYOUT:
        for name in TABLES:
            # What dbt reads stays in place, so that its views do.
            if session.table_exists("identity", name) and name != "customer_records":
                session.execute(f"drop table identity.{name}")
        session.create_table("identity", "customer_records", TABLES["customer_records"])
    for name, columns in TABLES.items():
        is_new = not session.table_exists("identity", name)
        session.create_table("identity", name, columns)
        if is_new and session.dialect == "postgres":
            for on in _INDEXES.get(name, ()):
                session.execute(f"create index on identity.{name} ({on})")


def _layout(session: Session) -> str | None:
    if not session.table_exists("identity", "settings"):
        return None
    return setting(session, "layout")


def setting(session: Session, name: str) -> str | None:
    """A value of `identity.settings`; None where it was never set."""
    return session.scalar("select value from identity.settings where name = :name", {"name": name})


def remember_settings(session: Session, values: dict[str, str]) -> None:
    """Keep what the tables were made with."""
    rows = [{"name": name, "value": value} for name, value in values.items()]
    session.replace("identity", "settings", pa.Table.from_pylist(rows, TABLES["settings"]))


def put_work(session: Session, keys: pa.Array | pa.ChunkedArray) -> None:
    """Make `identity.work_records` hold these record keys."""
    session.replace("identity", "work_records", pa.table({"record_key": keys.cast(pa.int64())}))


def delete_of_work(session: Session, *tables: str) -> None:
    """Delete the rows of the records in `identity.work_records`."""
    for table in tables:
        session.execute(
            f"delete from identity.{table}"
            " where record_key in (select record_key from identity.work_records)"
        )
