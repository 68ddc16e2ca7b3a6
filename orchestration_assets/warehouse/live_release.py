"""Releasing the few rows that events changed, beside the releases of whole refreshes.

Only rows that differ from what is released are looked at, judged and copied. What such a release
cannot vouch for (a table made anew, a row that a gate holds) it leaves to a refresh.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import pyarrow as pa

from orchestration_assets.warehouse import held_rows
from orchestration_assets.warehouse import released_history as history
from orchestration_assets.warehouse.changed_rows import Changes
from orchestration_assets.warehouse.release import verdict_rows
from orchestration_assets.warehouse.released_tables import (
    LIVE,
    RELEASED_TABLES,
    RELEASES,
    copy_table,
)
from orchestration_assets.warehouse.scope import in_scope
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified
from orchestration_assets.warehouse.verdicts import JudgedSuite


class LeftToRefresh(Exception):  # noqa: N818
    """What is in scope has to go the way of a whole refresh; the text says why.

    Attributes:
        is_of_rows: some of the rows in scope are the reason, and others may well go on.
    """

    def __init__(self, reason: str, *, is_of_rows: bool = False) -> None:
        super().__init__(reason)
        self.is_of_rows = is_of_rows


def next_number(session: Session) -> int:
    """The number that the next release has."""
    newest = session.scalar("select max(release_number) from released.releases")
    if newest is None:
        raise LeftToRefresh("nothing was released yet")
    return int(newest) + 1


def touched_rows(session: Session, scopes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Tables of the keys of rows in scope that differ from what is released, by core table.

    Args:
        session: inside a writing transaction.
        scopes: `config.meta.scope` of the core tables that were built.

    Raises:
        LeftToRefresh: a table is not as it was released but for the scope, or a row is held.
    """
    found = {}
    for table in (name for name in RELEASED_TABLES if name in scopes):
        _refuse_unlike(session, table)
        name = f"touched_{table}"
        key = ", ".join(identifier(column) for column in RELEASED_TABLES[table])
        columns = ", ".join(identifier(column) for column in session.columns("core", table))
        condition = in_scope(scopes[table])
        core, released = (
            f"select {columns} from {qualified(schema, table)} where {condition}"
            for schema in ("core", "released")
        )
        session.execute(f"drop table if exists {name}")
        session.execute(
            f"create temporary table {name} as"
            f" select {key} from (({core}) except ({released})) come"
            f" union select {key} from (({released}) except ({core})) gone"
        )
        if session.scalar(f"select count(*) from {name}"):
            found[table] = name
            _refuse_held(session, table, name)
    return found


def _refuse_unlike(session: Session, table: str) -> None:
    released = [
        name for name in session.columns("released", table) if name != history.RELEASE_NUMBER
    ]
    if released != session.columns("core", table):
        raise LeftToRefresh(f"{table} has other columns than what is released of it")
    if session.table_exists("scope", "rebuilt") and session.scalar(
        "select count(*) from scope.rebuilt where table_name = :table", {"table": table}
    ):
        raise LeftToRefresh(f"{table} was made anew and waits for its release")


def _refuse_held(session: Session, table: str, touched: str) -> None:
    """A held row, and one that names a held row, wait for a gate over all that depends on them."""
    key = RELEASED_TABLES[table]
    if held_rows.any_held(session, table) and session.scalar(
        f"select count(*) from {touched}"
        f" where {held_rows.row_key(key)} in ({held_rows.keys_of(table)})"
    ):
        raise LeftToRefresh(f"a gate holds a row of {table} in scope", is_of_rows=True)
    names = ", ".join(identifier(name) for name in key)
    for child, column, parent in held_rows.REFERENCES:
        if child != table or not held_rows.any_held(session, parent):
            continue
        if session.scalar(
            f"select count(*) from {qualified('core', table)}"
            f" where ({names}) in (select {names} from {touched})"
            f" and {identifier(column)} in ({held_rows.keys_of(parent)})"
        ):
            reason = f"a row of {table} in scope depends on one that a gate holds"
            raise LeftToRefresh(reason, is_of_rows=True)


def release_touched(
    session: Session,
    number: int,
    version: str,
    touched: Mapping[str, str],
    judged: Mapping[str, JudgedSuite],
) -> dict[str, int]:
    """Copy the touched rows to released, under one release of the live lane.

    Args:
        session: the transaction that wrote the rows.
        number: from `next_number`.
        version: names what was judged.
        touched: from `touched_rows`.
        judged: the verdict of each suite that was asked.

    Returns:
        Rows inserted or replaced, by table.
    """
    changed, rows = {}, dict(_newest_rows(session))
    for table, keys in touched.items():
        removed, inserted = copy_table(session, table, RELEASED_TABLES[table], number, keys)
        changed[table] = inserted
        rows[table] = rows.get(table, 0) + inserted - removed
    # A warehouse of before has no column for the lane.
    session.create_table("released", "releases", RELEASES)
    values = [number, version, "", datetime.now(UTC), json.dumps(rows), False, "", LIVE]
    session.append("released", "releases", pa.table([[value] for value in values], schema=RELEASES))
    session.append("released", "verdicts", verdict_rows(number, judged))
    return changed


def _newest_rows(session: Session) -> Mapping[str, int]:
    found = session.scalar(
        "select table_rows from released.releases order by release_number desc limit 1"
    )
    return json.loads(found) if found else {}


def copy_changes(
    session: Session,
    schema: str,
    table: str,
    condition: str,
    unique: Sequence[tuple[str, ...]],
) -> Changes:
    """Make the tables in which a gate finds the rows of a table that changed.

    Args:
        session: inside a writing transaction.
        schema: of the table.
        table: its name.
        condition: SQL that is true for rows that changed; all rows of one key or none.
        unique: columns whose values must be unique together. All rows that share values of any of
            them with a changed row are in one table, and that is the changed rows' own where there
            are no others: every table that is looked at costs a validation run.
    """
    source, changed, shared = qualified(schema, table), f"changed_{table}", f"keys_{table}"
    forget_copies(session, [Changes(changed, copies={changed: "", shared: ""})])
    session.execute(f"create temporary table {changed} as select * from {source} where {condition}")
    lists = [", ".join(identifier(name) for name in names) for names in unique]
    alike = " or ".join(f"({one}) in (select {one} from {changed})" for one in lists) or "false"
    session.execute(f"create temporary table {shared} as select * from {source} where {alike}")
    counts = (session.scalar(f"select count(*) from {name}") for name in (changed, shared))
    rows, alike_rows = counts
    keys = dict.fromkeys(unique, shared if alike_rows > rows else changed)
    return Changes(changed, keys, {changed: "", shared: ""})


def forget_copies(session: Session, changes: Iterable[Changes]) -> None:
    """Drop the tables of `copy_changes`."""
    for one in changes:
        for name in one.copies:
            session.execute(f"drop table if exists {name}")
