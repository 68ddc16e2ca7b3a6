"""What changed in the core since the last release, for the gates and the release to look at.

`gate.touched_<table>` holds the keys of the rows that the scope touches, in core as it is now and
in what was released; all other rows are as they were released. Copies of changed rows are for the
gates to make: here is only said which.
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
FEW_ROWS = 50_000
"""A table of fewer rows is judged whole: finding what changed in it would cost more."""

_REBUILT = pa.schema([("table_name", pa.string())])
_PREPARED = pa.schema([("model_version", pa.string()), ("table_name", pa.string())])


@dataclass(frozen=True, slots=True)
class Changes:
    """Where the changes of one table lie.

    Args:
        changed: name for the table of the rows that changed.
        keys: name for the table of rows that share the values of these columns with a changed one.
        copies: SQL query of each of these tables, in the order in which they can be made.
    """

    changed: str
    keys: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)


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

    For the release the keys that were touched are kept of small tables too.

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
    found, prepared = {}, []
    for table, key in tables.items():
        session.execute(f"drop table if exists {SCHEMA}.touched_{table}")
        scope = scopes.get(table)
        if whole or not scope or not _is_comparable(session, table):
            continue
        condition = _condition(session, table, key, scope)
        _keep_touched(session, table, key, scope, condition)
        prepared.append(table)
        if not _is_small(session, table):
            names = unique.get(table, ())
            found[table] = _changes(session, table, key, scope, condition, names)
    versions = [version] * len(prepared)
    session.append(SCHEMA, "prepared", pa.table([versions, prepared], schema=_PREPARED))
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


def _is_small(session: Session, table: str) -> bool:
    """Whether judging all rows costs less than finding those that changed."""
    some = f"select 1 from {qualified('core', table)} limit {FEW_ROWS}"
    return session.scalar(f"select count(*) from ({some}) counted") < FEW_ROWS


def _condition(session: Session, table: str, key: Sequence[str], scope: Mapping[str, str]) -> str:
    """Which rows of core changed, or are held and looked at again."""
    condition = in_scope(scope)
    # Naming every row of a large table as text costs a second: only where one is held.
    if held_rows.any_held(session, table):
        condition += f" or {held_rows.row_key(key)} in ({held_rows.keys_of(table)})"
    if session.dialect == "duckdb":
        # Found by one column first: said at once, every column of a wide table would be unpacked.
        core = qualified("core", table)
        condition = f"rowid in (select rowid from {core} where {condition})"
    return condition


def _keep_touched(
    session: Session, table: str, key: Sequence[str], scope: Mapping[str, str], condition: str
) -> None:
    columns = ", ".join(identifier(name) for name in key)
    known = [f"select {columns} from {qualified('released', table)} where {in_scope(scope)}"]
    known += [f"select {columns} from {qualified('core', table)} where {condition}"]
    if list(scope) == list(key) and not held_rows.any_held(session, table):
        # The scope names the rows itself: nothing has to be looked for.
        known = [f"select distinct * from ({scoped_values(scope[key[0]])}) scoped ({columns})"]
    session.execute(f"create table {SCHEMA}.touched_{table} as {' union '.join(known)}")


def _changes(
    session: Session,
    table: str,
    key: Sequence[str],
    scope: Mapping[str, str],
    condition: str,
    unique: Sequence[tuple[str, ...]],
) -> Changes:
    """Where the changes lie that this condition finds."""
    core, changed = qualified("core", table), f"changed_{table}"
    copies = {changed: f"select * from {core} where {condition}"}
    named_by = set(scope) | (set(key) if held_rows.any_held(session, table) else set())
    keys = {}
    for number, names in enumerate(unique):
        if named_by <= set(names):
            # Whoever shares these values is in scope, or held, by them, and so among the changed.
            keys[names] = changed
            continue
        listed = ", ".join(identifier(name) for name in names)
        keys[names] = f"keys_{table}_{number}"
        copies[keys[names]] = (
            f"select {listed} from {core} where ({listed}) in (select {listed} from {changed})"
        )
    return Changes(changed, keys, copies)
