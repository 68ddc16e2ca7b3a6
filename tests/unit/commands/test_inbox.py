"""`accord inbox`: lists events without their content, and goes by a person's decision."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.events.insertion import NewEvent
from orchestration_assets.stages.events import expire_bodies, open_inbox


def run(*arguments: str):
    return CliRunner().invoke(app, ["inbox", *arguments])


def listed(*arguments: str) -> list[dict]:
    return json.loads(run("list", "--json", *arguments).stdout)["events"]


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch):
    """Event 1 is poison, event 2 waits."""
    monkeypatch.setenv("ACCORD_INBOX_ATTEMPTS", "1")
    monkeypatch.setenv("COLUMNS", "200")
    opened = open_inbox(Deployment())
    now = datetime.now(UTC)
    for name in ("a", "b"):
        event = NewEvent("shopify", name, "carts/update", "7", None, now, b'{"name": "Ann"}')
        opened.accept([event])
    opened.failed(opened.lease("worker", 1, 60), FatalError("It broke.", "mend it"))
    yield opened
    opened.close()


def test_an_empty_inbox_says_so():
    assert run("list").stdout == "The inbox has no such event.\n"


@pytest.mark.usefixtures("inbox")
def test_the_list_shows_what_happened_and_no_content():
    assert [(one["id"], one["status"]) for one in listed()] == [(1, "poison"), (2, "waiting")]
    assert listed("hubspot") == []
    assert [one["id"] for one in listed("shopify", "--status", "waiting")] == [2]
    shown = run("list").stdout
    assert "FatalError: It broke." in shown
    assert "1 events wait, 1 were set aside." in shown
    assert "Ann" not in shown + json.dumps(listed())
    assert isinstance(run("list", "--status", "lost").exception, FatalError)


@pytest.mark.usefixtures("inbox")
def test_one_event_is_shown_with_its_content_when_asked():
    assert "Ann" not in run("show", "1").stdout
    assert "error_text: It broke." in run("show", "1").stdout
    assert json.loads(run("show", "1", "--body", "--json").stdout)["body"] == '{"name": "Ann"}'
    assert isinstance(run("show", "99").exception, FatalError)


def test_what_was_set_aside_is_worked_on_once_more(inbox):
    assert run("replay", "1").exit_code == 2
    result = run("replay", "1", "--by", "ann")
    assert result.stdout == "1 of 1 events will be worked on once more.\n"
    (again,) = inbox.lease("worker", 1, 60)
    assert (again.event_id, again.attempt) == ("a", 1)
    assert inbox.show(1)["decided_by"] == "ann"
    refused = run("replay", "1", "2", "--by", "ann")
    assert (refused.exit_code, refused.stdout[:6]) == (1, "0 of 2")


def test_a_discarded_event_is_given_up_even_in_a_workers_hands(inbox):
    leased = inbox.lease("worker", 1, 60)
    said = ["--by", "ann", "--reason", "a test of theirs"]
    assert run("discard", "1", "2", *said).stdout == "2 of 2 events discarded.\n"
    assert [one.event_id for one in inbox.done(leased).lost] == ["b"]
    assert listed() == []
    assert inbox.show(2)["decided_because"] == "a test of theirs"


def test_all_that_was_set_aside_is_meant_when_said(inbox):
    assert isinstance(run("replay", "--by", "ann").exception, FatalError)
    assert isinstance(run("replay", "1", "--all-poison", "--by", "ann").exception, FatalError)
    assert run("replay", "--all-poison", "--by", "ann").exit_code == 0
    assert inbox.waiting().poison == 0


def test_the_settings_say_what_retention_removes(inbox, monkeypatch: pytest.MonkeyPatch):
    inbox.done(inbox.lease("worker", 1, 60))
    assert expire_bodies(Deployment(), inbox) == 0
    monkeypatch.setenv("ACCORD_INBOX_KEEP_DONE_DAYS", "0")
    assert expire_bodies(Deployment(), inbox) == 1


def test_the_inbox_is_beside_the_state_on_postgresql_and_a_file_of_its_own_else(
    monkeypatch: pytest.MonkeyPatch,
):
    assert Deployment().settings.resolved_inbox_url.endswith("/inbox.db")
    monkeypatch.setenv("ACCORD_STATE_URL", "postgresql://db/state")
    assert Deployment().settings.resolved_inbox_url == "postgresql://db/state"
    monkeypatch.setenv("ACCORD_INBOX_URL", "sqlite:///elsewhere.db")
    assert Deployment().settings.resolved_inbox_url == "sqlite:///elsewhere.db"
