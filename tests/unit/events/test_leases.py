"""Events are handed out in order, to one worker a subject, and settled by who holds them alone."""

import random
import threading
from collections import defaultdict

from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.events.inbox import Inbox
from tests.unit.events.conftest import an_event


def ids(leased) -> list[str]:
    return [one.event_id for one in leased]


def test_events_come_in_order_of_acceptance_and_once(inbox: Inbox):
    inbox.accept([an_event(f"{number}") for number in range(7)])
    first = inbox.lease("one", 3, 30)
    second = inbox.lease("two", 10, 30)
    assert ids(first) == ["0", "1", "2"]
    assert ids(second) == ["3", "4", "5", "6"]
    assert inbox.lease("three", 10, 30) == []
    assert ids(inbox.done(first).settled) == ["0", "1", "2"]
    assert inbox.lease("three", 10, 30) == []


def test_a_subject_is_in_the_hands_of_one_worker(inbox: Inbox):
    inbox.accept([an_event("a1", "ann"), an_event("b1", "bob")])
    ann = inbox.lease("one", 1, 30)
    inbox.accept([an_event("a2", "ann"), an_event("b2", "bob"), an_event("a1", "ann", "hubspot")])
    other = inbox.lease("two", 10, 30)
    assert [(one.system, one.event_id) for one in other] == [
        ("shopify", "b1"),
        ("shopify", "b2"),
        ("hubspot", "a1"),
    ]
    assert inbox.lease("one", 10, 30) == []
    inbox.done(ann)
    assert ids(inbox.lease("three", 10, 30)) == ["a2"]


def test_no_later_event_overtakes_one_that_waits_for_its_next_attempt(inbox: Inbox, clock):
    inbox.accept([an_event("a1", "ann"), an_event("b1", "bob"), an_event("a2", "ann")])
    leased = inbox.lease("one", 10, 30)
    failed = inbox.failed(leased[:1], RetriableError("The vendor is down.", "wait"))
    assert ids(failed.settled) == ["a1"]
    # The later event of the same subject went back with it: it cannot be done before.
    rest = inbox.done(leased[1:])
    assert (ids(rest.settled), ids(rest.lost)) == (["b1"], ["a2"])
    assert inbox.lease("two", 10, 30) == []
    clock.move(2.1)
    (first,) = inbox.lease("two", 1, 30)
    assert (first.event_id, first.attempt) == ("a1", 2)
    inbox.done([first])
    (second,) = inbox.lease("two", 1, 30)
    assert (second.event_id, second.attempt) == ("a2", 1)


def test_pauses_between_attempts_grow(inbox: Inbox, clock):
    inbox.accept([an_event("a")])
    for pause in (2, 4, 8):
        leased = inbox.lease("one", 1, 30)
        inbox.failed(leased, ValueError())
        clock.move(pause - 0.1)
        assert inbox.lease("one", 1, 30) == []
        clock.move(0.2)


def test_a_worker_that_slept_past_its_lease_changes_nothing(inbox: Inbox, clock):
    inbox.accept([an_event("a"), an_event("b")])
    asleep = inbox.lease("one", 10, 30)
    clock.move(30)
    # Nobody else has them yet, and still the word of the sleeper does not count.
    assert ids(inbox.done(asleep).lost) == ["a", "b"]
    awake = inbox.lease("two", 1, 30) + inbox.lease("two", 1, 30)
    assert ids(awake) == ["a", "b"]
    for late in (inbox.done, inbox.give_back, lambda held: inbox.failed(held, ValueError())):
        result = late(asleep)
        assert (result.settled, ids(result.lost)) == ((), ["a", "b"])
    assert {one["owner"] for one in inbox.list()} == {"two"}
    assert ids(inbox.done(awake).settled) == ["a", "b"]


def test_the_fence_holds_against_the_same_owner_too(inbox: Inbox, clock):
    inbox.accept([an_event("a")])
    before = inbox.lease("one", 1, 30)
    clock.move(31)
    after = inbox.lease("one", 1, 30)
    assert ids(inbox.done(before).lost) == ["a"]
    assert ids(inbox.done(after).settled) == ["a"]


