"""The worker takes what is ready of its systems, and settles it by what became of it."""

import pytest

from orchestration_assets.errors import RetriableError
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.worker import Worker
from tests.unit.events.conftest import an_event

DOWN = RetriableError("The vendor is down.", "wait")


def statuses(inbox: Inbox) -> dict[str, str]:
    found = inbox.list(("waiting", "leased", "done", "poison"))
    return {row["event_id"]: row["status"] for row in found}


def test_it_works_off_all_that_is_ready_and_leaves_other_systems_alone(inbox: Inbox):
    inbox.accept([an_event(f"{number}") for number in range(5)])
    inbox.accept([an_event("not ours", system="events")])
    seen: list[list[str]] = []

    def work(leased):
        seen.append([one.event_id for one in leased])
        return []

    assert Worker(inbox, work, "one", ["shopify"], limit=2).drain() == 5
    assert seen == [["0", "1"], ["2", "3"], ["4"]]
    assert statuses(inbox) == {str(n): "done" for n in range(5)} | {"not ours": "waiting"}


def test_an_event_that_failed_waits_and_the_others_are_done(inbox: Inbox, clock):
    inbox.accept([an_event("good"), an_event("bad")])
    failing = [True]

    def work(leased):
        return [(one, DOWN) for one in leased if one.event_id == "bad" and failing[0]]

    worker = Worker(inbox, work, "one", ["shopify"])
    assert worker.drain() == 2
    assert statuses(inbox) == {"good": "done", "bad": "waiting"}
    failing[0] = False
    clock.move(60)
    assert worker.drain() == 1
    assert statuses(inbox)["bad"] == "done"


def test_a_batch_that_raises_is_put_back_whole(inbox: Inbox):
    inbox.accept([an_event("a"), an_event("b")])

    def work(leased):
        raise DOWN

    assert Worker(inbox, work, "one", ["shopify"]).turn() == 2
    assert statuses(inbox) == {"a": "waiting", "b": "waiting"}
    assert inbox.show(1)["error_text"] == "The vendor is down."


def test_a_worker_that_is_interrupted_costs_no_attempt(inbox: Inbox):
    inbox.accept([an_event("a")])

    def work(leased):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker(inbox, work, "one", ["shopify"]).turn()
    assert (inbox.show(1)["status"], inbox.show(1)["attempts"]) == ("waiting", 0)
