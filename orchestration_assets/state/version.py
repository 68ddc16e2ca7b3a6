"""What a state store says of itself, looked at without migrating it."""

from pathlib import Path

import sqlalchemy as sa

from orchestration_assets.state.schema import alert_channels

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


def failing_channels(url: str) -> list[tuple[str, str]]:
    """Channels of alerts that fail, and why.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the store does not answer, or is older than this table.
    """
    query = sa.select(alert_channels.c.address, alert_channels.c.error)
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return [(row.address, row.error) for row in connection.execute(query)]
    finally:
        engine.dispose()


def _engine(url: str) -> sa.Engine:
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///")).expanduser().resolve()
        return sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    address = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(address, connect_args={"connect_timeout": 5})
