"""Who was told of what before channels had a state of their own is not told again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from orchestration_assets.state import alert_deliveries, alerts, store
from orchestration_assets.state.store import StateStore, open_state

MIGRATIONS = Path(store.__file__).parent / "migrations"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    if request.param == "postgres":
        return open_state(request.getfixturevalue("postgres_url"))
    return open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")


def move(state: StateStore, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with state.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if version == "0002" else command.upgrade)(config, version)


def test_channels_that_were_told_are_carried_over(state: StateStore) -> None:
    move(state, "0002")
    now = datetime(2026, 11, 1, tzinfo=UTC)
    old = sa.Table("alerts", sa.MetaData(), autoload_with=state.engine)
    row = {"severity": "critical", "title": "t", "opened_at": now, "updated_at": now}
    bodies = {"open": {"delivered_to": ["log", "slack"]}, "part": {"delivered_to": ["log"]}}
    with state.begin() as connection:
        for key, body in bodies.items():
            values = row | {"dedup_key": key, "body": sa.type_coerce(body, sa.JSON())}
            connection.execute(sa.insert(old).values(values))
    move(state, "head")
    found = {alert["dedup_key"]: alert for alert in alerts.unsettled(state)}
    told = alert_deliveries.deliveries(state)
    assert told[found["open"]["id"]].keys() == {"log", "slack"}
    assert told[found["part"]["id"]].keys() == {"log"}
    assert [alert["body"] for alert in found.values()] == [{}, {}]
    assert told[found["open"]["id"]]["slack"]["told_version"] == found["open"]["version"] == 1
