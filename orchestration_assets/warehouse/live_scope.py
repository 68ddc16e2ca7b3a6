"""A scope of its own for a few records, inside one transaction, beside that of a refresh.

The models read one scope. While a refresh has its own open, that one is put aside, the small one
takes its place, and before the transaction commits it is back: nobody else ever sees the small one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from orchestration_assets.warehouse import progress
from orchestration_assets.warehouse.scope import create_scope_tables
from orchestration_assets.warehouse.session import Session

Record = tuple[str, str, str]
# What a refresh has in scope, and how far it has come.
_KEPT = ("records", "customers", "built", "progress")
_RECORDS = pa.schema([("system", pa.string()), ("stream", pa.string()), ("record_id", pa.string())])


@contextmanager
def small_scope(session: Session, records: Sequence[Record]) -> Iterator[None]:
    """Have these records, (system, stream, record id), in scope within the block, and no others.

    Args:
        session: inside a writing transaction, which has to be rolled back when the block raises.
        records: each once.
    """
    create_scope_tables(session)
    progress.create_progress_tables(session)
    for table in _KEPT:
        session.execute(f"drop table if exists kept_{table}")
        session.execute(f"create temporary table kept_{table} as select * from scope.{table}")
        session.execute(f"delete from scope.{table}")
    columns = [list(column) for column in zip(*records, strict=True)] or [[], [], []]
    session.append("scope", "records", pa.table(columns, schema=_RECORDS))
    yield
    for table in _KEPT:
        session.execute(f"delete from scope.{table}")
        session.execute(f"insert into scope.{table} select * from kept_{table}")
        session.execute(f"drop table kept_{table}")


def take_in(session: Session, loads: Sequence[Record], release_number: int) -> None:
    """Mark loads, (system, stream, load id), as taken in: from here on the models may read them."""
    for system, stream, load_id in loads:
        session.execute(
            "insert into scope.consumed_loads"
            " (load_id, system, stream, release_number, consumed_at)"
            " values (:load, :system, :stream, cast(:release as bigint), now())",
            {"load": load_id, "system": system, "stream": stream, "release": release_number},
        )
