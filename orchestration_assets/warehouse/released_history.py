"""Rows that releases replaced or removed, and reading a released table as it stood at any time.

`released_history.<table>` holds each of them with the release that wrote it and the one that took
its place. Rows that never change are stored once, in the released table itself, at no cost.
"""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified

SCHEMA = "released_history"
RELEASE_NUMBER = "_release_number"
REPLACED_BY = "_replaced_by_release"
_OURS = (RELEASE_NUMBER, REPLACED_BY)


def release_at(session: Session, at: datetime) -> int | None:
    """The release that stood at a time; None before the first one."""
    if not session.table_exists("released", "releases"):
        return None
    found = session.scalar(
        "select max(release_number) from released.releases"
        " where released_at <= cast(:at as timestamptz)",
        {"at": at},
    )
    return None if found is None else int(found)


def read_as_of(session: Session, table: str, at: datetime) -> pa.Table:
    """The rows of a released table as the release had them that stood at `at`.

    A column that did not exist then is null. One that was dropped since is there; one whose type
    changed since is there as `<column>_until_release_<number>`.

    Raises:
        FatalError: there is no such table, or nothing was released by then.
    """
    if table.startswith("_") or RELEASE_NUMBER not in session.columns("released", table):
        raise FatalError(
            f"No released table is called {table!r}.",
            "name one of the tables in warehouse/released_tables.py, and release the model once.",
        )
    number = release_at(session, at)
    if number is None:
        raise FatalError(
            f"Nothing had been released by {at.isoformat()}.",
            "ask for a later time: released.releases lists when each release was made.",
        )
    now = list(shape(session, "released", table))
    before = list(shape(session, SCHEMA, table))
    names = [*now, *(name for name in before if name not in now)]
    return session.arrow(
        f"select {_selected(names, now)} from {qualified('released', table)}"
        f" where {RELEASE_NUMBER} <= :number"
        f" union all select {_selected(names, before)} from {qualified(SCHEMA, table)}"
        f" where {RELEASE_NUMBER} <= :number and {REPLACED_BY} > :number",
        {"number": number},
    )


def keep(session: Session, table: str, condition: str, release_number: int) -> int:
    """Copy the released rows that meet a condition to the history; return their number.

    Args:
        session: the release's own transaction.
        table: the released table.
        condition: SQL over its columns, of checked names only.
        release_number: the release that is about to remove them.
    """
    if not session.table_exists(SCHEMA, table):
        _create_like_released(session, table)
    columns = ", ".join(identifier(name) for name in session.columns("released", table))
    return session.execute(
        f"insert into {qualified(SCHEMA, table)} ({columns}, {REPLACED_BY})"
        f" select {columns}, cast(:number as bigint) from {qualified('released', table)}"
        f" where {condition}",
        {"number": release_number},
    )


def take_shape_of_core(session: Session, table: str, release_number: int) -> None:
    """Give the history every column of core's; what it holds already stays, under another name."""
    if not session.table_exists(SCHEMA, table):
        _create_like_released(session, table)
    name = qualified(SCHEMA, table)
    found = shape(session, SCHEMA, table)
    for column, kind in shape(session, "core", table).items():
        if column in found and found[column] != kind:
            kept = identifier(f"{column}_until_release_{release_number}")
            session.execute(f"alter table {name} rename column {identifier(column)} to {kept}")
        if found.get(column) != kind:
            session.execute(f"alter table {name} add column {identifier(column)} {kind}")


def shape(session: Session, schema: str, table: str) -> Mapping[str, str]:
    """Type of each column in SQL, by name and in order, those of the releases left out."""
    found = session.types(schema, table)
    return {name: kind for name, kind in found.items() if name not in _OURS}


def _create_like_released(session: Session, table: str) -> None:
    session.create_schema(SCHEMA)
    session.execute(
        f"create table {qualified(SCHEMA, table)} as"
        f" select *, cast(0 as bigint) as {REPLACED_BY}"
        f" from {qualified('released', table)} where false"
    )


def _selected(names: list[str], present: list[str]) -> str:
    return ", ".join(
        identifier(name) if name in present else f"null as {identifier(name)}" for name in names
    )
