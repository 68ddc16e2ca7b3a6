"""The server warehouse: PostgreSQL, with an advisory lock as the writer lock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as postgres_errors

from orchestration_assets.errors import RetriableError
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.postgres_session import PostgresSession
from orchestration_assets.warehouse.session import Session

# "accord" in ASCII; every process of a deployment uses the same number.
_LOCK_KEY = 0x6163636F7264
_HOLDER = """
select pid, application_name from pg_locks join pg_stat_activity using (pid)
where locktype = 'advisory' and granted and database = (
    select oid from pg_database where datname = current_database()
) and ((classid::bigint << 32) | objid::bigint) = %s
"""


class PostgresWarehouse(Warehouse):
    """A warehouse in one PostgreSQL database."""

    dialect = "postgres"

    def __init__(self, url: str, lock_timeout_s: float) -> None:
        super().__init__(url, lock_timeout_s)
        self._depth: dict[int, int] = {}

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the advisory lock; the server queues those who wait in order of arrival."""
        me = threading.get_ident()
        if self._depth.get(me):
            self._depth[me] += 1
            try:
                yield
            finally:
                self._depth[me] -= 1
            return
        with self._connect(f"accord: {purpose}", autocommit=True) as connection:
            self._take(connection, purpose)
            self._depth[me] = 1
            try:
                yield
            finally:
                del self._depth[me]

    @contextmanager
    def reader(self) -> Iterator[Session]:
        """Open a short read-only transaction on a snapshot."""
        with self._connect("accord: read") as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield PostgresSession(connection)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with self._connect("accord: write") as connection:
            yield PostgresSession(connection)

    def _take(self, connection: psycopg.Connection, purpose: str) -> None:
        wait_ms = str(max(int(self.lock_timeout_s * 1000), 1))
        connection.execute("select set_config('lock_timeout', %s, false)", (wait_ms,))
        try:
            connection.execute("select pg_advisory_lock(%s)", (_LOCK_KEY,))
        except postgres_errors.LockNotAvailable as error:
            held = connection.execute(_HOLDER, (_LOCK_KEY,)).fetchone() or ("?", "unknown")
            raise RetriableError(
                f"{purpose!r} waited {self.lock_timeout_s:g} s for the writer lock of the"
                f" warehouse, which is held by {held[1]!r}, server process {held[0]}.",
                "wait for it to end, or end it if it hangs (pg_terminate_backend), then run this"
                " again; ACCORD_WRITER_LOCK_TIMEOUT_S sets the wait.",
            ) from error

    def _connect(self, name: str, *, autocommit: bool = False) -> psycopg.Connection:
        try:
            return psycopg.connect(
                self.url,
                autocommit=autocommit,
                connect_timeout=10,
                application_name=name[:63],
                options="-c timezone=UTC",
            )
        except psycopg.OperationalError as error:
            raise RetriableError(
                "The PostgreSQL warehouse does not answer.",
                "check that the server of ACCORD_WAREHOUSE_URL runs and that its user may connect.",
            ) from error
