"""Which version a state store has and which one this code wants; looks without migrating."""

from pathlib import Path

import sqlalchemy as sa

_MIGRATIONS = Path(__file__).parent / "migrations"


def versions(url: str) -> tuple[str, str]:
    """Return the store's version (empty when it was never migrated) and the newest one.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`; the SQLite file must exist.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the store does not answer.
    """
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    newest = ScriptDirectory.from_config(config).get_heads()
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_heads()
    finally:
        engine.dispose()
    return ",".join(sorted(current)), ",".join(sorted(newest))


def _engine(url: str) -> sa.Engine:
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///")).expanduser().resolve()
        return sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    address = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(address, connect_args={"connect_timeout": 5})
