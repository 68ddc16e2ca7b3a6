"""Opening the warehouse: short readers, one writer in one transaction, a fair lock over both.

DuckDB and PostgreSQL behave alike to callers. Nothing here knows what the tables mean.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from orchestration_assets.errors import FatalError
from orchestration_assets.warehouse.session import Session


class Warehouse(ABC):
    """The one door to the warehouse.

    Attributes:
        url: the address it was opened with.
        dialect: `duckdb` or `postgres`.
    """

    dialect: str

    def __init__(self, url: str, lock_timeout_s: float) -> None:
        self.url = url
        self.lock_timeout_s = lock_timeout_s
        self._open_writers: dict[int, Session] = {}

    @abstractmethod
    def reader(self) -> AbstractContextManager[Session]:
        """Open a short connection for reading what is committed.

        Raises:
            RetriableError: a writer held the warehouse for longer than the lock's time-out.
        """

    @abstractmethod
    def exclusive(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the writer lock without a connection, for dlt and dbt which open their own.

        Readers and writers of this process wait, except on the same thread, which may enter again.

        Args:
            purpose: shown to whoever waits ("land hubspot.contacts").

        Raises:
            RetriableError: the turn did not come in time; names the holder.
        """

    def turn(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the writer lock for a `writer` or several in turn, each of which opens the file.

        Where one of them was first, dlt and dbt may follow it: the file is free of readers then.
        """
        return self.exclusive(purpose)

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Session]:
        """Open a connection and one transaction on it; commit at the end, roll back on error."""

    @contextmanager
    def writer(self, purpose: str) -> Iterator[Session]:
        """Take the lock and open ONE transaction: commit on success, roll back on any exception.

        Inside another `writer` block of the same thread the outer transaction goes on.

        Raises:
            RetriableError: the turn did not come in time; names the holder.
        """
        me = threading.get_ident()
        if me in self._open_writers:
            yield self._open_writers[me]
            return
        with self.turn(purpose), self._transaction() as session:
            self._open_writers[me] = session
            try:
                yield session
            finally:
                del self._open_writers[me]


def open_warehouse(url: str, home: Path, lock_timeout_s: float = 600) -> Warehouse:
    """Return the warehouse at `duckdb:///FILE` or `postgresql://...`; nothing is opened yet.

    Args:
        url: its address; a DuckDB file may be relative or absolute (`duckdb:////abs/file`).
        home: folder of the embedded stores; the ticket queue lives in `home/locks`.
        lock_timeout_s: longest wait for the writer lock or for a file held by a writer.

    Raises:
        FatalError: the address names no engine known here.
    """
    if url.startswith("duckdb:///"):
        from orchestration_assets.warehouse.duckdb_engine import DuckWarehouse

        return DuckWarehouse(url, home, lock_timeout_s)
    if url.startswith(("postgresql://", "postgres://")):
        from orchestration_assets.warehouse.postgres_engine import PostgresWarehouse

        return PostgresWarehouse(url, lock_timeout_s)
    raise FatalError(
        f"No warehouse engine for addresses that start with {url.split(':', 1)[0]!r}.",
        "set ACCORD_WAREHOUSE_URL to duckdb:///FILE or postgresql://...",
    )
