"""The tables of the identity step in the warehouse, and the SQL that selects what to work on.

`customer_records` is what dbt reads. `record_keys` holds the hashed keys of every record, so that a
small change finds its neighbours without reading everybody. `shared_identifiers` lists the keys
that do not link on their own, `history` every record that went from one customer to another,
`moved_people` those of the last run.
"""

import pyarrow as pa

from orchestration_assets.identity.keys import MOST_RECORDS_OF_A_KEY
from orchestration_assets.warehouse.session import Session

UTC = pa.timestamp("us", "UTC")
PEOPLE = "intermediate.int_person_records_unioned"
ACTIVITY = "intermediate.int_activity_records_unioned"
PEOPLE_COLUMNS = (
    "p.system, p.record_id, p.email, p.phone, p.other_phone, p.named_shopify_customer_id,"
    " p.first_name, p.last_name, p.country_code, p.first_loaded_at"
)
TABLES = {
    "customer_records": pa.schema(
        [
            ("customer_id", pa.string()),
            ("system", pa.string()),
            ("record_id", pa.string()),
            ("email", pa.string()),
            ("phone_e164", pa.string()),
            ("first_loaded_at", UTC),
            ("linked_by", pa.string()),
        ]
    ),
    "record_keys": pa.schema(
        [
            ("system", pa.string()),
            ("record_id", pa.string()),
            ("kind", pa.string()),
            ("key_hash", pa.string()),
        ]
    ),
    "shared_identifiers": pa.schema(
        [
            ("key_hash", pa.string()),
            ("kind", pa.string()),
            ("records", pa.int64()),
            ("reason", pa.string()),
            ("found_at", UTC),
        ]
    ),
    "moved_people": pa.schema([("system", pa.string()), ("record_id", pa.string())]),
    "history": pa.schema(
        [
            ("system", pa.string()),
            ("record_id", pa.string()),
            ("customer_id_before", pa.string()),
            ("customer_id_after", pa.string()),
            ("changed_at", UTC),
        ]
    ),
}
_INDEXES = (
    ("customer_records", "customer_id"),
    ("customer_records", "system, record_id"),
    ("record_keys", "key_hash"),
    ("record_keys", "system, record_id"),
)

_CHANGED = f"""
create temporary table changed_people as
select distinct s.system, s.record_id from scope.records s
where exists (
    select 1 from {PEOPLE} p
    where p.system = s.system and p.stream = s.stream and p.record_id = s.record_id
) or exists (
    select 1 from identity.customer_records c
    where c.system = s.system and c.record_id = s.record_id
        and not exists (
            select 1 from {PEOPLE} p
            where p.system = s.system and p.record_id = s.record_id
        )
)
"""
# Keys on too many records link nobody, before and after the change: they are not followed.
_FOLLOWED_KEYS = f"""
insert into followed_keys
select k.key_hash from identity.record_keys k
where k.key_hash in (
    select own.key_hash from identity.record_keys own
    join affected_people a on a.system = own.system and a.record_id = own.record_id
    union
    select key_hash from keys_before
) and k.key_hash not in (select key_hash from followed_keys)
group by k.key_hash
having count(*) - (
    select count(*) from identity.record_keys own
    join changed_people c on c.system = own.system and c.record_id = own.record_id
    where own.key_hash = k.key_hash
) <= {MOST_RECORDS_OF_A_KEY}
"""
_NEIGHBOURS = """
insert into affected_people
select distinct n.system, n.record_id from (
    select k.system, k.record_id from identity.record_keys k
    where k.key_hash in (select key_hash from followed_keys)
    union all
    select c.system, c.record_id from identity.customer_records c
    where c.customer_id in (
        select mine.customer_id from identity.customer_records mine
        join affected_people a on a.system = mine.system and a.record_id = mine.record_id
    )
) n
where not exists (
    select 1 from affected_people a where a.system = n.system and a.record_id = n.record_id
)
"""
_OF_CHANGED = (
    "exists (select 1 from {work} w where w.system = t.system and w.record_id = t.record_id)"
)
_TOUCHED_BY_ACTIVITY = f"""
select c.customer_id from scope.records s
join {ACTIVITY} a on a.system = s.system and a.stream = s.stream and a.record_id = s.record_id
join identity.customer_records c
    on c.system = a.system and c.record_id = a.person_record_id
"""
_ACTIVITY_OF_MOVED = f"""
insert into scope.records (system, stream, record_id)
select a.system, a.stream, a.record_id from {ACTIVITY} a
join identity.moved_people m on m.system = a.system and m.record_id = a.person_record_id
where not exists (
    select 1 from scope.records s
    where s.system = a.system and s.stream = a.stream and s.record_id = a.record_id
)
"""
_FORMER_OWNERS = {
    "fct_orders": "select customer_id from core.fct_orders where order_id in ("
    "select system || ':' || record_id from scope.records where stream = 'orders')"
    " and customer_id is not null",
}


