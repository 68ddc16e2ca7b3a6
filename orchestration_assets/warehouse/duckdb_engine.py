"""The embedded warehouse: a DuckDB file, one writing process at a time, many short readers."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration_assets.warehouse.duckdb_session import (
    DuckSession,
    WalDamagedError,
    connect,
    quarantine_wal,
)
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.gate import ThreadGate
from orchestration_assets.warehouse.lock import FairLock
from orchestration_assets.warehouse.session import Session

_gates: dict[str, ThreadGate] = {}
_gates_guard = threading.Lock()


class DuckWarehouse(Warehouse):
    """A warehouse in one file."""

    dialect = "duckdb"

    def __init__(self, url: str, home: Path, lock_timeout_s: float) -> None:
        super().__init__(url, lock_timeout_s)
        self.path = Path(url.removeprefix("duckdb:///")).expanduser().resolve()
        suffix = hashlib.sha256(str(self.path).encode()).hexdigest()[:8]
        folder = home.resolve() / "locks" / f"warehouse-{suffix}"
        self._lock = FairLock(folder, f"writer lock of {self.path.name}")
        with _gates_guard:
            self._gate = _gates.setdefault(str(self.path), ThreadGate())

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the writer lock without a connection; see `Warehouse.exclusive`."""
        is_mine = self._gate.is_mine
        with self.turn(purpose):
            if not is_mine:
                self._wait_for_readers()
            yield

    @contextmanager
    def turn(self, purpose: str) -> Iterator[None]:
        """Hold the writer lock without looking at the file; see `Warehouse.turn`."""
        if self._gate.is_mine:
            with self._gate.hold(purpose, self.lock_timeout_s):
                yield
            return
        with self._gate.hold(purpose, self.lock_timeout_s):
            ticket = self._lock.acquire(purpose, self.lock_timeout_s)
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                yield
            finally:
                ticket.leave()

    @contextmanager
    def reader(self) -> Iterator[Session]:
        """Open a short read-only connection; see `Warehouse.reader`."""
        with self._gate.read("read", self.lock_timeout_s):
            if not self.path.exists():
                with self._missing_file_session() as session:
                    yield session
                return
            connection = self._open_reader()
            try:
                connection.execute("begin transaction")
                yield DuckSession(connection)
            finally:
                connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        connection = self._open(read_only=False)
        try:
            connection.execute("begin transaction")
            try:
                yield DuckSession(connection)
            except BaseException:
                _roll_back(connection)
                raise
            connection.execute("commit")
        finally:
            connection.close()

    @contextmanager
    def _missing_file_session(self) -> Iterator[Session]:
        """An empty database in memory stands in for a file that no writer has made yet."""
        connection = duckdb.connect(":memory:", config={"enable_external_access": "false"})
        try:
            connection.execute("set TimeZone = 'UTC'")
            yield DuckSession(connection)
        finally:
            connection.close()

    def _open_reader(self) -> duckdb.DuckDBPyConnection:
        """Open in turn: a reader that pushed in would make dlt or dbt, which never wait, fail."""
        if self._gate.is_mine:
            return self._open(read_only=True)
        ticket = self._lock.acquire("read", self.lock_timeout_s)
        try:
            return self._open(read_only=True)
        finally:
            ticket.leave()

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Open the file while holding the lock, so that a damaged log may be put aside."""
        deadline = time.monotonic() + self.lock_timeout_s
        try:
            return connect(self.path, read_only=read_only, deadline=deadline)
        except WalDamagedError as error:
            raise WalDamagedError(self.path, quarantine_wal(self.path)) from error

    def _wait_for_readers(self) -> None:
        """Return once the file can be opened for writing: dlt and dbt do not wait themselves."""
        if self.path.exists():
            self._open(read_only=False).close()


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
    except duckdb.Error:
        # The engine has already ended the transaction after a failed statement.
        return
