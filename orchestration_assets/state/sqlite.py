"""Opening SQLite so that several processes may write and a commit is on the disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

_WRITE = "accord_write"


def sqlite_engine(path: Path, busy_timeout_s: int, **options: Any) -> sa.Engine:
    """An engine over the file, whose folder is made when missing; write through `writing`.

    Args:
        path: the file.
        busy_timeout_s: how long to wait for another process's transaction.
        options: of `sqlalchemy.create_engine`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        f"sqlite:///{path}", connect_args={"timeout": busy_timeout_s}, **options
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"pragma busy_timeout = {busy_timeout_s * 1000}")
        cursor.execute("pragma journal_mode = wal")
        cursor.execute("pragma synchronous = full")
        cursor.execute("pragma foreign_keys = on")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_writing = connection.get_execution_options().get(_WRITE)
        connection.exec_driver_sql("begin immediate" if is_writing else "begin")

    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a writing transaction on any engine: commit on success, roll back on any exception.

    On SQLite it takes the write lock at once, so that a read followed by a write cannot fail
    half-way because another process wrote in between.
    """
    with engine.connect() as plain:
        connection = for_writing(plain)
        with connection.begin():
            yield connection


def for_writing(connection: sa.Connection) -> sa.Connection:
    """Let the transactions that begin on this connection write."""
    return connection.execution_options(**{_WRITE: True})
