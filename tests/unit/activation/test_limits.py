"""A customer is reached no more often than the cap says, and one in the control group never."""

import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orchestration_assets.activation.decide import plan_rows
from orchestration_assets.activation.journeys import Cap, Holdout
from orchestration_assets.activation.limits import CAP_REACHED, IN_CONTROL, falls_in_control
from orchestration_assets.state import ledger as ledger_store
from orchestration_assets.state.assignments import assigned
from orchestration_assets.state.schema import ledger
from orchestration_assets.state.store import StateStore, open_state
from tests.unit.activation.destination import JOURNEY, World

CAPPED = replace(JOURNEY, cap=Cap(sends=2, days=7))
HELD_OUT = replace(JOURNEY, holdout=Holdout(0.5, "a salt"))
ROUNDS = 8
CUSTOMERS = [f"cus_{number}" for number in range(20)]


def move_back(state: StateStore, days: float) -> None:
    """Have everything in the ledger happen so many days earlier."""
    with state.begin() as connection:
        for row in connection.execute(sa.select(ledger)).mappings().all():
            earlier = {
                name: row[name] - timedelta(days=days)
                for name in ("planned_at", "sent_at")
                if row[name]
            }
            connection.execute(sa.update(ledger).where(ledger.c.id == row["id"]).values(earlier))


def test_what_exceeds_the_cap_waits_until_the_days_are_over(world: World) -> None:
    for value in (10, 11):
        world.publish({"ann": value})
        assert world.plan(f"run-{value}", CAPPED).planned == 1
        assert world.deliver(f"run-{value}").confirmed == 1
    world.publish({"ann": 12, "bob": 5})
    held = world.plan("run-12", CAPPED)
    assert (held.planned, held.held) == (1, {CAP_REACHED: 1})
    assert world.deliver("run-12").confirmed == 1
    move_back(world.state, 6.99)
    assert world.plan("run-13", CAPPED).held == {CAP_REACHED: 1}
    move_back(world.state, 0.02)
    late = world.plan("run-14", CAPPED)
    assert (late.planned, late.held) == (1, {})
    assert world.deliver("run-14").confirmed == 1
    assert world.shop.people["ann@example.org"]["value"] == 12


def test_a_payload_that_takes_the_place_of_a_planned_one_counts_once(world: World) -> None:
    once = replace(JOURNEY, cap=Cap(sends=1, days=7))
    for value in (10, 11, 12, 13):
        world.publish({"ann": value})
        assert world.plan(f"run-{value}", once).planned == 1
    ledger_store.reserve(world.state, "shop", "people", JOURNEY.name, "run-killed")
    world.publish({"ann": 14})
    assert world.plan("run-14", once).planned == 1
    assert world.deliver("run-14").confirmed == 1
    assert [call[0].payload["value"] for call in world.shop.calls] == [14]


def test_a_row_that_may_have_had_its_effect_counts_although_it_was_replaced(world: World) -> None:
    world.publish({"ann": 10})
    world.plan("run-10", CAPPED)
    world.shop.silent = True
    world.deliver("run-10")
    world.shop.silent = False
    world.publish({"ann": 11})
    assert world.plan("run-11", CAPPED).planned == 1
    world.deliver("run-11")
    assert [row["state"] for row in world.rows()] == ["dead", "confirmed"]
    world.publish({"ann": 12})
    assert world.plan("run-12", CAPPED).held == {CAP_REACHED: 1}


def test_a_rejected_row_does_not_count_until_it_is_planned_again(world: World) -> None:
    world.publish({"ann": 10})
    world.shop.reject = {"ann@example.org"}
    world.plan("run-1", CAPPED)
    world.deliver("run-1")
    again = world.plan("run-2", CAPPED)
    assert (again.retried, again.held) == (1, {})
    world.deliver("run-2")
    world.shop.reject = set()
    for value in (11, 12):
        world.publish({"ann": value})
        assert world.plan(f"run-{value}", CAPPED).planned == 1
        assert world.deliver(f"run-{value}").confirmed == 1
    world.publish({"ann": 13})
    assert world.plan("run-13", CAPPED).held == {CAP_REACHED: 1}


