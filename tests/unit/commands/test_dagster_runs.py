"""What a run in this process does beside Dagster."""

import sqlite3
from contextlib import closing
from pathlib import Path

from orchestration_assets.commands.dagster_runs import events_kept_open


def test_during_a_run_the_log_of_the_events_is_not_emptied_after_each(tmp_path: Path) -> None:
    index = tmp_path / "history" / "runs" / "index.db"
    index.parent.mkdir(parents=True)
    log = index.with_name("index.db-wal")
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table event_logs (id integer)")

    with events_kept_open(tmp_path):
        with closing(sqlite3.connect(index)) as connection, connection:
            connection.execute("insert into event_logs values (1)")
        assert log.exists()

    assert not log.exists()
    with closing(sqlite3.connect(index)) as connection:
        assert connection.execute("select id from event_logs").fetchall() == [(1,)]


def test_events_that_are_kept_elsewhere_are_left_alone(tmp_path: Path) -> None:
    with events_kept_open(tmp_path):
        pass
    assert not list(tmp_path.iterdir())
