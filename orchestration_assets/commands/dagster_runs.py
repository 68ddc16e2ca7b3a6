"""Recorded Dagster runs from the command line, in this process and in a home of their own."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg

from orchestration_assets.settings import set_environment

PROJECT = Path(__file__).resolve().parents[2]
EVERYTHING = "refresh_everything"
# Every event is in the run's record; on the console only what needs a look.
CONSOLE_LOG_LEVEL = "WARNING"


def prepare_dagster_home(home: Path) -> Path:
    """Make `home/dagster` with the project's `dagster.yaml` and point Dagster at it.

    Copied every time: an earlier version's file would leave out limits that the jobs rely on.
    """
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT / "dagster.yaml", dagster_home / "dagster.yaml")
    set_environment({"DAGSTER_HOME": str(dagster_home)})
    return dagster_home


def open_instance(home: Path) -> dg.DagsterInstance:
    """Dagster's instance under this folder."""
    prepare_dagster_home(home)
    return dg.DagsterInstance.get()


def run_everything(home: Path) -> tuple[dg.DagsterInstance, dg.ExecuteInProcessResult]:
    """Run the whole path once, recorded under `home/dagster` and visible in the UI.

    A failed step does not raise: what does not depend on it goes on, and the result says so.
    """
    from orchestration_assets.definitions import defs

    dagster_home = prepare_dagster_home(home)
    instance = dg.DagsterInstance.get()
    job = defs().resolve_job_def(EVERYTHING)
    with events_kept_open(dagster_home):
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": CONSOLE_LOG_LEVEL}}}},
            tags={"accord/started_by": "command line"},
        )
    return instance, result


@contextmanager
def events_kept_open(dagster_home: Path) -> Iterator[None]:
    """Keep an idle connection to the index of events.

    Dagster opens it anew for each of a run's thousand events, and whenever the last connection
    closes, SQLite moves its log into the file and deletes it.
    """
    index = dagster_home / "history" / "runs" / "index.db"
    if not index.is_file():
        # The instance keeps its events elsewhere.
        yield
        return
    with closing(sqlite3.connect(index)) as connection:
        # The log counts as open from the first read on.
        connection.execute("select 1 from sqlite_master").fetchall()
        yield
