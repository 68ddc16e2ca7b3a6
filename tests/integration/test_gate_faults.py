"""Whatever goes wrong at a gate, nothing is sent, people are told, and once it is right all goes on.

The whole path in one process over the sandbox's real servers; each fault starts from a change that
would otherwise be sent, and the last test sends all of them.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pytest
import sqlalchemy.exc

import orchestration_assets.stages.gate as gate_stage
import quality.runner
from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.activate import all_journeys, deliver_to, plan_journeys
from orchestration_assets.stages.gate import judge, publish
from orchestration_assets.stages.land import land_stream
from orchestration_assets.stages.model import build_models, open_refresh, resolve_identities
from orchestration_assets.transform import project
from quality.catalog import CORE_SUITES, PAYLOAD_SUITES
from quality.rules import Suite
from quality.suites.phrases import present
from sandbox.client import start_sandbox
from tests.support.deployed import Deployed

CUSTOMERS = 120
pytestmark = pytest.mark.long


@dataclass
class WholePath:
    """The path, step by step, against the sandbox."""

    deployed: Deployed
    deployment: Deployment

    def land(self) -> None:
        """Land every stream from its cursor on."""
        for system, entry in SYSTEMS.items():
            if system == "reference":
                continue
            for stream in entry.streams:
                land_stream(self.deployment, system, stream)

    def refresh(self) -> None:
        """Scope, staging, identity, core."""
        open_refresh(self.deployment)
        build_models(self.deployment, project.PREPARE)
        resolve_identities(self.deployment)
        build_models(self.deployment, project.CORE)

    def release(self, run: str, suites: Sequence[Suite] = CORE_SUITES) -> str:
        """Judge and release; why it was refused, empty when it was not."""
        try:
            judge(self.deployment, suites, run)
            publish(self.deployment)
        except AccordError as error:
            return str(error)
        return ""

    def act(self, run: str) -> str:
        """Build the journeys, judge, plan and deliver; why nothing was planned."""
        build_models(self.deployment, project.ACT)
        try:
            judge(self.deployment, tuple(PAYLOAD_SUITES.values()), run)
        except AccordError as error:
            return str(error)
        refused = [result.refused or "" for result in plan_journeys(self.deployment, run)]
        places = {(one.destination, one.object_name) for one in all_journeys().values()}
        for destination, object_name in sorted(places):
            deliver_to(self.deployment, destination, object_name, run)
        return "; ".join(filter(None, refused))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholePath]:
    """A deployment that has landed, released and sent everything once."""
    home: Path = tmp_path_factory.mktemp("faults")
    with start_sandbox(home, customers=CUSTOMERS, seed=5, tier="unlimited") as sandbox:
        deployed = Deployed(home, sandbox)
        with mock.patch.dict(os.environ, deployed.environment()):
            found = WholePath(deployed, Deployment())
            found.land()
            found.refresh()
            assert found.release("first") == ""
            assert found.act("first") == ""
            yield found
            found.deployment.close()


@pytest.fixture
def changed(path: WholePath) -> Iterator[WholePath]:
    """The path with a change in core that would be sent; after the test it is released, not sent."""
    path.deployed.sandbox.control("/mutate", {"fraction": 0.05})
    path.land()
    path.refresh()
    yield path
    assert path.release("after") == ""


def refuses(path: WholePath, suites: Sequence[Suite] = CORE_SUITES) -> tuple[str, str]:
    """Judge, release and act; the reasons given, and what arrived at the channel of alerts."""
    sent, told = len(path.deployed.requests()), len(path.deployed.alerts())
    refused = path.release("faulty", suites)
    assert refused
    assert path.act("faulty")
    assert len(path.deployed.requests()) == sent
    return refused, str(path.deployed.alerts()[told:])


def _with(suites: Sequence[Suite], name: str, change: Callable[[Suite], Suite]) -> list[Suite]:
    return [change(suite) if suite.name == name else suite for suite in suites]


NAME = "orders_are_complete_and_valued"


def test_an_empty_suite(changed: WholePath) -> None:
    suites = _with(CORE_SUITES, NAME, lambda suite: replace(suite, rules=(), expected=0))
    refused, told = refuses(changed, suites)
    assert "declares 0 rules" in refused
    assert NAME in told


def test_a_missing_column(changed: WholePath) -> None:
    rule = present("colour", "every order has a colour")
    suites = _with(
        CORE_SUITES, NAME, lambda suite: replace(suite, rules=(*suite.rules, rule), expected=14)
    )
    refused, told = refuses(changed, suites)
    assert "Only 13 of 14 rules could be evaluated" in refused
    assert NAME in told


def test_great_expectations_raises(changed: WholePath, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(quality.runner, "validate", fails)
    refused, told = refuses(changed)
    monkeypatch.undo()
    assert "could not run (RuntimeError)" in refused
    # All suites at once are one message, with the number of incidents that it stands for.
    assert "incidents at once: gate" in told


def test_no_rows_where_rows_are_due(changed: WholePath) -> None:
    with changed.deployment.warehouse.writer("lose rows") as session:
        session.execute("create table gate.kept_orders as select * from core.fct_orders")
        session.execute("delete from core.fct_orders")
    try:
        refused, told = refuses(changed)
    finally:
        with changed.deployment.warehouse.writer("bring rows back") as session:
            session.execute("insert into core.fct_orders select * from gate.kept_orders")
            session.execute("drop table gate.kept_orders")
    assert "is empty although rows are due" in refused
    assert NAME in told


def test_the_store_of_verdicts_is_down(changed: WholePath, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise sqlalchemy.exc.OperationalError("insert", {}, Exception("no route to host"))

    sent = len(changed.deployed.requests())
    monkeypatch.setattr(gate_stage, "record_verdicts", down)
    with pytest.raises(sqlalchemy.exc.OperationalError):
        changed.release("faulty")
    monkeypatch.undo()
    # Whoever asks for a release or an activation afterwards finds no verdict.
    with pytest.raises(AccordError, match="has no verdict on this version"):
        publish(changed.deployment)
    assert "has no verdict" in changed.act("faulty")
    assert len(changed.deployed.requests()) == sent


def test_data_change_after_the_check(changed: WholePath) -> None:
    judge(changed.deployment, CORE_SUITES, "checked")
    with changed.deployment.warehouse.writer("meddle") as session:
        session.execute(
            "insert into core.fct_orders select * replace ('x:' || order_id as order_id)"
            " from core.fct_orders limit 3"
        )
    sent = len(changed.deployed.requests())
    with pytest.raises(AccordError, match="fct_orders now has"):
        publish(changed.deployment)
    assert changed.act("faulty")
    assert len(changed.deployed.requests()) == sent
    with changed.deployment.warehouse.writer("put right") as session:
        session.execute("delete from core.fct_orders where order_id like 'x:%'")


def test_a_gate_that_failed_in_one_run_holds_the_activation_of_another(changed: WholePath) -> None:
    suites = _with(CORE_SUITES, NAME, lambda suite: replace(suite, expected=1))
    _, told = refuses(changed, suites)
    assert "jrn_" in told
    sent = len(changed.deployed.requests())
    assert NAME in changed.act("another run")
    assert len(changed.deployed.requests()) == sent


def test_once_nothing_is_wrong_any_more_all_of_it_goes_out(path: WholePath) -> None:
    sent = len(path.deployed.requests())
    assert path.act("after") == ""
    assert len(path.deployed.requests()) > sent
