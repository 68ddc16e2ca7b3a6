"""`accord quarantine`: lists what is held without its content, and goes by a person's decision."""

import json

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.state.held_rows import note_held
from orchestration_assets.state.quarantine import Rejected, hold
from orchestration_assets.warehouse.readings import HELD, decide, readings_with
from tests.support.held_world import HeldWorld, company


def run(*arguments: str):
    return CliRunner().invoke(app, ["quarantine", *arguments])


@pytest.fixture
def held():
    records = [
        Rejected(f"{number}", "required_field", "email is missing", '{"name": "Ann"}')
        for number in (1, 2)
    ]
    hold(Deployment().state, "hubspot", "contacts", records)


def test_an_empty_quarantine_says_so():
    assert run("list").stdout == "Nothing is held.\n"


@pytest.mark.usefixtures("held")
def test_the_list_shows_reasons_and_no_content(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = run("list", "hubspot.contacts", "--json")
    listed = json.loads(result.stdout)["held"]
    assert [one["record_id"] for one in listed] == ["1", "2"]
    assert {one["reason"] for one in listed} == {"email is missing"}
    assert "Ann" not in result.stdout
    assert "email is missing" in run("list").stdout
    assert run("list", "shopify").stdout == "Nothing is held.\n"


@pytest.mark.usefixtures("held")
def test_a_discarded_record_is_not_listed_any_more():
    assert run("discard", "record", "hubspot.contacts", "1").exit_code == 0
    assert [one["record_id"] for one in json.loads(run("list", "--json").stdout)["held"]] == ["2"]
    again = run("discard", "record", "hubspot.contacts", "1")
    assert (again.exit_code, again.stdout) == (1, "0 of 1 records discarded.\n")


@pytest.fixture
def held_load() -> HeldWorld:
    """A reading of two rows that the landing gate holds."""
    world = HeldWorld()
    world.vendors["companies"].put(company(1), company(2))
    world.land()
    with world.deployment.warehouse.writer("hold") as session:
        ids = [row["reading_id"] for row in readings_with(session, None)]
        decide(session, ids, HELD, rule="no record was changed in the future")
    return world


def test_a_held_load_is_listed_and_let_through_with_a_reason_and_a_name(
    held_load: HeldWorld, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "200")
    (listed,) = json.loads(run("list", "--json").stdout)["loads"]
    assert (listed["stream"], listed["rows"]) == ("companies", 2)
    assert "in the future" in run("list", "hubspot.companies").stdout
    assert run("release", "load", "hubspot.companies", "--by", "ann").exit_code == 2
    said = ["--reason", "their clock is ahead", "--by", "ann"]
    result = run("release", "load", "hubspot.companies", *said)
    assert result.stdout == "1 loads of hubspot.companies with 2 rows released.\n"
    assert held_load.scope() == {"hubspot.companies": 2}
    again = run("release", "load", "hubspot.companies", *said)
    assert isinstance(again.exception, FatalError)


def test_a_discarded_load_never_counts(held_load: HeldWorld):
    result = run("discard", "load", "hubspot.companies", "--reason", "a test", "--by", "ann")
    assert result.exit_code == 0
    assert held_load.scope() == {}
    assert run("list").stdout == "Nothing is held.\n"


@pytest.fixture
def held_row() -> dict[str, str]:
    """A row of the orders that its gate holds."""
    row = {
        "row_key": "shopify:1",
        "suite": "orders_are_complete_and_valued",
        "rule": "totals are neither negative nor absurd",
        "source": "shopify:1",
        "fingerprint": "abc",
    }
    note_held(Deployment().state, "core.fct_orders", [row])
    return row


def test_a_held_row_is_listed_shown_and_let_through(held_row: dict[str, str]):
    (listed,) = json.loads(run("list", "core.fct_orders", "--json").stdout)["rows"]
    assert listed.items() >= held_row.items()
    word = ("--by", "ann", "--reason", "a refund in advance")
    assert (
        "1 of 2 rows released"
        in run("release", "row", "core.fct_orders", "shopify:1", "shopify:2", *word).stdout
    )
    shown = run("show", "row", "core.fct_orders", "shopify:1").stdout
    assert "status: released" in shown
    assert "decided_because: a refund in advance" in shown
    assert run("list").stdout == "Nothing is held.\n"


@pytest.mark.usefixtures("held_row")
def test_a_word_on_a_row_that_is_not_held_says_where_to_look():
    word = ("--by", "ann", "--reason", "none")
    refused = run("discard", "row", "core.fct_orders", "shopify:9", *word)
    assert isinstance(refused.exception, FatalError)
    assert "accord quarantine list" in str(refused.exception)
    unknown = run("discard", "row", "core.nothing", "1", *word)
    assert "core.fct_orders" in str(unknown.exception)
    assert "was ever held" in str(run("show", "row", "core.fct_orders", "x").exception)
