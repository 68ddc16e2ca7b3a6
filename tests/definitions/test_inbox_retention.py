"""Retention of the inbox runs by itself, as a recorded run."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from orchestration_assets.defs.events.retention import inbox_retention
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.deployment import Deployment
from orchestration_assets.events.insertion import NewEvent
from orchestration_assets.stages.events import open_inbox


@pytest.mark.parametrize(("days", "kept"), [("0", None), ("30", b"{}")])
def test_bodies_go_when_the_settings_say_so_and_keys_stay(
    monkeypatch: pytest.MonkeyPatch, days: str, kept: bytes | None
) -> None:
    monkeypatch.setenv("ACCORD_INBOX_KEEP_DONE_DAYS", days)
    now = datetime.now(UTC)
    event = NewEvent("events", "1", "page_viewed", "ann", now, now, b"{}")
    inbox = open_inbox(Deployment())
    inbox.accept([event])
    inbox.done(inbox.lease("worker", 1, 60.0))
    held = dg.Definitions(jobs=[inbox_retention], resources={"accord": AccordResource()})
    with dg.DagsterInstance.ephemeral() as instance:
        assert held.resolve_job_def("inbox_retention").execute_in_process(instance=instance).success
    assert inbox.show(1, with_body=True)["body"] == kept
    assert [one.is_duplicate for one in inbox.accept([event])] == [True]
    inbox.close()
