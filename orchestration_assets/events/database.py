"""Opening the inbox's store: a SQLite file of its own, or PostgreSQL; durable at each commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy import event

from orchestration_assets.errors import FatalError
from orchestration_assets.events.tables import metadata

_BUSY_TIMEOUT_S = 5
_LOCK_TIMEOUT_S = 60
# "inbox" in ASCII: the advisory lock that lets one process make the table at a time.
_CREATION_LOCK_KEY = 0x696E626F78
_WRITE = "accord_inbox_write"


def open_engine(url: str) -> sa.Engine:
    """Open the store and make its table; several processes may start at once.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.

    Raises:
        FatalError: the address names no engine known here.
    """
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///")).expanduser().resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = _sqlite(path)
        with FileLock(f"{path}.lock", timeout=_LOCK_TIMEOUT_S):
            metadata.create_all(engine)
        return engine
    if url.startswith(("postgresql://", "postgres://")):
        engine = sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            # Whatever the server's default: an acknowledged event is on its disk.
            connect_args={"options": "-c timezone=UTC -c synchronous_commit=on"},
        )
        with engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK_KEY)))
            metadata.create_all(connection)
        return engine
    raise FatalError(
        f"No inbox for addresses that start with {url.split(':', 1)[0]!r}.",
        "set ACCORD_INBOX_URL to sqlite:///FILE or postgresql://...",
    )


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a writing transaction; on SQLite it takes the write lock at once."""
    with engine.connect() as plain:
        connection = plain.execution_options(**{_WRITE: True})
        with connection.begin():
            yield connection


def _sqlite(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"pragma busy_timeout = {_BUSY_TIMEOUT_S * 1000}")
        cursor.execute("pragma journal_mode = wal")
        cursor.execute("pragma synchronous = full")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_writing = connection.get_execution_options().get(_WRITE)
        connection.exec_driver_sql("begin immediate" if is_writing else "begin")

    return engine
