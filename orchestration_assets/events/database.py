"""Opening the inbox's store: a SQLite file of its own, or PostgreSQL; durable at each commit."""

from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock

from orchestration_assets.errors import FatalError
from orchestration_assets.events.tables import metadata
from orchestration_assets.state.sqlite import sqlite_engine

_BUSY_TIMEOUT_S = 5
_LOCK_TIMEOUT_S = 60
# "inbox" in ASCII: the advisory lock that lets one process make the table at a time.
_CREATION_LOCK_KEY = 0x696E626F78


def open_engine(url: str) -> sa.Engine:
    """Open the store and make its table; several processes may start at once.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.

    Raises:
        FatalError: the address names no engine known here.
    """
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///")).expanduser().resolve()
        engine = sqlite_engine(path, _BUSY_TIMEOUT_S)
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
