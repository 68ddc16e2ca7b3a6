"""One incident on every channel of the sandbox, from its beginning to its end."""

import traceback

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from orchestration_assets.alerting.channel import RefusedError
from orchestration_assets.alerting.deliver import deliver_pending
from orchestration_assets.alerting.incidents import Incident, clear, report
from orchestration_assets.alerting.message import incident_key
from orchestration_assets.alerting.pagerduty import PagerDutyChannel
from orchestration_assets.alerting.servicenow import Account, ServiceNowChannel
from orchestration_assets.alerting.slack import SlackChannel
from orchestration_assets.alerting.teams import TeamsChannel
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.state import alerts
from orchestration_assets.state.store import StateStore
from tests.unit.alerting.conftest import Office, Vendors
from tests.unit.alerting.messages import message

KEY = "run/refresh_model/build_core"
BROKEN = Incident(
    key=KEY,
    title="Run failed: refresh_model, step build_core",
    what="A model was not built: <dim_customers> & more.",
    next_step="Open the run.",
    subject="layers.core",
    rows=7,
    links={"run": "http://127.0.0.1:3000/runs/1"},
)


@pytest.fixture
def office(office: Office, vendors: Vendors) -> Office:
    """Every channel of the sandbox, all of them told of everything."""
    token = vendors.context.token
    office.slack(vendors.slack)
    office.vendor("teams", lambda: TeamsChannel(vendors.teams, office.client))
    office.vendor(
        "pagerduty",
        lambda: PagerDutyChannel(vendors.pagerduty, token("pagerduty"), office.client),
        keeps_incidents=True,
    )
    account = Account(vendors.servicenow, "accord", token("servicenow"))
    office.vendor(
        "servicenow", lambda: ServiceNowChannel(account, office.client), keeps_incidents=True
    )
    office.routes = {
        "routes": [{"name": "all", "tell": ["slack", "teams", "pagerduty", "servicenow"]}]
    }
    return office


def acknowledge(state: StateStore, key: str) -> None:
    row = alerts.newest(state, key)
    assert row is not None
    assert alerts.acknowledge(state, [row["id"]], "Ann", "looking") == 1


def test_one_incident_lives_from_trigger_to_resolution_on_every_channel(
    office: Office, vendors: Vendors
) -> None:
    report(office.state, BROKEN)
    assert deliver_pending(office.desk())["delivered"] == 1
    assert vendors.pagerduty_incidents()[KEY]["status"] == "triggered"
    (ticket,) = vendors.servicenow_incidents()
    assert (ticket["state"], ticket["correlation_id"]) == ("1", KEY)

    fields = {name: getattr(BROKEN, name) for name in BROKEN.__slots__}
    report(office.state, Incident(**(fields | {"rows": 1234})))
    deliver_pending(office.desk())
    (ticket,) = vendors.servicenow_incidents()
    assert "Rows: 1,234" in ticket["description"]
    assert vendors.pagerduty_incidents()[KEY]["payload"]["custom_details"]["rows"] == "1,234"
    assert [len(vendors.received(name)) for name in ("slack", "teams")] == [1, 1]

    acknowledge(office.state, KEY)
    deliver_pending(office.desk())
    assert vendors.pagerduty_incidents()[KEY]["status"] == "acknowledged"
    (ticket,) = vendors.servicenow_incidents()
    assert (ticket["state"], ticket["work_notes"]) == ("2", "Acknowledged by Ann: looking")

    clear(office.state, KEY)
    deliver_pending(office.desk())
    assert vendors.pagerduty_incidents()[KEY]["status"] == "resolved"
    (ticket,) = vendors.servicenow_incidents()
    assert ticket["state"] == "6"
    assert ticket["close_notes"].startswith("Resolved: Run failed: refresh_model")
    assert [len(vendors.received(name)) for name in ("slack", "teams")] == [2, 2]
    counts = {name: len(kept) for name, kept in vendors.context.inboxes.items()}
    assert deliver_pending(office.desk()) == {"delivered": 0, "failed": 0, "folded": 0}
    assert counts == {name: len(kept) for name, kept in vendors.context.inboxes.items()}


def test_what_comes_back_opens_a_new_ticket_and_the_same_key_again(
    office: Office, vendors: Vendors
) -> None:
    for _ in range(2):
        report(office.state, BROKEN)
        deliver_pending(office.desk())
        clear(office.state, KEY)
        deliver_pending(office.desk())
    assert [row["state"] for row in vendors.servicenow_incidents()] == ["6", "6"]
    assert vendors.pagerduty_incidents()[KEY]["status"] == "resolved"


def test_what_breaks_again_before_its_end_was_told_stays_open_over_there(
    office: Office, vendors: Vendors
) -> None:
    report(office.state, BROKEN)
    deliver_pending(office.desk())
    clear(office.state, KEY)
    report(office.state, BROKEN)
    deliver_pending(office.desk())
    assert vendors.pagerduty_incidents()[KEY]["status"] == "triggered"
    assert [row["state"] for row in vendors.servicenow_incidents()] == ["1"]


