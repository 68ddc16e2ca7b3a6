"""Opening the operational store and the two things every user of it needs: begin and upsert."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import NullPool

from orchestration_assets.errors import FatalError
from orchestration_assets.state.sqlite import for_writing, sqlite_engine, writing

_BUSY_TIMEOUT_S = 30
_MIGRATION_LOCK_TIMEOUT_S = 120
# "state" in ASCII: the advisory lock that lets one process migrate at a time.
_MIGRATION_LOCK_KEY = 0x7374617465
# SQLite allows 32,766 bound values a statement, PostgreSQL 65,535.
_MAX_BOUND_VALUES = 30_000


class StateStore:
    """The operational store behind one SQLAlchemy engine.

    Attributes:
        engine: for queries; `begin` for anything that writes.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def begin(self) -> AbstractContextManager[sa.Connection]:
        """Open a writing transaction: commit on success, roll back on any exception."""
        return writing(self.engine)

    def rows(self, statement: sa.Executable) -> list[dict[str, Any]]:
        """Run a query in a transaction of its own; return dicts by column name."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def scalar(self, statement: sa.Executable) -> Any:
        """Run a query in a transaction of its own; return its first value, or None."""
        with self.engine.connect() as connection:
            return connection.execute(statement).scalar()

    def upsert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Iterable[Mapping[str, Any]],
        keys: Sequence[str],
        update: Sequence[str] | Mapping[str, Any] | None = None,
    ) -> int:
        """Insert rows, or update those whose `keys` exist; return the number of rows touched.

        Args:
            connection: from `begin`.
            table: one of `state.schema`.
            rows: dicts with the same keys each; no two with the same values in `keys`.
            keys: columns of a unique constraint.
            update: columns to take from the new row (default: all but the keys), or expressions by
                column over the stored row (`{"attempts": table.c.attempts + 1}`); empty: existing
                rows stay as they are.
        """
        pending = [dict(row) for row in rows]
        if not pending:
            return 0
        size = max(1, _MAX_BOUND_VALUES // max(len(pending[0]), 1))
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        touched = 0
        for start in range(0, len(pending), size):
            statement = insert(table).values(pending[start : start + size])
            changes = _changes(statement, pending[0], keys, update)
            if changes:
                statement = statement.on_conflict_do_update(index_elements=list(keys), set_=changes)
            else:
                statement = statement.on_conflict_do_nothing(index_elements=list(keys))
            counted = statement.execution_options(preserve_rowcount=True)
            touched += max(connection.execute(counted).rowcount, 0)
        return touched

    def close(self) -> None:
        """Close pooled connections."""
        self.engine.dispose()


def _changes(
    statement: Any,
    first: Mapping[str, Any],
    keys: Sequence[str],
    update: Sequence[str] | Mapping[str, Any] | None,
) -> dict[str, Any]:
    if isinstance(update, Mapping):
        return dict(update)
    names = [name for name in first if name not in keys] if update is None else update
    return {name: statement.excluded[name] for name in names}


def open_state(url: str) -> StateStore:
    """Open the store and bring it to the newest version; several processes may start at once.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`.

    Raises:
        FatalError: the address names no engine known here.
    """
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///")).expanduser().resolve()
        engine = sqlite_engine(path, _BUSY_TIMEOUT_S, poolclass=NullPool)
    elif url.startswith(("postgresql://", "postgres://")):
        address = sa.make_url(url).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(
            address, pool_pre_ping=True, connect_args={"options": "-c timezone=UTC"}
        )
    else:
        raise FatalError(
            f"No state store for addresses that start with {url.split(':', 1)[0]!r}.",
            "set ACCORD_STATE_URL to sqlite:///FILE or postgresql://...",
        )
    _migrate(engine)
    return StateStore(engine)


def _migrate(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        lock = FileLock(f"{engine.url.database}.migration.lock", timeout=_MIGRATION_LOCK_TIMEOUT_S)
        with lock, engine.connect() as connection:
            _upgrade(for_writing(connection))
        return
    with engine.connect() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK_KEY)))
        _upgrade(connection)
        connection.commit()


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    newest = ScriptDirectory.from_config(config).get_heads()
    if set(MigrationContext.configure(connection).get_current_heads()) == set(newest):
        return
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()