def test_an_event_that_fails_too_often_is_poison_and_lets_its_subject_go_on(open_inbox, clock):
    inbox = open_inbox(attempts=3)
    inbox.accept([an_event("a1", "ann"), an_event("a2", "ann")])
    error = FatalError("No answer for ann@example.com.", "look")
    for attempt in (1, 2, 3):
        (one,) = inbox.lease("one", 1, 30)
        assert (one.event_id, one.attempt) == ("a1", attempt)
        inbox.failed([one], error)
        clock.move(60)
    (poison,) = inbox.list(["poison"])
    assert (poison["event_id"], poison["error_class"]) == ("a1", "FatalError")
    assert poison["error_text"] == "No answer for [e-mail]."
    assert ids(inbox.lease("one", 10, 30)) == ["a2"]


def test_what_an_unknown_error_says_is_not_kept(inbox: Inbox):
    inbox.accept([an_event("a")])
    inbox.failed(inbox.lease("one", 1, 30), ValueError("Ann Smith, Paris"))
    (one,) = inbox.list()
    assert one["error_class"] == "ValueError"
    assert "Ann" not in one["error_text"]


def test_an_event_that_kills_its_workers_takes_no_other_with_it(open_inbox, clock):
    inbox = open_inbox(attempts=3)
    inbox.accept([an_event(f"{number}") for number in range(64)])
    worked: set[str] = set()
    for _ in range(200):
        leased = inbox.lease("one", 64, 30)
        if "13" in ids(leased):
            clock.move(31)  # dead in the middle of it, with all that it held
        elif leased:
            worked.update(ids(inbox.done(leased).settled))
        else:
            break
    assert worked == {f"{number}" for number in range(64)} - {"13"}
    (poison,) = inbox.list(["poison"])
    assert (poison["event_id"], poison["attempts"]) == ("13", 3)
    assert poison["error_class"] == "LeaseExpired"


def test_what_was_given_back_counts_no_attempt_and_needs_no_pause(inbox: Inbox):
    inbox.accept([an_event("a")])
    inbox.give_back(inbox.lease("one", 1, 30))
    (again,) = inbox.lease("two", 1, 30)
    assert again.attempt == 1


def test_many_blocked_events_in_front_hide_no_other(inbox: Inbox):
    inbox.accept([an_event("first", "ann")])
    held = inbox.lease("one", 1, 30)
    inbox.accept([an_event(f"{number}", "ann") for number in range(2_500)] + [an_event("last")])
    assert ids(inbox.lease("two", 10, 30)) == ["last"]
    inbox.done(held)
    assert len(inbox.lease("two", 5_000, 30)) == 2_500


def test_what_waits_is_counted(inbox: Inbox, clock):
    empty = inbox.waiting()
    assert (empty.count, empty.oldest, empty.newest_id, empty.attempts) == (0, None, 0, {})
    inbox.accept([an_event(f"{number}") for number in range(5)])
    one, two, *_ = inbox.lease("one", 3, 30)
    inbox.done([one])
    inbox.failed([two], ValueError())
    found = inbox.waiting()
    assert (found.count, found.ready, found.attempts, found.poison) == (4, 2, {0: 2, 1: 2}, 0)
    assert found.oldest is not None
    assert found.newest_id == max(row["id"] for row in inbox.list())
    clock.move(31)
    assert inbox.waiting().ready == 4


def test_workers_side_by_side_keep_the_order_of_every_subject(open_inbox):
    chance = random.Random(7)
    inbox = open_inbox()
    events = [an_event(f"{number}", f"subject {chance.randrange(40)}") for number in range(1_200)]
    inbox.accept(events[:400])
    order: dict[str, list[int]] = defaultdict(list)
    hands: dict[str, str] = {}
    broken: list[str] = []
    guard = threading.Lock()
    remaining = [len(events)]

    def work(name: str, seed: int) -> None:
        own, luck = open_inbox(), random.Random(seed)
        while remaining[0] > 0:
            leased = own.lease(name, luck.randrange(1, 30), 30)
            with guard:
                for one in leased:
                    if hands.setdefault(one.subject, name) != name:
                        broken.append(f"{one.subject} is with {hands[one.subject]} and {name}")
                    order[one.subject].append(int(one.event_id))
            with guard:
                for one in leased:
                    hands.pop(one.subject, None)
            # Before the store hears of it nobody else may have them.
            settled = own.done(leased).settled
            with guard:
                remaining[0] -= len(settled)

    workers = [threading.Thread(target=work, args=(f"w{n}", n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for start in range(400, len(events), 50):
        inbox.accept(events[start : start + 50])
    for worker in workers:
        worker.join(60)
    assert not broken
    assert sum(map(len, order.values())) == len(events)
    assert all(numbers == sorted(numbers) for numbers in order.values())
