"""Fault profiles hit exactly the share asked for and answer in HubSpot's own form."""

import time

import pytest

from sandbox.faults import SLOW_SECONDS, Fault, Profile

PATH = "/crm/v3/objects/contacts"


@pytest.mark.parametrize(
    ("profile", "status", "category"),
    [
        (Profile.RATE_LIMITED, 429, "RATE_LIMITS"),
        (Profile.SERVER_ERRORS, 500, "INTERNAL_ERROR"),
        (Profile.UNAUTHORISED, 401, "INVALID_AUTHENTICATION"),
    ],
)
def test_half_of_the_calls_fail_when_half_is_asked_for(http, context, profile, status, category):
    context.faults.set("hubspot", profile, 0.5)
    answers = [http.get(PATH) for _ in range(10)]
    failed = [answer for answer in answers if answer.status_code == status]
    assert len(failed) == 5
    assert {answer.json()["category"] for answer in failed} == {category}
    assert context.request_log.status_count[f"hubspot.{status}"] == 5


def test_a_profile_ends_with_none(http, context):
    context.faults.set("hubspot", Profile.SERVER_ERRORS, 1.0)
    assert http.get(PATH).status_code == 500
    context.faults.set("hubspot", Profile.NONE)
    assert http.get(PATH).status_code == 200


def test_one_systems_fault_is_no_other_systems_fault(http, context):
    context.faults.set("shopify", Profile.SERVER_ERRORS, 1.0)
    assert http.get(PATH).status_code == 200


def test_a_slow_system_answers_late(http, context):
    context.faults.set("hubspot", Profile.SLOW)
    started = time.monotonic()
    assert http.get(PATH).status_code == 200
    assert time.monotonic() - started >= SLOW_SECONDS


def test_drift_shows_as_a_field_that_nobody_asked_for(http, context):
    usual = http.get(PATH, params={"limit": 1}).json()["results"][0]
    context.faults.set("hubspot", Profile.SCHEMA_DRIFT)
    drifted = http.get(PATH, params={"limit": 1}).json()["results"][0]
    assert drifted.keys() - usual.keys() == {"recordOrigin"}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 1.0])
def test_the_share_is_met_exactly(share):
    fault = Fault(Profile.SERVER_ERRORS, share)
    assert sum(fault.hits() for _ in range(100)) == round(100 * share)
