"""What is planned, what is sent, and what becomes of every row."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orchestration_assets.activation.decide import PlanResult, plan
from orchestration_assets.activation.deliver import NO_ANSWER, deliver
from orchestration_assets.activation.journeys import Journey, read_journeys
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus
from orchestration_assets.state import ledger as ledger_store
from orchestration_assets.state.restrictions import identifier_hash, record_restriction
from orchestration_assets.state.schema import ledger
from orchestration_assets.state.store import StateStore, open_state
from orchestration_assets.state.verdicts import Verdict, newest_verdicts, record_verdicts
from orchestration_assets.warehouse.engine import Warehouse, open_warehouse
from orchestration_assets.warehouse.release import release
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES

SUITE = "customers_are_complete_and_unique"
JOURNEY = Journey(
    name="jrn_winback",
    destination="shop",
    object_name="people",
    purpose="marketing",
    channel="email",
    target_key="email",
    payload={"email": "email", "value": "lifetime_value"},
    options={"list_name": "lapsed"},
)


class FakeDestination:
    """Keeps what it accepts under its upsert key; can reject, stay silent, refuse or die."""

    system = "shop"
    object_name = "people"

    def __init__(self) -> None:
        self.people: dict[str, Any] = {}
        self.calls: list[list[OutgoingRow]] = []
        self.reject: set[str] = set()
        self.silent = False
        self.refuse = False
        self.die_after_accepting = False

    def write(self, rows: Sequence[OutgoingRow], options: Mapping[str, Any]) -> list[RowResult]:
        self.calls.append(list(rows))
        assert options == {"list_name": "lapsed"}
        if self.refuse:
            raise FatalError("shop: the token is wrong.", "set it.")
        if self.silent:
            return [RowResult(row.idempotency_key, RowStatus.UNKNOWN) for row in rows]
        results = []
        for row in rows:
            if row.target_key in self.reject:
                reason = "address does not exist"
                results.append(RowResult(row.idempotency_key, RowStatus.REJECTED, reason))
                continue
            self.people[row.target_key] = dict(row.payload)
            results.append(RowResult(row.idempotency_key, RowStatus.CONFIRMED, None, "ref"))
        if self.die_after_accepting:
            raise KeyboardInterrupt
        return results


@dataclass
class World:
    warehouse: Warehouse
    state: StateStore
    shop: FakeDestination
    version: int = 0

    def build(self, people: Mapping[str, float], *, consents: Sequence[str] | None = None) -> str:
        """Rebuild core and the journey for these people; everybody consents unless said so."""
        self.version += 1
        with self.warehouse.writer("build") as session:
            session.execute("delete from core.fct_consents")
            session.execute("delete from journeys.jrn_winback")
            for name in people if consents is None else consents:
                session.execute(
                    "insert into core.fct_consents (customer_id, purpose, channel, is_granted) "
                    "values (:id, 'marketing', 'email', true)",
                    {"id": name},
                )
            for name, value in people.items():
                session.execute(
                    "insert into journeys.jrn_winback values (:id, :email, :value)",
                    {"id": name, "email": f"{name}@example.org", "value": value},
                )
            session.execute("delete from scope.model_version")
            session.execute(
                "insert into scope.model_version values (:version, now())",
                {"version": f"v{self.version}"},
            )
        return f"v{self.version}"

    def judge(self, *, passed: bool = True) -> None:
        verdict = Verdict(
            SUITE,
            f"v{self.version}",
            "candidate",
            passed,
            evaluated=2,
            expected=2,
            reason="" if passed else "a customer is one row (3 rows)",
        )
        record_verdicts(self.state, [verdict])

    def publish(self, people: Mapping[str, float], **options: Any) -> None:
        self.build(people, **options)
        self.judge()
        release(
            self.warehouse,
            [SUITE],
            lambda version: newest_verdicts(self.state, version),
            lambda session, number: None,
        )

    def plan(self, run_id: str) -> PlanResult:
        return plan(self.warehouse, self.state, JOURNEY, run_id, [SUITE])

    def deliver(self, run_id: str, **options: Any) -> Any:
        return deliver(self.state, self.shop, [JOURNEY], run_id, **options)

    def rows(self) -> list[dict[str, Any]]:
        return self.state.rows(sa.select(ledger).order_by(ledger.c.id))

    def states(self) -> dict[str, str]:
        return {row["customer_id"]: row["state"] for row in self.rows()}


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A warehouse, a state store on each engine, and a destination."""
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    warehouse = open_warehouse(f"duckdb:///{tmp_path / 'w.duckdb'}", tmp_path)
    with warehouse.writer("prepare") as session:
        for schema in ("core", "scope", "journeys"):
            session.create_schema(schema)
        session.execute("create table scope.model_version (version varchar, built_at timestamp)")
        for table, keys in RELEASED_TABLES.items():
            columns = ", ".join(f"{name} varchar" for name in keys)
            session.execute(f"create table core.{table} ({columns}, is_granted boolean)")
        session.execute(
            "create table journeys.jrn_winback "
            "(customer_id varchar, email varchar, lifetime_value decimal(18, 2))"
        )
    return World(warehouse, open_state(url), FakeDestination())


def test_every_row_is_planned_sent_and_confirmed_once(world: World) -> None:
    world.publish({"ann": 10, "bob": 20.5})
    planned = world.plan("run-1")
    assert (planned.refused, planned.planned, planned.release_number) == (None, 2, 1)
    delivered = world.deliver("run-1")
    assert (delivered.confirmed, delivered.unknown, delivered.error) == (2, 0, None)
    assert world.shop.people["bob@example.org"] == {"email": "bob@example.org", "value": 20.5}
    assert {row["vendor_reference"] for row in world.rows()} == {"ref"}


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


def test_a_column_that_the_journey_lacks_is_named(world: World) -> None:
    world.publish({"ann": 10})
    wrong = replace(JOURNEY, payload={"email": "email", "city": "city"})
    with pytest.raises(FatalError, match="lacks city"):
        plan(world.warehouse, world.state, wrong, "run-1", [SUITE])


def test_the_declared_journeys_are_read_in_order_of_priority(repository: Path) -> None:
    journeys = read_journeys(repository / "dbt_project" / "models" / "marts" / "journeys")
    assert list(journeys)[:2] == ["jrn_lapsed_winback_email", "jrn_customer_value_crm"]
    winback = journeys["jrn_lapsed_winback_email"]
    assert (winback.destination, winback.object_name) == ("klaviyo", "profiles")
    assert winback.options["list_name"] == "Accord: lapsed customers"
    assert winback.owner == "marketing"


def test_a_journey_without_a_purpose_is_refused(tmp_path: Path) -> None:
    text = "models: [{name: jrn_x, config: {meta: {journey: {destination: shop}}}}]"
    (tmp_path / "jrn_x.yml").write_text(text)
    with pytest.raises(FatalError, match=r"jrn_x in jrn_x\.yml lacks object, purpose"):
        read_journeys(tmp_path)
    (tmp_path / "jrn_x.yml").write_text("models: [{name: other}]")
    assert read_journeys(tmp_path) == {}
