"""What is sent, and what becomes of every row."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestration_assets.activation.deliver import NO_ANSWER
from orchestration_assets.errors import RetriableError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus
from orchestration_assets.state import ledger as ledger_store
from orchestration_assets.state.restrictions import identifier_hash, record_restriction
from tests.unit.activation.destination import World


def test_every_row_is_planned_sent_and_confirmed_once(world: World) -> None:
    world.publish({"ann": 10, "bob": 20.5})
    planned = world.plan("run-1")
    assert (planned.refused, planned.planned, planned.release_number) == (None, 2, 1)
    delivered = world.deliver("run-1")
    assert (delivered.confirmed, delivered.unknown, delivered.error) == (2, 0, None)
    assert world.shop.people["bob@example.org"] == {"email": "bob@example.org", "value": 20.5}
    assert {row["vendor_reference"] for row in world.rows()} == {"ref"}


@pytest.mark.parametrize("by", ["customer", "identifier"])
def test_a_restriction_counts_at_the_moment_of_sending(world: World, by: str) -> None:
    world.publish({"ann": 10, "bob": 20})
    world.plan("run-1")
    subject = "ann" if by == "customer" else identifier_hash("Ann@Example.org ")
    now = datetime.now(UTC)
    record_restriction(world.state, subject, by, "marketing", "email", "shop", now)
    record_restriction(world.state, "bob", "customer", "marketing", "sms", "shop", now)
    delivered = world.deliver("run-1")
    assert list(world.shop.people) == ["bob@example.org"]
    assert delivered.held == {"restricted by the time of sending": 1}
    assert world.plan("run-2").held == {"restricted": 1}


def test_a_rejected_row_is_tried_again_by_a_later_run_and_keeps_its_reason(world: World) -> None:
    world.publish({"ann": 10})
    world.shop.reject = {"ann@example.org"}
    world.plan("run-1")
    assert world.deliver("run-1").rejected == {"address does not exist": 1}
    assert world.plan("run-1").retried == 0
    assert world.plan("run-2").retried == 1
    (row,) = world.rows()
    assert (row["state"], row["attempts"], row["reason"]) == (
        "planned",
        1,
        "address does not exist",
    )
    world.shop.reject = set()
    assert world.deliver("run-2").confirmed == 1
    (row,) = world.rows()
    assert (row["state"], row["attempts"], row["reason"]) == ("confirmed", 2, None)
    first, second = world.shop.calls
    assert first[0].idempotency_key == second[0].idempotency_key


def test_a_row_rejected_ten_times_is_dead_until_its_payload_changes(world: World) -> None:
    world.publish({"ann": 10})
    world.shop.reject = {"ann@example.org"}
    for number in range(ledger_store.MAX_ATTEMPTS):
        world.plan(f"run-{number}")
        world.deliver(f"run-{number}")
    (row,) = world.rows()
    assert row["state"] == "dead"
    assert "address does not exist" in row["reason"]
    planned = world.plan("run-x")
    assert (planned.dead, planned.planned, planned.retried) == (1, 0, 0)
    world.publish({"ann": 11})
    assert world.plan("run-y").planned == 1


def test_only_answers_count_as_attempts(world: World) -> None:
    world.publish({"ann": 10})
    world.plan("run-0")
    world.shop.silent = True
    for number in range(ledger_store.MAX_ATTEMPTS + 1):
        world.deliver(f"run-{number}")
    assert [(row["state"], row["attempts"]) for row in world.rows()] == [("sent", 0)]
    world.shop.silent = False
    world.shop.reject = {"ann@example.org"}
    world.deliver("run-x")
    assert [(row["state"], row["attempts"]) for row in world.rows()] == [("rejected", 1)]


def test_a_row_held_between_reading_and_sending_does_not_go_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.publish({"ann": 10, "bob": 20})
    world.plan("run-1")
    read = ledger_store.newer_targets

    def hold_ann_meanwhile(*args: Any) -> set[int]:
        found = read(*args)
        ids = [row["id"] for row in world.rows() if row["customer_id"] == "ann"]
        ledger_store.hold(world.state, ids, ledger_store.LEFT_JOURNEY)
        return found

    monkeypatch.setattr(ledger_store, "newer_targets", hold_ann_meanwhile)
    assert world.deliver("run-1").confirmed == 1
    assert world.states() == {"ann": "dead", "bob": "confirmed"}
    assert list(world.shop.people) == ["bob@example.org"]


def test_a_reason_is_kept_without_personal_data(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Ann@example.org with +33 6 12 34 56 78 is refused"

    def write(rows: list[OutgoingRow], options: object) -> list[RowResult]:
        return [RowResult(row.idempotency_key, RowStatus.REJECTED, said) for row in rows]

    monkeypatch.setattr(world.shop, "write", write)
    world.publish({"ann": 10})
    world.plan("run-1")
    expected = "[address] with [number] is refused"
    assert world.deliver("run-1").rejected == {expected: 1}
    assert [row["reason"] for row in world.rows()] == [expected]


def test_a_kill_between_sent_and_confirmed_sends_again_under_the_same_key(world: World) -> None:
    world.publish({"ann": 10, "bob": 20, "eve": 30})
    world.plan("run-1")
    world.shop.die_after_accepting = True
    with pytest.raises(KeyboardInterrupt):
        world.deliver("run-1", batch_rows=2)
    assert sorted(world.states().values()) == ["reserved", "sent", "sent"]
    world.shop.die_after_accepting = False
    delivered = world.deliver("run-2", batch_rows=2)
    assert (delivered.confirmed, delivered.sent_again) == (3, 2)
    keys = [[row.idempotency_key for row in call] for call in world.shop.calls]
    assert keys[0] == keys[1]
    assert len(world.shop.people) == 3


def test_rows_without_an_answer_stay_sent_and_stop_the_delivery(world: World) -> None:
    world.publish({"ann": 10, "bob": 20})
    world.plan("run-1")
    world.shop.silent = True
    delivered = world.deliver("run-1", batch_rows=1)
    assert (delivered.unknown, delivered.confirmed) == (1, 0)
    assert "answered for none" in delivered.error
    assert [(row["state"], row["reason"]) for row in world.rows()] == [
        ("sent", NO_ANSWER),
        ("planned", None),
    ]
    world.shop.silent = False
    assert world.deliver("run-2").confirmed == 2


def test_a_destination_that_refuses_everything_costs_no_attempt(world: World) -> None:
    world.publish({"ann": 10, "bob": 20})
    world.plan("run-1")
    world.shop.refuse = True
    delivered = world.deliver("run-1")
    assert "token is wrong" in delivered.error
    assert [(row["state"], row["attempts"]) for row in world.rows()] == [("planned", 0)] * 2
    world.shop.refuse = False
    assert world.deliver("run-2").confirmed == 2


def test_one_delivery_to_an_object_at_a_time(world: World) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with ledger_store.delivery_lock(world.state, "shop", "people"):
            held.set()
            done.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    with (
        pytest.raises(RetriableError, match="Another delivery"),
        ledger_store.delivery_lock(world.state, "shop", "people", timeout_s=0.1),
    ):
        pass
    done.set()
    other.join()
    with ledger_store.delivery_lock(world.state, "shop", "people", timeout_s=1):
        pass
