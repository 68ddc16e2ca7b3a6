"""Planning for a few customers leaves everybody else as they are; older rows change nothing."""

import threading
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from orchestration_assets.activation import decide
from orchestration_assets.activation.decide import plan_rows
from orchestration_assets.activation.payloads import rows_of
from orchestration_assets.state.ledger import delivery_lock
from orchestration_assets.state.schema import ledger
from tests.unit.activation.destination import JOURNEY, World


def test_only_the_customers_named_are_planned_and_taken_back(world: World) -> None:
    world.publish({"ann": 10, "bob": 20, "cay": 30})
    world.plan("run-1")
    world.publish({"bob": 21, "dan": 40, "eve": 50})
    some = world.plan("run-2", customers=["bob", "cay", "dan", "nobody"])
    assert (some.planned, some.withdrawn, some.unchanged) == (2, 1, 0)
    assert world.states() == {"ann": "planned", "bob": "planned", "cay": "dead", "dan": "planned"}
    assert world.plan("run-3", customers=[]).planned == 0
    everybody = world.plan("run-4")
    assert (everybody.planned, everybody.withdrawn, everybody.unchanged) == (1, 1, 2)


def test_a_key_that_goes_over_to_another_customer_is_not_planned_twice(world: World) -> None:
    world.publish({"ann": 10})
    world.plan("run-1")
    world.deliver("run-1")
    with world.warehouse.writer("merge") as session:
        session.execute("update journeys.jrn_winback set customer_id = 'bob'")
        session.execute("update released.fct_consents set customer_id = 'bob'")
    merged = world.plan("run-2", customers=["ann", "bob"])
    assert (merged.planned, merged.unchanged, merged.withdrawn) == (0, 1, 0)


def test_who_gave_a_key_away_takes_nothing_back_of_its_new_owner(world: World) -> None:
    world.publish({"ann": 10})
    world.plan("run-1")
    with world.state.begin() as connection:
        given_up = {"state": "dead", "reason": "given up", "customer_id": "old"}
        connection.execute(sa.update(ledger).values(given_up))
    world.publish({"ann": 11})
    assert world.plan("run-2", customers=["ann"]).planned == 1
    assert world.plan("run-3", customers=["old"]).withdrawn == 0
    assert world.rows()[-1]["state"] == "planned"


def test_a_property_that_makes_no_new_row_is_sent_with_the_next_one(world: World) -> None:
    journey = replace(JOURNEY, unhashed=("value",))
    world.publish({"ann": 10})
    assert world.plan("run-1", journey).planned == 1
    world.publish({"ann": 11})
    assert world.plan("run-2", journey).unchanged == 1
    with world.warehouse.writer("move") as session:
        session.execute("update journeys.jrn_winback set email = 'new@example.org'")
    assert world.plan("run-3", journey).planned == 1
    assert world.rows()[-1]["payload"] == {"email": "new@example.org", "value": 11}


def test_a_plan_that_waited_goes_by_what_was_released_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publish({"ann": 10})
    looked, read = threading.Event(), decide._seen

    def seen(*arguments: Any) -> Any:
        result = read(*arguments)
        looked.set()
        return result

    monkeypatch.setattr(decide, "_seen", seen)
    waiting = threading.Thread(target=world.plan, args=["run-1"])
    with delivery_lock(world.state, "shop", "people"):
        waiting.start()
        assert looked.wait(60)
        world.publish({"ann": 11})
    waiting.join(60)
    assert [row["payload"]["value"] for row in world.rows()] == [11]


def test_rows_that_come_late_change_nothing_that_a_newer_release_planned(world: World) -> None:
    world.publish({"ann": 10, "bob": 20})
    with world.warehouse.reader() as session:
        rows = rows_of(session, JOURNEY, ["ann", "bob"])
    assert {row["customer_id"] for row in rows} == {"ann", "bob"}
    number = world.plan("run-1", customers=["bob"]).release_number
    world.publish({"ann": 11, "cay": 30})
    world.plan("run-2", customers=["ann", "cay"])
    late = plan_rows(
        world.state,
        JOURNEY,
        rows,
        "run-3",
        release_number=number,
        customers=["ann", "bob", "cay"],
    )
    assert (late.planned, late.withdrawn, late.unchanged) == (0, 0, 2)
    assert [row["payload"]["value"] for row in world.rows()] == [20, 11, 30]
    newer = [row | {"lifetime_value": 99} for row in rows if row["customer_id"] == "ann"]
    done = plan_rows(
        world.state, JOURNEY, newer, "run-4", release_number=number + 9, customers=["ann"]
    )
    assert done.planned == 1
    # A batch that is repeated releases nothing, and its rows have no number: they count.
    gone = plan_rows(world.state, JOURNEY, [], "run-5", release_number=0, customers=["ann"])
    assert gone.withdrawn == 1
    assert world.state.scalar(sa.select(sa.func.max(ledger.c.release_number))) == number + 9
