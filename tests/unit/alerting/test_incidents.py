"""What is an incident, and what the store keeps of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestration_assets.alerting.incidents import (
    Incident,
    clear,
    gate_failed,
    gate_passed,
    report,
    sync_deliveries,
)
from orchestration_assets.alerting.message import Action, compose
from orchestration_assets.state import alerts
from orchestration_assets.state.ledger import HELD, add_planned
from orchestration_assets.state.store import StateStore
from orchestration_assets.state.verdicts import Verdict

GATE = "customers_are_complete_and_unique"
BROKEN = Incident(
    key="landing/hubspot.contacts",
    title="hubspot.contacts cannot be read",
    what="HubSpot refused the token.",
    next_step="Set ACCORD_HUBSPOT_TOKEN.",
    owner="crm",
    rows=3,
    customers=2,
    held=["jrn_b", "jrn_a"],
    links={"run": "http://127.0.0.1:3000/runs/1"},
)


def test_one_incident_is_open_for_a_key_and_a_new_one_after_it_was_resolved(
    both: StateStore,
) -> None:
    state = both
    assert report(state, BROKEN)
    assert not report(state, BROKEN)
    (first,) = alerts.open_alerts(state)
    assert (first["occurrences"], first["version"], first["revision"]) == (2, 1, 1)
    assert clear(state, BROKEN.key)
    assert not clear(state, BROKEN.key)
    assert report(state, BROKEN)
    (second,) = alerts.open_alerts(state)
    assert second["id"] != first["id"]


@pytest.mark.parametrize(
    ("changed", "told", "shown"),
    [
        ({"links": {"run": "http://127.0.0.1:3000/runs/2"}}, False, False),
        ({"rows": 99}, False, True),
        ({"what": "HubSpot does not answer."}, False, True),
        ({"held": ["jrn_a", "jrn_b", "jrn_c"]}, True, True),
        ({"held": ["jrn_a"]}, True, True),
        ({"severity": "critical"}, True, True),
    ],
)
def test_people_are_told_again_when_it_gets_worse_or_holds_something_else(
    state: StateStore, changed: dict[str, Any], told: bool, shown: bool
) -> None:
    before = replace(BROKEN, severity="warning")
    report(state, before)
    assert report(state, replace(before, **changed)) is told
    (row,) = alerts.open_alerts(state)
    assert (row["version"] == 2) is told
    assert (row["revision"] == 2) is shown


def test_what_gets_less_severe_tells_nobody(state: StateStore) -> None:
    report(state, BROKEN)
    assert not report(state, replace(BROKEN, severity="warning"))


def test_an_acknowledgement_ends_when_it_gets_worse(state: StateStore) -> None:
    report(state, replace(BROKEN, severity="warning"))
    (row,) = alerts.open_alerts(state)
    assert alerts.acknowledge(state, [row["id"]], "Ann", "on it") == 1
    assert alerts.acknowledge(state, [row["id"]], "Bob", "") == 0
    report(state, replace(BROKEN, severity="warning", rows=5))
    assert alerts.open_alerts(state)[0]["acknowledged_by"] == "Ann"
    assert alerts.open_alerts(state)[0]["acknowledged_at"] is not None
    report(state, BROKEN)
    assert alerts.open_alerts(state)[0]["acknowledged_at"] is None


def test_a_message_says_all_there_is_to_know(state: StateStore) -> None:
    report(state, BROKEN)
    (row,) = alerts.open_alerts(state)
    message = compose(row, Action.OPEN, owner="Customers (#crm)", domain="crm")
    assert message.headline == "Critical: hubspot.contacts cannot be read"
    assert message.what == "HubSpot refused the token."
    assert message.next_step == "Set ACCORD_HUBSPOT_TOKEN."
    assert message.links == {"run": "http://127.0.0.1:3000/runs/1"}
    assert message.facts["Since"].endswith(" UTC")
    assert {name: message.facts[name] for name in list(message.facts)[1:]} == {
        "Rows": "3",
        "Customers": "2",
        "Owner": "Customers (#crm)",
        "Journeys held": "jrn_a, jrn_b",
        "Seen": "once",
    }


def test_addresses_and_phone_numbers_in_a_failure_are_blotted_out(state: StateStore) -> None:
    told = "row of ann.lee@example.org, +33 6 12 34 56 78 and (0)20-7946-0958 failed"
    report(state, replace(BROKEN, title=told, what=told, next_step=told, details=[told]))
    (row,) = alerts.open_alerts(state)
    alerts.acknowledge(state, [row["id"]], "Ann", f"called {told}")
    (row,) = alerts.open_alerts(state)
    message = compose(row, Action.OPEN, owner="crm", domain="crm")
    kept = json.dumps(row["body"]) + row["title"]
    for text in (kept, str(message)):
        assert "ann.lee" not in text
        assert "12 34" not in text
        assert "7946" not in text
    assert "[address]" in message.what
    assert "[number]" in message.what


def test_when_something_happened_can_be_read_and_a_birthday_cannot(state: StateStore) -> None:
    told = "Read 2026-11-25 20:00 UTC: 3 rows of somebody born 1980-02-03, 06 12 34 56 78"
    report(state, replace(BROKEN, what=told))
    (row,) = alerts.open_alerts(state)
    said = "Read 2026-11-25 20:00 UTC: 3 rows of somebody born [number], [number]"
    assert row["body"]["what"] == said


def test_a_failed_gate_opens_an_incident_and_the_next_pass_resolves_it(state: StateStore) -> None:
    failed = Verdict(
        GATE,
        "v1",
        "c",
        False,
        failed_rules=["a customer is one row (4 rows)"],
        rows_failed=4,
        table="core.dim_customers",
    )
    assert gate_failed(state, failed, ["jrn_a"], {}, domain="crm", customers=4)
    (alert,) = alerts.open_alerts(state, "gate/")
    body = alert["body"]
    assert (body["held"], body["rows"], body["customers"]) == (["jrn_a"], 4, 4)
    assert body["details"] == ["a customer is one row (4 rows)"]
    assert (body["subject"], body["domain"], body["owner"]) == ("layers.core", "crm", "")
    assert gate_passed(state, GATE)
    assert alerts.open_alerts(state, "gate/") == []


def row(number: int, row_state: str, reason: str, target: int | None = None) -> dict[str, Any]:
    return {
        "idempotency_key": f"key-{number}",
        "destination": "shop",
        "object": "people",
        "journey": "jrn_a",
        "customer_id": f"cus_{number}",
        "target_key": f"{target or number}@example.org",
        "payload": {},
        "payload_hash": "x",
        "state": row_state,
        "reason": reason,
        "planned_at": datetime.now(UTC),
        "run_id": "run-1",
    }


def test_rejected_rows_open_an_incident_without_personal_data(both: StateStore) -> None:
    state = both
    rows = [
        row(1, "rejected", "ann@example.org is no address"),
        row(2, "dead", "given up after 10 attempts: +33 6 12 34 56 78 is wrong"),
        row(3, "dead", f"{HELD}restricted by the time of sending"),
        row(4, "confirmed", ""),
    ]
    assert add_planned(state, rows) == 4
    assert sync_deliveries(state, {"jrn_a": "crm", "jrn_b": "marketing"}) == 1
    (alert,) = alerts.open_alerts(state, "delivery/")
    assert alert["body"]["rows"] == 2
    assert "ann@" not in json.dumps(alert["body"])
    assert "12 34" not in json.dumps(alert["body"])
    assert alert["body"]["owner"] == "crm"


def test_an_incident_ends_once_newer_rows_took_the_place_of_given_up_ones(
    state: StateStore,
) -> None:
    add_planned(state, [row(1, "dead", "given up"), row(2, "rejected", "wrong")])
    assert sync_deliveries(state, {"jrn_a": "crm"}) == 1
    add_planned(state, [row(3, "confirmed", "", target=1), row(4, "planned", "", target=2)])
    assert sync_deliveries(state, {"jrn_a": "crm"}) == 0
    assert alerts.open_alerts(state, "delivery/") == []