def test_the_cap_holds_back_a_rejected_row_too(world: World) -> None:
    world.publish({"ann": 10})
    world.plan("run-10", CAPPED)
    world.deliver("run-10")
    world.shop.reject = {"ann@example.org"}
    world.publish({"ann": 11})
    world.plan("run-11", CAPPED)
    world.deliver("run-11")
    lowered = world.plan("run-12", replace(JOURNEY, cap=Cap(sends=1, days=7)))
    assert (lowered.retried, lowered.held) == (0, {CAP_REACHED: 1})
    assert world.plan("run-13", CAPPED).retried == 1


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_the_cap_is_exact_when_two_processes_plan_at_once(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, repository: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if engine == "postgres":
        url = request.getfixturevalue("postgres_url")
    state = open_state(url)
    script = textwrap.dedent(
        f"""
        import importlib.util, sys, time
        from pathlib import Path
        spec = importlib.util.spec_from_file_location("planning", {str(Path(__file__))!r})
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        state, who = module.open_state({url!r}), sys.argv[1]
        Path({str(tmp_path)!r}, who).touch()
        while len(list(Path({str(tmp_path)!r}).glob("process-*"))) < 2:
            time.sleep(0.001)
        module.plan_often(state, who)
        """
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, f"process-{number}"], cwd=repository)
        for number in range(2)
    ]
    assert [process.wait(120) for process in processes] == [0, 0]
    planned = Counter(row["customer_id"] for row in state.rows(sa.select(ledger.c.customer_id)))
    assert planned == dict.fromkeys(CUSTOMERS, 5)


def plan_often(state: StateStore, who: str) -> None:
    """Plan a new target for every customer again and again, slow between counting and writing."""
    add_planned = ledger_store.add_planned

    def add_slowly(*arguments: Any) -> int:
        time.sleep(0.05)
        return add_planned(*arguments)

    ledger_store.add_planned = add_slowly
    journey = replace(JOURNEY, cap=Cap(sends=5, days=7))
    for turn in range(ROUNDS):
        rows = [
            {
                "customer_id": name,
                "email": f"{name}.{who}.{turn}@example.org",
                "lifetime_value": turn,
                "_granted": True,
                "_held": False,
            }
            for name in CUSTOMERS
        ]
        plan_rows(state, journey, rows, f"{who}-{turn}", release_number=1, customers=[])


def test_a_customer_in_the_control_group_gets_nothing(world: World) -> None:
    people = dict.fromkeys((f"cus_{number}" for number in range(40)), 10)
    control = {name for name in people if falls_in_control("a salt", name, 0.5)}
    assert 10 < len(control) < 30
    world.publish(people, consents=[name for name in people if name != "cus_0"])
    planned = world.plan("run-1", HELD_OUT)
    in_control = len(control - {"cus_0"})
    assert planned.held == {"no granted consent": 1, IN_CONTROL: in_control}
    assert planned.planned == 39 - in_control
    assert not control & set(world.states())
    # Who could not be written to anyway is in neither group.
    recorded = assigned(world.state, JOURNEY.name, "a salt")
    assert {row["customer_id"] for row in recorded} == set(people) - {"cus_0"}


def test_the_first_assignment_outlives_a_changed_share(world: World) -> None:
    people = dict.fromkeys((f"cus_{number}" for number in range(30)), 10)
    world.publish(people)
    world.plan("run-1", HELD_OUT)
    first = assigned(world.state, JOURNEY.name, "a salt")
    people |= dict.fromkeys((f"new_{number}" for number in range(30)), 10)
    world.publish(people)
    for share in (0.999, 0.001):
        planned = world.plan("run-2", replace(JOURNEY, holdout=Holdout(share, "a salt")))
    after = {row["customer_id"]: row for row in assigned(world.state, JOURNEY.name, "a salt")}
    assert [after[row["customer_id"]] for row in first] == first
    assert len(after) == 60
    others = [row["in_control"] for name, row in after.items() if name.startswith("new")]
    assert sum(others) > 25
    assert planned.held == {IN_CONTROL: sum(row["in_control"] for row in after.values())}
    world.plan("run-3", replace(JOURNEY, holdout=Holdout(0.001, "another salt")))
    assert len(assigned(world.state, JOURNEY.name, "another salt")) == 60
    assert len(world.states()) > 50


def test_what_was_planned_for_who_is_held_out_now_is_taken_back(world: World) -> None:
    world.publish({"cus_0": 1, "cus_1": 1, "cus_2": 1, "cus_3": 1})
    assert world.plan("run-1").planned == 4
    planned = world.plan("run-2", HELD_OUT)
    assert planned.withdrawn == planned.held[IN_CONTROL] > 0


def test_the_share_is_that_of_the_salted_hashes() -> None:
    drawn = [falls_in_control("s", str(number), 0.2) for number in range(10_000)]
    assert 1_850 < sum(drawn) < 2_150
    other = [falls_in_control("t", str(number), 0.2) for number in range(10_000)]
    both = sum(one and two for one, two in zip(drawn, other, strict=True))
    assert 300 < both < 500
