"""Profiles, events, lists, campaigns and metrics, as the vendor's own client and files see them."""

from datetime import datetime
from pathlib import Path

import orjson
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from sandbox.faults import Profile
from tests.support.lacking import skip_or_fail


def walk(an_account, path: str, **params: str) -> list[dict]:
    """Every resource of a collection, over `links.next`."""
    found, answer = [], an_account.get(path, **params)
    while True:
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["data"]
        if "next" not in body["links"]:
            return found
        answer = an_account.client.get(body["links"]["next"])


def living(an_account, table: str) -> list[str]:
    return sorted(record_id for record_id, _ in an_account.world.live(f"klaviyo.{table}"))


@pytest.mark.parametrize("sort", ["id", "updated", "-updated", "created", "-email"])
def test_pages_hold_every_living_profile_once(account, sort):
    an_account = account()
    an_account.world.archive("klaviyo.profiles", living(an_account, "profiles")[3])
    found = walk(an_account, "/api/profiles", sort=sort, **{"page[size]": "17"})
    assert sorted(profile["id"] for profile in found) == living(an_account, "profiles")
    name = sort.lstrip("-")
    if name in {"updated", "created"}:
        values = [profile["attributes"][name] for profile in found]
        assert values == sorted(values, reverse=sort.startswith("-"))


