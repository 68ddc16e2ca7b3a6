"""What the sandbox answers, the vendors' own clients accept; so the channels are held to the same."""

import ssl
from pathlib import Path

import httpx
import pytest
from pagerduty import EventsApiV2Client
from pysnc import ServiceNowClient
from slack_sdk.webhook import WebhookClient

from orchestration_assets.alerting.message import Action
from orchestration_assets.alerting.pagerduty import PagerDutyChannel
from orchestration_assets.alerting.servicenow import Account, ServiceNowChannel
from sandbox.context import SandboxContext
from sandbox.pagerduty.app import create_app as pagerduty_app
from sandbox.servicenow.app import create_app as servicenow_app
from sandbox.world.generate import generate
from tests.unit.alerting.conftest import Vendors
from tests.unit.alerting.messages import message
from tests.unit.sandbox.serving import serving


def test_slack_s_client_accepts_the_webhook(vendors: Vendors) -> None:
    answer = WebhookClient(vendors.slack).send(text="the gate is closed")
    assert (answer.status_code, answer.body) == (200, "ok")


def test_pagerduty_s_client_and_the_channel_work_on_one_incident(certificate: Path) -> None:
    context = SandboxContext(generate(1, 1, 0.0))
    trust = ssl.create_default_context(cafile=str(certificate))
    key = context.token("pagerduty")
    with (
        serving(pagerduty_app(context), certificate) as url,
        httpx.Client(verify=trust) as client,
        EventsApiV2Client(key, base_url=url, verify=trust) as events,
    ):
        PagerDutyChannel(url, key, client).send(message(key="gate/a"))
        payload = {"summary": "closed", "source": "gate", "severity": "critical"}
        assert events.send_event("trigger", dedup_key="gate/a", payload=payload) == "gate/a"
        assert events.acknowledge("gate/a") == "gate/a"
        (kept,) = client.get(f"{url}/_incidents").json().values()
        assert (kept["status"], kept["triggers"]) == ("acknowledged", 2)
        assert events.resolve("gate/a") == "gate/a"


def test_servicenow_s_client_and_the_channel_work_on_one_incident(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = SandboxContext(generate(1, 1, 0.0))
    trust = ssl.create_default_context(cafile=str(certificate))
    password = context.token("servicenow")
    with (
        serving(servicenow_app(context), certificate) as url,
        httpx.Client(verify=trust) as client,
    ):
        ours = ServiceNowChannel(Account(url, "accord", password), client)
        ours.send(message(key="gate/a", title="closed"))
        theirs = ServiceNowClient(url, ("accord", password))
        found = theirs.GlideRecord("incident")
        found.add_query("correlation_id", "gate/a")
        found.query()
        assert found.next()
        assert (found.get_row_count(), found.get_value("short_description")) == (1, "closed")
        found.state = "2"
        assert found.update()
        reference = ours.send(message(action=Action.RESOLVE, key="gate/a"))
        assert found.get(reference)
        assert (found.get_value("state"), found.get_value("close_code")) == (
            "6",
            "Solution provided",
        )
        another = theirs.GlideRecord("incident")
        another.initialize()
        another.correlation_id = "gate/b"
        made = another.insert()
        assert ours.send(message(key="gate/b")) == made
        theirs.session.close()
