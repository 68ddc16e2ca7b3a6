"""What a plan asks of the ledger is found by its indexes, and is right."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orchestration_assets.state import ledger_history
from orchestration_assets.state.ledger import newer_targets
from orchestration_assets.state.ledger_history import last_rows, open_targets, sends_by_customer
from orchestration_assets.state.schema import UtcDateTime, ledger
from orchestration_assets.state.store import StateStore, open_state
from tests.support.databases import postgres_database

PLACE = ("shop", "events", "jrn_a")
ROWS = 60_000
NOW = datetime.now(UTC)
FILL = """
insert into ledger (idempotency_key, destination, object, journey, customer_id, target_key, payload,
    payload_hash, release_number, state, reason, attempts, planned_at, sent_at, run_id)
select 'key-' || n, 'shop', 'events', 'jrn_a', 'cus_' || n, 'target-' || n, '{}', 'hash', 1,
    case when n % 3 = 0 then 'dead' else 'confirmed' end,
    case when n % 3 = 0 then 'held: a newer payload took its place' end, 0,
    :old, case when n % 3 > 0 then :old end, 'run' from numbers
"""
NUMBERS = {
    "sqlite": "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :rows)",
    "postgresql": "with numbers as (select generate_series(1, :rows) as n)",
}


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store whose ledger has many rows that are over and a few that are open."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("state")
        yield _filled(open_state(f"sqlite:///{folder / 'state.sqlite'}"))
        return
    with postgres_database() as url:
        store = _filled(open_state(url))
        yield store
        store.close()


def _filled(store: StateStore) -> StateStore:
    dialect = store.engine.dialect.name
    fill = FILL if dialect == "sqlite" else FILL.replace("'{}'", "cast('{}' as jsonb)")
    old = sa.bindparam("old", NOW - timedelta(days=30), UtcDateTime())
    states = {1: "planned", 2: "sent", 3: "rejected", 4: "reserved"}
    changes: dict[str, dict[str, Any]] = {
        f"cus_{number}": {"state": word, "reason": None} for number, word in states.items()
    }
    changes |= {
        "cus_6": {"reason": "given up"},
        "cus_9": {"sent_at": NOW},
        "cus_10": {"sent_at": NOW},
    }
    with store.begin() as connection:
        filling = sa.text(f"{NUMBERS[dialect]} {fill}").bindparams(old, rows=ROWS)
        connection.execute(filling)
        for customer, values in changes.items():
            change = sa.update(ledger).where(ledger.c.customer_id == customer).values(values)
            connection.execute(change)
        if dialect == "postgresql":
            connection.execute(sa.text("analyze ledger"))
    return store


ASKED: dict[str, Callable[[StateStore], Any]] = {
    "last rows": lambda state: last_rows(state, PLACE, ["target-1", "target-9", "nothing"]),
    "open": lambda state: open_targets(state, PLACE),
    "open of some": lambda state: open_targets(state, PLACE, ["cus_1", "cus_7"]),
    "last rows of many": lambda state: last_rows(state, PLACE, [f"target-{n}" for n in range(300)]),
    "open of many": lambda state: open_targets(state, PLACE, [f"cus_{n}" for n in range(300)]),
    "newer": lambda state: newer_targets(state, *PLACE, [{"id": 1, "target_key": "target-1"}]),
    "sends of many": lambda state: sends_by_customer(
        state, PLACE, [f"cus_{n}" for n in range(300)], NOW
    ),
    "sends": lambda state: sends_by_customer(state, PLACE, ["cus_1", "cus_9"], NOW),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_question_of_a_plan_reads_the_whole_ledger(state: StateStore, name: str) -> None:
    asked = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *others: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(state.engine, "before_cursor_execute", note)
    ASKED[name](state)
    sa.event.remove(state.engine, "before_cursor_execute", note)
    is_postgres = state.engine.dialect.name == "postgresql"
    explain = "explain " if is_postgres else "explain query plan "
    (question,) = [one for one in asked if one[0].startswith("SELECT")]
    with state.engine.connect() as connection:
        found = connection.exec_driver_sql(explain + question[0], question[1]).all()
    lines = "\n".join(str(row[0] if is_postgres else row[3]) for row in found)
    assert "ix_ledger_" in lines, lines
    assert "Seq Scan on ledger" not in lines, lines
    assert "SCAN ledger" not in lines, lines
    # Equal on thousands of rows: an index that begins with the journey alone is no help.
    assert "ix_ledger_journey_target_key (journey=?)" not in lines, lines
    assert "ix_ledger_destination_object_state" not in lines, lines


def test_what_is_over_or_held_is_not_open(state: StateStore) -> None:
    assert open_targets(state, PLACE) == {f"target-{number}" for number in (1, 2, 3, 4, 6)}
    assert open_targets(state, PLACE, ["cus_2", "cus_7", "cus_9"]) == {"target-2"}
    assert open_targets(state, ("shop", "events", "jrn_b")) == set()


def test_the_last_row_of_a_target_leaves_held_ones_out(state: StateStore) -> None:
    found = last_rows(state, PLACE, ["target-1", "target-9", "nothing"])
    assert {target: (row["state"], row["generation"]) for target, row in found.items()} == {
        "target-1": ("planned", 1),
        "target-9": (None, 1),
    }


def test_sends_are_what_is_open_and_what_went_out_since(state: StateStore) -> None:
    customers = [f"cus_{number}" for number in range(1, 12)]
    week = NOW - timedelta(days=7)
    # The third was rejected, the sixth given up, the ninth held after it went out unanswered.
    counted = {"cus_1": 1, "cus_2": 1, "cus_4": 1, "cus_9": 1, "cus_10": 1}
    assert sends_by_customer(state, PLACE, customers, week) == counted
    assert sends_by_customer(state, PLACE, customers, NOW).keys() == {"cus_1", "cus_2", "cus_4"}


def test_many_names_are_read_at_once_with_the_same_answer(
    state: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: asked(state) for name, asked in ASKED.items()}
    monkeypatch.setattr(ledger_history, "_READ_ALL_ABOVE", 0)
    many = {name: asked(state) for name, asked in ASKED.items()}
    assert many["last rows"] == few["last rows"]
    assert many["open of some"] >= few["open of some"]
    assert {name: many["sends"][name] for name in few["sends"]} == few["sends"]