def test_profiles_filter_by_change_time_and_identifier(account):
    an_account = account()
    everyone = walk(an_account, "/api/profiles", sort="updated")
    middle = everyone[len(everyone) // 2]["attributes"]["updated"]
    later = walk(
        an_account, "/api/profiles", sort="updated", filter=f"greater-than(updated,{middle})"
    )
    assert [p["id"] for p in later] == [
        p["id"]
        for p in everyone
        if datetime.fromisoformat(p["attributes"]["updated"]) > datetime.fromisoformat(middle)
    ]
    two = [p["attributes"]["email"] for p in everyone if p["attributes"]["email"]][:2]
    listed = ",".join(f'"{email}"' for email in two)
    found = walk(an_account, "/api/profiles", filter=f"any(email,[{listed}])")
    assert {p["attributes"]["email"].strip().casefold() for p in found} == {
        email.strip().casefold() for email in two
    }
    both = f'and(equals(id,"{everyone[0]["id"]}"),greater-than(created,1990-01-01T00:00:00Z))'
    assert [p["id"] for p in walk(an_account, "/api/profiles", filter=both)] == [everyone[0]["id"]]


def test_subscriptions_come_only_when_asked_for(account):
    an_account = account()
    plain = an_account.get("/api/profiles").json()["data"][0]["attributes"]
    assert "subscriptions" not in plain
    asked = walk(an_account, "/api/profiles", **{"additional-fields[profile]": "subscriptions"})
    table = an_account.world.tables["klaviyo.profiles"]
    for profile in asked:
        marketing = profile["attributes"]["subscriptions"]["email"]["marketing"]
        assert marketing["consent"] == table[profile["id"]]["email_consent"]
        assert marketing["suppression"] == table[profile["id"]]["email_suppressed"]
    few = an_account.get("/api/profiles", **{"fields[profile]": "email,location.city"}).json()
    assert few["data"][0]["attributes"].keys() == {"email", "location"}
    assert few["data"][0]["attributes"]["location"].keys() == {"city"}


def test_drift_shows_a_field_that_no_contract_knows(account):
    an_account = account(30)
    an_account.context.faults.set("klaviyo", Profile.SCHEMA_DRIFT)
    assert "loyalty_tier" in an_account.get("/api/profiles").json()["data"][0]["attributes"]


def test_events_come_in_order_with_metric_and_profile(account):
    an_account = account()
    found = walk(an_account, "/api/events", sort="datetime", **{"page[size]": "50"})
    assert sorted(event["id"] for event in found) == living(an_account, "events")
    times = [event["attributes"]["datetime"] for event in found]
    assert times == sorted(times)
    middle = times[len(times) // 2]
    later = walk(
        an_account, "/api/events", sort="datetime", filter=f"greater-or-equal(datetime,{middle})"
    )
    assert [e["id"] for e in later] == [
        e["id"] for e in found if e["attributes"]["datetime"] >= middle
    ]
    body = an_account.get("/api/events", include="metric,profile").json()
    included = {(entry["type"], entry["id"]) for entry in body["included"]}
    for event in body["data"]:
        for name in ("metric", "profile"):
            assert (name, event["relationships"][name]["data"]["id"]) in included
    profile_id = found[0]["relationships"]["profile"]["data"]["id"]
    own = walk(an_account, "/api/events", filter=f'equals(profile_id,"{profile_id}")')
    assert {e["relationships"]["profile"]["data"]["id"] for e in own} == {profile_id}


def test_lists_are_ten_a_page_and_know_their_members(account):
    an_account = account()
    for number in range(12):
        an_account.world.upsert("klaviyo.lists", f"X{number}", {"name": f"List {number}"})
    first = an_account.get("/api/lists").json()
    assert len(first["data"]) == 10
    assert len(walk(an_account, "/api/lists")) == 15
    named = walk(an_account, "/api/lists", filter="any(name,['List 3','List 4'])")
    assert sorted(entry["id"] for entry in named) == ["X3", "X4"]
    members = walk(an_account, "/api/lists/NwLt01/profiles", **{"page[size]": "9"})
    ids = walk(an_account, "/api/lists/NwLt01/relationships/profiles")
    table = an_account.world.tables["klaviyo.list_members"]
    expected = sorted(m["profile_id"] for m in table.values() if m["list_id"] == "NwLt01")
    assert sorted(p["id"] for p in members) == sorted(p["id"] for p in ids) == expected
    joined = [p["attributes"]["joined_group_at"] for p in members]
    assert joined == sorted(joined)


def test_campaigns_are_listed_by_channel_and_filter_by_change_and_state(account):
    an_account = account()
    table = an_account.world.tables["klaviyo.campaigns"]
    found = {
        channel: walk(
            an_account,
            "/api/campaigns",
            sort="updated_at",
            filter=f"equals(messages.channel,'{channel}')",
            **{"page[size]": "7"},
        )
        for channel in ("email", "sms", "mobile_push")
    }
    for channel, campaigns in found.items():
        assert {c["id"] for c in campaigns} == {
            key for key, row in table.items() if row["channel"] == channel
        }
        times = [c["attributes"]["updated_at"] for c in campaigns]
        assert times == sorted(times)
    mails = found["email"]
    middle = mails[len(mails) // 2]["attributes"]["updated_at"]
    for terms, holds in (
        (f"greater-or-equal(updated_at,{middle})", lambda a: a["updated_at"] >= middle),
        ("equals(archived,true)", lambda a: a["archived"]),
        ("equals(archived,false)", lambda a: not a["archived"]),
        ("equals(status,'Draft')", lambda a: a["status"] == "Draft"),
        ("contains(name,'Campaign 0')", lambda a: a["name"].startswith("Campaign 0")),
    ):
        both = f"and(equals(messages.channel,'email'),{terms})"
        asked = walk(an_account, "/api/campaigns", sort="updated_at", filter=both)
        assert [c["id"] for c in asked] == [c["id"] for c in mails if holds(c["attributes"])]
        assert asked


def test_a_message_names_its_campaign_and_a_flows_message_its_flow(account):
    an_account = account()
    campaigns = an_account.world.tables["klaviyo.campaigns"]
    seen = set()
    for event in walk(an_account, "/api/events", **{"page[size]": "200"}):
        properties = event["attributes"]["event_properties"]
        if "OrderId" in properties:
            assert "$message" not in properties
        elif "$flow" in properties:
            assert properties["$message"] not in campaigns
        else:
            campaign = campaigns[properties["$message"]]
            assert properties["Campaign Name"] == campaign["name"]
            assert datetime.fromisoformat(event["attributes"]["datetime"]) >= campaign["send_time"]
            seen.add(campaign["channel"])
    assert seen == {"email", "sms"}


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("profiles", "/api/profiles"),
        ("profiles", "/api/profiles/{profile}"),
        ("events", "/api/events"),
        ("lists", "/api/lists"),
        ("lists", "/api/lists/NwLt01"),
        ("lists", "/api/lists/NwLt01/profiles"),
        ("lists", "/api/lists/NwLt01/relationships/profiles"),
        ("campaigns", "/api/campaigns"),
        ("metrics", "/api/metrics"),
    ],
)
def test_answers_are_valid_under_the_vendors_file(account, vendor_specs, file, path):
    source = Path(vendor_specs) / "klaviyo" / f"{file}.json"
    if not source.exists():
        skip_or_fail(f"The vendor's file is absent: {source}")
    text = source.read_bytes()
    if file == "campaigns":
        # Its options for e-mail, SMS and push are alike, so that none is valid under just one.
        text = text.replace(b'"oneOf"', b'"anyOf"')
    vendor = OpenAPI.from_dict(orjson.loads(text))
    an_account = account(40, vendor=vendor_specs)
    path = path.replace("{profile}", living(an_account, "profiles")[0])
    params = {"additional-fields[profile]": "subscriptions"} if "profiles" in path else {}
    if "campaigns" in path:
        params = {"filter": "equals(messages.channel,'email')"}
    answer = an_account.client.get(path, params=params)
    assert answer.status_code == 200
    request = MockRequest("https://a.klaviyo.com", "get", path, headers={"revision": "2026-07-15"})
    response = MockResponse(answer.content, 200, content_type="application/vnd.api+json")
    vendor.validate_response(request, response)


def test_the_vendors_client_reads_profiles_events_and_lists(account):
    an_account = account(60)
    sdk = an_account.sdk()
    page = sdk.Profiles.get_profiles(
        additional_fields_profile=["subscriptions"], page_size=100, sort="updated"
    )
    assert len(page.data) == min(100, len(living(an_account, "profiles")))
    assert page.data[0].attributes.subscriptions.email.marketing.consent
    assert sdk.Events.get_events(include=["metric"], sort="datetime").data
    assert {entry.id for entry in sdk.Lists.get_lists().data} == set(living(an_account, "lists"))
    assert sdk.Metrics.get_metrics().data