def create_tables(session: Session) -> None:
    """Create the tables that are missing; PostgreSQL gets the indexes that look-ups need."""
    for name, columns in TABLES.items():
        is_new = not session.table_exists("identity", name)
        session.create_table("identity", name, columns)
        if is_new and session.dialect == "postgres":
            for table, on in _INDEXES:
                if table == name:
                    session.execute(f"create index on identity.{table} ({on})")


def everybody(session: Session) -> pa.Table:
    """All person records."""
    return session.arrow(f"select {PEOPLE_COLUMNS} from {PEOPLE} p")


def open_work(session: Session) -> pa.Table:
    """Find the records that changed, erased ones included; return those that still exist."""
    for name in ("changed_people", "affected_people", "followed_keys", "keys_before"):
        session.execute(f"drop table if exists {name}")
    session.execute(_CHANGED)
    session.execute(
        "create temporary table keys_before as select distinct t.key_hash"
        f" from identity.record_keys t where {_OF_CHANGED.format(work='changed_people')}"
    )
    return session.arrow(
        f"select {PEOPLE_COLUMNS} from {PEOPLE} p join changed_people w"
        " on w.system = p.system and w.record_id = p.record_id"
    )


def replace_keys(session: Session, keys: pa.Table) -> None:
    """Store the keys of the changed records in place of their former ones."""
    session.execute(
        f"delete from identity.record_keys t where {_OF_CHANGED.format(work='changed_people')}"
    )
    session.append("identity", "record_keys", stored_keys(keys))


def stored_keys(keys: pa.Table) -> pa.Table:
    """The columns of `match_keys` that are stored."""
    return keys.select(["system", "record_id", "kind", "key_hash"])


def affected(session: Session) -> pa.Table:
    """Return the changed records and all that share a key or a customer with them, however far."""
    session.execute("create temporary table affected_people as select * from changed_people")
    session.execute(
        "create temporary table followed_keys as select key_hash from keys_before where false"
    )
    while True:
        grown = session.execute(_FOLLOWED_KEYS) + session.execute(_NEIGHBOURS)
        if not grown:
            break
    return session.arrow(
        f"select {PEOPLE_COLUMNS} from {PEOPLE} p join affected_people w"
        " on w.system = p.system and w.record_id = p.record_id"
    )


def key_counts(session: Session) -> pa.Table:
    """How many records of the warehouse have each key of the affected records."""
    return session.arrow(
        "select k.key_hash, count(*) as records from identity.record_keys k"
        " where k.key_hash in (select own.key_hash from identity.record_keys own"
        " join affected_people a on a.system = own.system and a.record_id = own.record_id"
        " union select key_hash from keys_before)"
        " group by k.key_hash"
    )


def assignments(session: Session, *, everybody: bool) -> dict[tuple[str, str], str]:
    """The customer of each record before this run, of all or of the affected ones."""
    where = "" if everybody else f" where {_OF_CHANGED.format(work='affected_people')}"
    rows = session.rows(
        f"select t.system, t.record_id, t.customer_id from identity.customer_records t{where}"
    )
    return {(row["system"], row["record_id"]): row["customer_id"] for row in rows}


def changed_records(session: Session) -> set[tuple[str, str]]:
    """The records whose content changed."""
    rows = session.rows("select system, record_id from changed_people")
    return {(row["system"], row["record_id"]) for row in rows}


def store(session: Session, records: pa.Table, shared: pa.Table, *, everybody: bool) -> None:
    """Write the new assignments and shared keys in place of those of the affected records."""
    if everybody:
        session.replace("identity", "customer_records", records)
        session.replace("identity", "shared_identifiers", shared)
        return
    session.execute(
        "delete from identity.customer_records t"
        f" where {_OF_CHANGED.format(work='affected_people')}"
    )
    session.append("identity", "customer_records", records)
    session.execute(
        "delete from identity.shared_identifiers where key_hash in"
        " (select own.key_hash from identity.record_keys own join affected_people a"
        " on a.system = own.system and a.record_id = own.record_id"
        " union select key_hash from keys_before)"
    )
    session.append("identity", "shared_identifiers", shared)


def take_activity_along(session: Session, moved: list[tuple[str, str]]) -> int:
    """Bring the orders and events of records that went to another customer into the scope.

    An order may be landed before its customer is: it has none then, and gets one here.

    Returns:
        The number of orders and events that were not in scope yet.
    """
    rows = [{"system": system, "record_id": record_id} for system, record_id in moved]
    schema = TABLES["moved_people"]
    session.replace("identity", "moved_people", pa.Table.from_pylist(rows, schema))
    return session.execute(_ACTIVITY_OF_MOVED)


def customers_of_activity(session: Session) -> set[str]:
    """Customers whose orders or events are in scope, former owners of the orders included."""
    found = {row["customer_id"] for row in session.rows(_TOUCHED_BY_ACTIVITY)}
    for table, query in _FORMER_OWNERS.items():
        if session.table_exists("core", table):
            found |= {row["customer_id"] for row in session.rows(query)}
    return found
