"""The operational store opens, migrates and upserts alike on SQLite and PostgreSQL."""

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from orchestration_assets.errors import FatalError
from orchestration_assets.state import drift, quarantine, schema
from orchestration_assets.state.quarantine import Rejected
from orchestration_assets.state.store import StateStore, open_state


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'state.sqlite'}"


@pytest.fixture
def state(url: str) -> StateStore:
    return open_state(url)


def test_the_migrations_make_exactly_the_tables_of_the_schema(state: StateStore):
    with state.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
    assert len(schema.metadata.tables) >= 6


def test_several_processes_may_open_a_new_store_at_once(url: str):
    script = "import sys; from orchestration_assets.state.store import open_state; open_state(sys.argv[1])"
    workers = [subprocess.Popen([sys.executable, "-c", script, url]) for _ in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    open_state(url)


def test_upsert_inserts_updates_or_leaves_alone(state: StateStore):
    table = schema.schema_drift
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = {
        "system": "s", "stream": "t", "path": "p",
        "first_seen_at": now, "last_seen_at": now, "records": 1,
    }  # fmt: skip
    keys = ["system", "stream", "path"]
    later = datetime(2026, 1, 2, tzinfo=UTC)
    with state.begin() as connection:
        state.upsert(connection, table, [row], keys)
        state.upsert(connection, table, [row | {"records": 5}], keys, [])
        assert connection.scalar(sa.select(table.c.records)) == 1
        state.upsert(connection, table, [row | {"last_seen_at": later}], keys, ["last_seen_at"])
        state.upsert(connection, table, [row], keys, {"records": table.c.records + 9})
    (found,) = state.rows(sa.select(table))
    assert found == row | {"last_seen_at": later, "records": 10}


def test_many_rows_go_in_with_one_call(state: StateStore):
    now = datetime.now(UTC)
    rows = [
        {
            "system": "s", "stream": "t", "path": str(number),
            "first_seen_at": now, "last_seen_at": now, "records": number,
        }
        for number in range(12_000)
    ]  # fmt: skip
    with state.begin() as connection:
        keys = ["system", "stream", "path"]
        assert state.upsert(connection, schema.schema_drift, rows, keys) == 12_000
    assert state.scalar(sa.select(sa.func.count()).select_from(schema.schema_drift)) == 12_000


def test_a_transaction_that_fails_leaves_nothing(state: StateStore):
    now = datetime.now(UTC)
    row = {
        "system": "s", "stream": "t", "path": "p",
        "first_seen_at": now, "last_seen_at": now, "records": 1,
    }  # fmt: skip

    def write_and_fail() -> None:
        with state.begin() as connection:
            state.upsert(connection, schema.schema_drift, [row], ["system", "stream", "path"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert drift.known_drift(state) == []


def test_writers_at_once_lose_no_update(state: StateStore):
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                quarantine.hold(state, "s", "t", [Rejected("1", "rule", "reason", "{}")])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert quarantine.held(state)[0]["attempts"] == 40


def test_a_held_record_is_released_once_and_may_be_held_again(state: StateStore):
    bad = Rejected("1", "required_field", "email: a value is required", "{}")
    quarantine.hold(state, "s", "t", [bad, Rejected("2", "json_object", "no object", "7")])
    assert quarantine.counts(state) == [
        {"system": "s", "stream": "t", "rule": "json_object", "records": 1},
        {"system": "s", "stream": "t", "rule": "required_field", "records": 1},
    ]
    assert quarantine.release(state, "s", "t", ["1", "3"]) == 1
    assert quarantine.release(state, "s", "t", ["1"]) == 0
    assert quarantine.held_ids(state, "s", "t") == {"2"}
    quarantine.hold(state, "s", "t", [bad])
    assert quarantine.held_ids(state, "s", "t") == {"1", "2"}
    assert quarantine.discard(state, "s", "t", ["2"]) == 1
    assert [row["record_id"] for row in quarantine.held(state, "s")] == ["1"]


def test_drift_adds_up_and_keeps_its_first_time(state: StateStore):
    drift.report(state, "s", "t", {"a": 2, "b": 1})
    first = drift.known_drift(state)
    drift.report(state, "s", "t", {"a": 3})
    found = {row["path"]: row for row in drift.known_drift(state, "s")}
    assert (found["a"]["records"], found["b"]["records"]) == (5, 1)
    assert found["a"]["first_seen_at"] == first[0]["first_seen_at"]
    assert found["a"]["last_seen_at"].tzinfo is not None


def test_a_moment_without_a_zone_is_refused(state: StateStore):
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 the point of the test
    row = {
        "system": "s", "stream": "t", "path": "p",
        "first_seen_at": naive, "last_seen_at": naive, "records": 1,
    }  # fmt: skip
    with pytest.raises(sa.exc.StatementError), state.begin() as connection:
        state.upsert(connection, schema.schema_drift, [row], ["system", "stream", "path"])


def test_an_address_without_an_engine_is_refused():
    with pytest.raises(FatalError, match="ACCORD_STATE_URL"):
        open_state("mysql://somewhere")
