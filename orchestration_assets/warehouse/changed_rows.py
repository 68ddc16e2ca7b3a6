"""What changed in the core since the last release, for the gates and the release to look at.

`gate.touched_<table>` holds the keys of the rows that the scope touches, in core as it is now and
in what was released; all other rows are as they were released. `gate.changed_<table>` and
`gate.keys_<table>_<n>` hold rows of core and last only while they are judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from orchestration_assets.warehouse import held_rows
from orchestration_assets.warehouse import released_history as history
from orchestration_assets.warehouse.scope import in_scope, scoped_values
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

SCHEMA = held_rows.SCHEMA
WHOLE_EVERY = timedelta(hours=24)
"""Once a day all rows are judged and compared, whatever is thought to have changed."""

_REBUILT = pa.schema([("table_name", pa.string())])
_PREPARED = pa.schema([("model_version", pa.string()), ("table_name", pa.string())])


@dataclass(frozen=True, slots=True)
class Changes:
    """Where the changes of one table lie.

    Args:
        changed: `<schema>.<table>` of the rows that changed.
        keys: table of the rows that share the values of these columns with a changed one.
    """

    changed: str
    keys: Mapping[tuple[str, ...], str] = field(default_factory=dict)


def ensure_tables(session: Session) -> None:
    """Create the tables of what changed that are missing."""
    session.create_table("scope", "rebuilt", _REBUILT)
    session.create_table(SCHEMA, "prepared", _PREPARED)
    held_rows.ensure_table(session)


def find_changes(
    session: Session,
    version: str,
    tables: Mapping[str, Sequence[str]],
    scopes: Mapping[str, Mapping[str, str]],
    unique: Mapping[str, Sequence[tuple[str, ...]]],
) -> dict[str, Changes]:
    """Collect what changed in each core table; a table that is absent has to be judged whole.

    Args:
        session: inside a writing transaction.
        version: version of the core as it is now.
        tables: key columns of each released table.
        scopes: `config.meta.scope` of each table's model.
        unique: columns whose values must be unique, by table.
    """
    ensure_tables(session)
    session.execute(f"delete from {SCHEMA}.prepared")
    whole = is_whole_due(session)
    found = {}
    for table, key in tables.items():
        _drop(session, table, len(unique.get(table, ())))
        scope = scopes.get(table)
        if whole or not scope or not _is_comparable(session, table):
            continue
        found[table] = _collect(session, table, key, scope, unique.get(table, ()))
        session.append(
            SCHEMA,
            "prepared",
            pa.table([[version], [table]], schema=_PREPARED),
        )
    return found


def touched_table(session: Session, version: str, table: str) -> str | None:
    """Table of the keys that the candidate touches; None where all rows have to be compared."""
    if not session.table_exists(SCHEMA, "prepared"):
        return None
    known = session.scalar(
        f"select count(*) from {SCHEMA}.prepared"
        " where model_version = :version and table_name = :table",
        {"version": version, "table": table},
    )
    return qualified(SCHEMA, f"touched_{table}") if known else None


def forget_rows(session: Session, changes: Mapping[str, Changes]) -> None:
    """Drop the copies of rows once they are judged; the keys stay for the release."""
    for one in changes.values():
        for name in (one.changed, *one.keys.values()):
            session.execute(f"drop table if exists {name}")


def forget_candidate(session: Session) -> None:
    """Forget what a candidate touched; call it in the release that took it in."""
    ensure_tables(session)
    for row in session.rows(f"select table_name from {SCHEMA}.prepared"):
        session.execute(f"drop table if exists {SCHEMA}.touched_{row['table_name']}")
    session.execute(f"delete from {SCHEMA}.prepared")
    session.execute("delete from scope.rebuilt")


def is_whole_due(session: Session) -> bool:
    """Whether the last comparison of all rows is missing or too long ago."""
    if not session.table_exists("released", "releases"):
        return True
    if "is_whole" not in session.columns("released", "releases"):
        return True
    last = session.scalar("select max(released_at) from released.releases where is_whole")
    return last is None or datetime.now(UTC) - last > WHOLE_EVERY


def _is_comparable(session: Session, table: str) -> bool:
    """Whether core differs from what was released by the scope alone."""
    rebuilt = session.scalar(
        "select count(*) from scope.rebuilt where table_name = :table", {"table": table}
    )
    released = [
        name for name in session.columns("released", table) if name != history.RELEASE_NUMBER
    ]
    return not rebuilt and released == session.columns("core", table)


def _collect(
    session: Session,
    table: str,
    key: Sequence[str],
    scope: Mapping[str, str],
    unique: Sequence[tuple[str, ...]],
) -> Changes:
    core, columns = qualified("core", table), ", ".join(identifier(name) for name in key)
    scoped = condition = in_scope(scope)
    holds = held_rows.any_held(session, table)
    # Naming every row of a large table as text costs a second: only where one is held.
    if holds:
        condition = f"{scoped} or {held_rows.row_key(key)} in ({held_rows.keys_of(table)})"
    touched, changed = f"{SCHEMA}.touched_{table}", f"{SCHEMA}.changed_{table}"
    if session.dialect == "duckdb":
        # Found by one column first: said at once, every column of a wide table would be unpacked.
        condition = f"rowid in (select rowid from {core} where {condition})"
    session.execute(f"create table {changed} as select * from {core} where {condition}")
    if list(scope) == list(key):
        # The scope names the rows itself, released ones too: nothing has to be looked for.
        released = scoped_values(scope[key[0]])
    else:
        released = f"select {columns} from {qualified('released', table)} where {scoped}"
    session.execute(
        f"create table {touched} as select {columns} from {changed} union {released}"
    )
    keys = {}
    for number, names in enumerate(unique):
        if set(scope) <= set(names) and (not holds or set(key) <= set(names)):
            # Whoever shares these values is in scope, or held, by them, and so among the changed.
            keys[names] = changed
            continue
        listed = ", ".join(identifier(name) for name in names)
        keys[names] = f"{SCHEMA}.keys_{table}_{number}"
        session.execute(
            f"create table {keys[names]} as select {listed} from {core}"
            f" where ({listed}) in (select {listed} from {changed})"
        )
    return Changes(changed, keys)


def _drop(session: Session, table: str, unique: int) -> None:
    names = [f"touched_{table}", f"changed_{table}"]
    names += [f"keys_{table}_{number}" for number in range(unique)]
    for name in names:
        session.execute(f"drop table if exists {SCHEMA}.{name}")
