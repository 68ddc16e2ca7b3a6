"""What the account allows: keys, revisions, scopes, filters, page sizes and rates."""

from pathlib import Path

import httpx
import pytest

from sandbox.faults import Profile
from sandbox.klaviyo.app import HANDLERS
from sandbox.klaviyo.rule_table import built_in_rules
from sandbox.klaviyo.rules import VENDOR_FILES, vendor_rules
from sandbox.vendor_specs import KLAVIYO_FOLDER
from tests.support.lacking import skip_or_fail
from tests.unit.sandbox.klaviyo.conftest import READ_ONLY


def test_the_built_in_rules_are_the_vendors(vendor_specs: Path):
    folder = vendor_specs / KLAVIYO_FOLDER
    for name in VENDOR_FILES:
        if not (folder / f"{name}.json").exists():
            skip_or_fail(f"The vendor's file is absent: {folder / name}.json")
    assert built_in_rules() == vendor_rules(folder, HANDLERS)


def test_every_endpoint_served_has_a_rule():
    assert built_in_rules().keys() == HANDLERS.keys()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "not_authenticated"),
        ({"Authorization": "Klaviyo-API-Key wrong"}, 401, "authentication_failed"),
        ({"Authorization": "Bearer {key}"}, 401, "authentication_failed"),
        ({"revision": ""}, 400, "invalid"),
        ({"Authorization": f"Klaviyo-API-Key {READ_ONLY}"}, 403, "permission_denied"),
    ],
)
def test_a_call_without_the_right_headers_is_refused(account, headers, status, code):
    an_account = account(30)
    filled = {name: value.format(key=an_account.key) for name, value in headers.items()}
    answer = an_account.client.get("/api/lists", headers=filled)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/vnd.api+json"
    assert answer.json()["errors"][0]["code"] == code


def test_campaigns_have_a_scope_of_their_own(account):
    headers = {"Authorization": f"Klaviyo-API-Key {READ_ONLY}"}
    params = {"filter": "equals(messages.channel,'email')"}
    refused = account(30).client.get("/api/campaigns", headers=headers, params=params)
    assert refused.status_code == 403
    assert "campaigns:read" in refused.json()["errors"][0]["detail"]


def test_a_key_may_do_what_its_scopes_say(account):
    an_account = account(30)
    headers = {"Authorization": f"Klaviyo-API-Key {READ_ONLY}"}
    assert an_account.client.get("/api/profiles", headers=headers).status_code == 200
    refused = an_account.client.post("/api/profile-import", headers=headers, json={})
    assert refused.status_code == 403
    assert "profiles:write" in refused.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("/api/profiles", {"filter": "greater-or-equal(updated,2024-01-01T00:00:00Z)"}, "filter"),
        ("/api/profiles", {"filter": 'equals(shoe_size,"42")'}, "filter"),
        ("/api/profiles", {"filter": "greater-than(updated,yesterday)"}, "filter"),
        ("/api/profiles", {"filter": "greater-than(updated"}, "filter"),
        ("/api/events", {"filter": 'any(metric_id,["a"])'}, "filter"),
        ("/api/profiles", {"page[size]": "101"}, "page[size]"),
        ("/api/profiles", {"page[size]": "0"}, "page[size]"),
        ("/api/lists", {"page[size]": "11"}, "page[size]"),
        ("/api/profiles", {"page[cursor]": "nonsense"}, "page[cursor]"),
        ("/api/profiles", {"sort": "last_name"}, "sort"),
        ("/api/events", {"include": "campaign"}, "include"),
        ("/api/campaigns", {}, "filter"),
        ("/api/campaigns", {"filter": "equals(archived,false)"}, "filter"),
        ("/api/campaigns", {"filter": "equals(messages.channel,'fax')"}, "filter"),
    ],
)
def test_what_the_vendor_does_not_allow_is_a_400(account, path, params, parameter):
    answer = account(30).client.get(path, params=params)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": parameter}


def test_calls_beyond_the_burst_are_throttled(account):
    an_account = account(30, tier="tight")
    answers = [an_account.get("/api/metrics") for _ in range(5)]
    assert answers[0].headers["RateLimit-Limit"] == "1, 1;w=1, 15;w=60"
    assert answers[0].headers["RateLimit-Remaining"] == "14"
    assert int(answers[0].headers["RateLimit-Reset"]) >= 1
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].json()["errors"][0]["code"] == "throttled"


@pytest.mark.parametrize(
    ("profile", "status"),
    [
        (Profile.RATE_LIMITED, 429),
        (Profile.SERVER_ERRORS, 500),
        (Profile.DOWN, 503),
        (Profile.UNAUTHORISED, 401),
    ],
)
def test_faults_look_like_the_vendors_own(account, profile, status):
    an_account = account(30)
    an_account.context.faults.set("klaviyo", profile, share=1.0)
    answer = an_account.get("/api/profiles")
    assert answer.status_code == status
    assert answer.json()["errors"][0]["title"]


def test_unknown_paths_and_methods_are_json_errors(account):
    an_account = account(30)
    assert an_account.get("/api/nothing").json()["errors"][0]["code"] == "not_found"
    answer = httpx.put(f"{an_account.base_url}/api/profiles")
    assert answer.json()["errors"][0]["code"] == "method_not_allowed"
