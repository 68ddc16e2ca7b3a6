"""`accord quarantine`: lists what is held without its content, and discards by decision."""

import json

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.state.quarantine import Rejected, hold


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
    assert run("discard", "hubspot.contacts", "1").exit_code == 0
    assert [one["record_id"] for one in json.loads(run("list", "--json").stdout)["held"]] == ["2"]
    again = run("discard", "hubspot.contacts", "1")
    assert (again.exit_code, again.stdout) == (1, "0 of 1 records discarded.\n")
