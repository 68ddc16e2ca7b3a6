"""The inbox keeps each event once and for ever, whatever the engine."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.upkeep import Retention
from orchestration_assets.state.sqlite import writing
from tests.unit.events.conftest import an_event


def count(inbox: Inbox) -> int:
    with inbox.engine.connect() as connection:
        return connection.execute(sa.text("select count(*) from inbox_events")).scalar_one()


def test_what_was_accepted_is_found_as_it_came(inbox: Inbox):
    occurred = datetime(2026, 11, 1, 10, 0, 0, 5, tzinfo=UTC)
    body = b'\x00\xff{"caf\xc3\xa9": 1}'
    inbox.accept([an_event("a", "ann", topic="carts/update", occurred_at=occurred, body=body)])
    (one,) = inbox.lease("worker", 10, 30)
    assert (one.system, one.event_id, one.topic, one.subject) == (
        "shopify", "a", "carts/update", "ann",
    )  # fmt: skip
    assert one.body == body
    assert one.occurred_at == occurred
    assert one.received_at == datetime(2026, 11, 1, 11, 59, 59, 123456, tzinfo=UTC)
    assert abs((one.accepted_at - datetime.now(UTC)).total_seconds()) < 60


def test_an_event_is_taken_once_by_system_and_id(inbox: Inbox):
    first = inbox.accept([an_event("a"), an_event("b"), an_event("a")])
    assert [one.is_duplicate for one in first] == [False, False, True]
    again = inbox.accept([an_event("b"), an_event("c"), an_event("a", system="hubspot")])
    assert [(one.system, one.event_id, one.is_duplicate) for one in again] == [
        ("shopify", "b", True),
        ("shopify", "c", False),
        ("hubspot", "a", False),
    ]
    assert count(inbox) == 4


def test_a_copy_is_known_after_its_body_is_gone(inbox: Inbox, clock):
    inbox.accept([an_event("a", "ann@example.com"), an_event("b", "bob")])
    inbox.done(inbox.lease("worker", 1, 30))
    policy = Retention(done=timedelta(days=30), discarded=timedelta(days=7))
    assert inbox.expire(policy) == 0
    clock.move(31 * 86_400)
    assert inbox.expire(policy) == 1
    assert inbox.expire(policy) == 0
    (old,) = inbox.list(["done"])
    assert inbox.show(old["id"], with_body=True)["body"] is None
    assert old["subject"] == ""
    (waits,) = inbox.list(["waiting"])
    assert inbox.show(waits["id"], with_body=True)["body"] is not None
    assert [one.is_duplicate for one in inbox.accept([an_event("a", "ann@example.com")])] == [True]
    assert inbox.replay([old["id"]], by="ann") == []


def test_many_callers_share_a_commit_and_each_learns_of_its_own(inbox: Inbox):
    commits = []
    sa.event.listen(inbox.engine, "commit", commits.append)
    results: dict[int, bool] = {}

    def call(number: int) -> None:
        (one,) = inbox.accept([an_event(f"{number % 150}")])
        results[number] = one.is_duplicate

    threads = [threading.Thread(target=call, args=(number,)) for number in range(200)]
    # As long as somebody else writes, all callers queue up behind the first commit.
    with writing(inbox.engine) as held:
        if held.dialect.name == "postgresql":
            held.exec_driver_sql("lock table inbox_events")
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(results.values()) == 50
    assert len(results) == 200
    assert count(inbox) == 150
    assert len(commits) < 100


def test_a_full_queue_is_refused_and_nothing_of_it_is_kept(open_inbox):
    inbox = open_inbox(capacity=2)
    with pytest.raises(RetriableError) as refused:
        inbox.accept([an_event("a"), an_event("b"), an_event("c")])
    assert refused.value.retry_after
    assert count(inbox) == 0
    assert len(inbox.accept([an_event("a"), an_event("b")])) == 2


def test_an_event_that_no_store_takes_harms_no_other(inbox: Inbox):
    broken, well = inbox.submit([an_event("a\ud800")]), inbox.submit([an_event("b")])
    assert [one.is_duplicate for one in well.result()] == [False]
    with pytest.raises(FatalError):
        broken.result()
    assert [one["event_id"] for one in inbox.list()] == ["b"]


def test_an_unwritable_store_is_said_and_is_written_again_once_it_can_be(inbox: Inbox):
    inbox.accept([an_event("a")])
    with inbox.engine.connect() as connection:
        connection.exec_driver_sql("alter table inbox_events rename to elsewhere")
        connection.commit()
    with pytest.raises(RetriableError) as refused:
        inbox.accept([an_event("b")])
    assert refused.value.retry_after
    with pytest.raises(sa.exc.DBAPIError):
        inbox.check_writable()
    with inbox.engine.connect() as connection:
        connection.exec_driver_sql("alter table elsewhere rename to inbox_events")
        connection.commit()
    inbox.check_writable()
    assert [one.is_duplicate for one in inbox.accept([an_event("b"), an_event("a")])] == [
        False,
        True,
    ]


def test_a_full_disk_is_an_unwritable_store(tmp_path: Path):
    inbox = Inbox(f"sqlite:///{tmp_path / 'inbox.db'}")
    inbox.accept([an_event("a")])
    with inbox.engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar_one()

    @sa.event.listens_for(inbox.engine, "checkout")
    def _limit(connection, _record, _proxy) -> None:
        connection.execute(f"pragma max_page_count = {limit[0]}")

    limit = [pages]
    big = an_event("big", body=b"x" * 100_000)
    with pytest.raises(RetriableError):
        inbox.accept([big])
    assert count(inbox) == 1
    limit[0] = 1_000_000
    assert not inbox.accept([big])[0].is_duplicate
    inbox.close()


def test_a_closed_inbox_has_written_what_it_took(inbox_url: str):
    inbox = Inbox(inbox_url)
    futures = [inbox.submit([an_event(f"{number}")]) for number in range(100)]
    inbox.close()
    assert all(future.done() for future in futures)
    with pytest.raises(RetriableError):
        inbox.submit([an_event("late")])
    again = Inbox(inbox_url)
    assert count(again) == 100
    again.close()


def test_several_processes_may_open_a_new_inbox_at_once(inbox_url: str):
    script = "import sys; from orchestration_assets.events.inbox import Inbox; Inbox(sys.argv[1])"
    started = [
        subprocess.Popen([sys.executable, "-c", script, inbox_url], cwd=Path.cwd())
        for _ in range(3)
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]


@pytest.mark.parametrize("seed", range(4))
def test_what_was_acknowledged_before_a_kill_is_there(inbox_url: str, seed: int):
    script = """
import sys
from tests.unit.events.conftest import an_event
from orchestration_assets.events.inbox import Inbox
inbox = Inbox(sys.argv[1])
for number in range(100_000):
    inbox.accept([an_event(f"{number}")])
    print(number, flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, inbox_url], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(20 + 37 * seed)]
    os.kill(process.pid, 9)
    said += process.stdout.readlines()
    process.wait()
    acknowledged = {line.strip() for line in said if line.endswith("\n")}
    inbox = Inbox(inbox_url)
    found = [one["event_id"] for one in inbox.list(limit=100_000)]
    inbox.close()
    assert len(found) == len(set(found))
    assert acknowledged <= set(found)
    assert len(found) <= len(acknowledged) + 1


def test_an_address_of_no_known_engine_is_refused():
    with pytest.raises(FatalError, match="mysql"):
        Inbox("mysql://localhost/x")
