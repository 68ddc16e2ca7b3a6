"""What is planned, and what is held."""

import threading
from dataclasses import replace

import pytest

from orchestration_assets.activation import decide
from orchestration_assets.activation.decide import plan
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus
from orchestration_assets.state import ledger as ledger_store
from orchestration_assets.state.rejections import rejections
from tests.unit.activation.destination import JOURNEY, SUITE, World


def test_an_unchanged_payload_sends_nothing(world: World) -> None:
    world.publish({"ann": 10, "bob": 20})
    world.plan("run-1")
    assert world.plan("run-1").unchanged == 2
    world.deliver("run-1")
    world.publish({"ann": 10, "bob": 20})
    planned = world.plan("run-2")
    assert (planned.planned, planned.retried, planned.unchanged) == (0, 0, 2)
    assert world.deliver("run-2").reserved == 0
    assert len(world.shop.calls) == 1


def test_a_payload_that_returns_to_an_earlier_value_is_sent_under_a_new_key(world: World) -> None:
    for number, value in enumerate([10, 11, 10]):
        world.publish({"ann": value})
        assert world.plan(f"run-{number}").planned == 1
        assert world.deliver(f"run-{number}").confirmed == 1
    assert len({row["idempotency_key"] for row in world.rows()}) == 3
    assert world.shop.people["ann@example.org"]["value"] == 10


def test_a_newer_payload_takes_the_place_of_one_not_sent_yet(world: World) -> None:
    world.publish({"ann": 10})
    world.plan("run-1")
    world.publish({"ann": 11})
    world.plan("run-2")
    delivered = world.deliver("run-2")
    assert delivered.confirmed == 1
    assert [(row["state"], row["reason"]) for row in world.rows()] == [
        ("dead", ledger_store.SUPERSEDED),
        ("confirmed", None),
    ]


def test_without_consent_nobody_is_planned(world: World) -> None:
    world.publish({"ann": 10, "bob": 20}, consents=["bob"])
    planned = world.plan("run-1")
    assert planned.planned == 1
    assert planned.held == {"no granted consent": 1}
    with world.warehouse.writer("lose the column") as session:
        session.execute("alter table released.fct_consents drop column is_granted")
    planned = world.plan("run-2")
    assert planned.held == {"no granted consent": 2}
    assert planned.withdrawn == 1


def test_while_the_newest_model_is_held_nothing_new_is_planned(world: World) -> None:
    world.publish({"ann": 10})
    world.shop.reject = {"ann@example.org"}
    world.plan("run-1")
    world.deliver("run-1")
    world.build({"ann": 10, "bob": -5})
    unjudged = world.plan("run-2")
    assert unjudged.refused
    assert "no verdict" in unjudged.refused
    world.judge(passed=False)
    failed = world.plan("run-3")
    assert failed.refused
    assert "a customer is one row (3 rows)" in failed.refused
    assert (failed.planned, failed.retried) == (0, 0)
    assert unjudged.retried == 0
    world.judge()
    unreleased = world.plan("run-4")
    assert unreleased.refused
    assert "not released" in unreleased.refused
    assert list(world.states()) == ["ann"]


def test_an_unfinished_build_and_no_required_suite_plan_nothing(world: World) -> None:
    assert "no finished build" in str(world.plan("run-1").refused)
    world.publish({"ann": 10})
    assert plan(world.warehouse, world.state, JOURNEY, "run-1", []).refused


def test_a_customer_who_leaves_the_journey_is_not_written_to(world: World) -> None:
    world.publish({"ann": 10, "bob": 20})
    world.plan("run-1")
    world.publish({"bob": 20})
    assert world.plan("run-2").withdrawn == 1
    assert world.deliver("run-2").confirmed == 1
    world.publish({"ann": 10, "bob": 20})
    assert world.plan("run-3").planned == 1


def test_a_column_that_the_journey_lacks_is_named(world: World) -> None:
    world.publish({"ann": 10})
    wrong = replace(JOURNEY, payload={"email": "email", "city": "city"})
    with pytest.raises(FatalError, match="lacks city"):
        plan(world.warehouse, world.state, wrong, "run-1", [SUITE])


def test_a_row_without_an_answer_is_not_sent_again_to_who_left(world: World) -> None:
    world.publish({"ann": 10, "bob": 20})
    world.plan("run-1")
    world.shop.silent = True
    world.deliver("run-1")
    assert set(world.states().values()) == {"sent"}
    world.publish({"ann": 10, "bob": 20}, consents=["bob"])
    assert world.plan("run-2").withdrawn == 1
    world.shop.silent = False
    assert world.deliver("run-2").confirmed == 1
    assert list(world.shop.people) == ["bob@example.org"]


def test_rows_that_a_killed_delivery_left_reserved_are_taken_back(world: World) -> None:
    world.publish({"ann": 10})
    world.plan("run-1")
    ledger_store.reserve(world.state, "shop", "people", JOURNEY.name, "run-1")
    world.publish({})
    assert world.plan("run-2").withdrawn == 1
    assert world.deliver("run-2").reserved == 0


def test_a_plan_waits_for_the_answers_of_a_delivery_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "DELIVERY_PATIENCE_S", 0.1)
    world.publish({"ann": 10})
    planned: list[str] = []

    def write(rows: list[OutgoingRow], options: object) -> list[RowResult]:
        other = threading.Thread(target=lambda: planned.append(attempt()))
        other.start()
        other.join()
        return [RowResult(row.idempotency_key, RowStatus.CONFIRMED) for row in rows]

    def attempt() -> str:
        try:
            return str(world.plan("run-2").withdrawn)
        except RetriableError as error:
            return error.message

    world.plan("run-1")
    world.publish({})
    monkeypatch.setattr(world.shop, "write", write)
    world.deliver("run-1")
    assert planned == ["Another delivery to shop.people is running."]
    assert world.states() == {"ann": "confirmed"}


def test_a_given_up_row_whose_target_is_gone_is_closed(world: World) -> None:
    world.publish({"ann": 10})
    world.shop.reject = {"ann@example.org"}
    for number in range(ledger_store.MAX_ATTEMPTS):
        world.plan(f"run-{number}")
        world.deliver(f"run-{number}")
    assert [row["rows"] for row in rejections(world.state)] == [1]
    world.publish({})
    assert world.plan("run-x").withdrawn == 1
    assert rejections(world.state) == []