def test_a_ticket_that_somebody_closed_is_made_anew_only_when_it_gets_worse(
    office: Office, vendors: Vendors
) -> None:
    fields = {name: getattr(BROKEN, name) for name in BROKEN.__slots__}
    report(office.state, BROKEN)
    deliver_pending(office.desk())
    (ticket,) = vendors.servicenow_incidents()
    closed = {"state": "6", "close_code": "Solution provided", "close_notes": "not ours"}
    account = ("accord", vendors.context.token("servicenow"))
    url = f"{vendors.servicenow}/api/now/table/incident/{ticket['sys_id']}"
    assert office.client.patch(url, json=closed, auth=account).status_code == 200
    report(office.state, Incident(**(fields | {"rows": 8})))
    deliver_pending(office.desk())
    assert len(vendors.servicenow_incidents()) == 1
    report(office.state, Incident(**(fields | {"held": ["jrn_a"]})))
    deliver_pending(office.desk())
    assert [row["state"] for row in vendors.servicenow_incidents()] == ["6", "1"]


def test_a_repeated_message_changes_nothing_where_incidents_are_kept(
    office: Office, vendors: Vendors
) -> None:
    for name in ("pagerduty", "servicenow"):
        channel = office.outlets[name].open()
        first, second = (channel.send(message(key=KEY)) for _ in range(2))
        assert first == second
    assert len(vendors.pagerduty_incidents()) == len(vendors.servicenow_incidents()) == 1


def test_a_card_holds_what_people_need_and_no_markup_of_others(
    office: Office, vendors: Vendors
) -> None:
    office.outlets["teams"].open().send(message(what="[x](http://evil) *now*", details=["a", "b"]))
    (card,) = vendors.received("teams")
    body = card["attachments"][0]["content"]["body"]
    assert body[1]["text"] == r"\[x\](http://evil) \*now\*"
    assert body[2]["facts"][0]["title"] == "Since"
    assert body[3]["text"] == "- a\n- b"


def test_long_keys_fit_and_stay_apart() -> None:
    one, other = incident_key("run/" + "x" * 200 + "a"), incident_key("run/" + "x" * 200 + "b")
    assert len(one) == len(other) == 100
    assert one != other
    assert incident_key(KEY) == KEY


def test_the_largest_message_is_taken_by_every_channel(office: Office, vendors: Vendors) -> None:
    text = "ü<&*" * 2_000
    huge = message(
        title=text, headline=text, what=text, next_step=text, details=[text] * 100,
        facts={f"fact {number}": text for number in range(12)},
    )  # fmt: skip
    for name in ("slack", "teams", "pagerduty", "servicenow"):
        office.outlets[name].open().send(huge)
    assert all(vendors.received(name) for name in vendors.context.inboxes)


@pytest.mark.parametrize("system", ["slack", "teams", "pagerduty", "servicenow"])
@pytest.mark.parametrize(
    ("profile", "error"),
    [("rate_limited", RetriableError), ("server_errors", RetriableError)],
)
def test_faults_are_named_by_what_can_be_done_and_tell_no_secret(
    office: Office, vendors: Vendors, system: str, profile: str, error: type[Exception]
) -> None:
    vendors.context.faults.set(system, profile, 1.0)
    with pytest.raises(error) as raised:
        office.outlets[system].open().send(message())
    text = str(raised.value) + repr(raised.value.__cause__)
    assert vendors.context.token(system) not in text
    assert "http" not in text


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:9/very-secret", RetriableError),
        ("very-secret", FatalError),
        ("http://127.0.0.1:port/very-secret", FatalError),
    ],
)
def test_an_address_that_does_not_work_stands_in_no_error(
    url: str, error: type[Exception], client: httpx.Client
) -> None:
    with pytest.raises(error) as raised:
        SlackChannel(url, client).send(message())
    assert "very-secret" not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("system", ["slack", "teams", "servicenow"])
def test_wrong_credentials_are_a_matter_for_a_person(
    office: Office, vendors: Vendors, system: str
) -> None:
    vendors.context.tokens[system] = "changed"
    with pytest.raises(FatalError, match=f"check ACCORD_{system.upper()}") as raised:
        office.outlets[system].open().send(message())
    assert not isinstance(raised.value, RefusedError)


def test_a_refusal_inside_a_good_answer_of_teams_is_one(
    httpserver: HTTPServer, client: httpx.Client
) -> None:
    said = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    httpserver.expect_request("/teams").respond_with_response(Response(said, 200))
    with pytest.raises(RetriableError, match="HTTP 429 inside its answer"):
        TeamsChannel(httpserver.url_for("/teams"), client).send(message())
