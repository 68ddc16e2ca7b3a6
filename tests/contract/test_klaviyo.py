"""Klaviyo against its server in the sandbox: imports, lists, events, one's own writes read back."""

import fnmatch
from typing import Any

import pytest

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.connectors.klaviyo.streams import STREAMS
from orchestration_assets.model import OutgoingRow, RowStatus

LIST = "Accord: lapsed customers"
EVENTS = {"metric_name": "Lapsed", "value": "accord_lifetime_value"}
QUICK = RetryPolicy(attempts=6, seconds=30, wait_initial=0.01, wait_max=0.1, wait_jitter=0.0)


@pytest.fixture
def klaviyo(vendor):
    return vendor("klaviyo")


def row(number: int, email: str, **payload: Any) -> OutgoingRow:
    return OutgoingRow(f"key-{number}", email, {"email": email, **payload})


def some_rows(klaviyo, count: int) -> list[OutgoingRow]:
    """Rows for profiles that the account has, by distinct address."""
    addresses = {
        document["email"].strip().lower()
        for _, document in klaviyo.world.live("klaviyo.profiles")
        if document.get("email") and "@" in document["email"]
    }
    return [
        row(number, address, accord_segment="lapsed", accord_lifetime_value="120.50")
        for number, address in enumerate(sorted(addresses)[:count])
    ]


def accepted(klaviyo) -> int:
    """How many rows of imports the vendor took."""
    return sum(
        len(entry["rows"])
        for entry in klaviyo.context.request_log.writes
        if entry["path"].endswith("profile-bulk-import-jobs")
    )


def test_every_row_is_confirmed_and_the_list_holds_the_profiles(klaviyo) -> None:
    rows = some_rows(klaviyo, 60)
    results = klaviyo.writer("profiles").write(rows, {"list_name": LIST})
    assert {result.status for result in results} == {RowStatus.CONFIRMED}
    assert len(results) == len(rows) == accepted(klaviyo)
    lists = dict(klaviyo.world.live("klaviyo.lists"))
    (list_id,) = [key for key, document in lists.items() if document["name"] == LIST]
    members = [
        document
        for _, document in klaviyo.world.live("klaviyo.list_members")
        if document["list_id"] == list_id
    ]
    assert len(members) == len(rows)


def test_a_second_write_finds_the_list_and_repeats_no_profile(klaviyo) -> None:
    rows = some_rows(klaviyo, 5)
    before = klaviyo.living("profiles")
    for _ in range(2):
        klaviyo.writer("profiles").write(rows, {"list_name": LIST})
    names = [document["name"] for _, document in klaviyo.world.live("klaviyo.lists")]
    assert names.count(LIST) == 1
    assert klaviyo.living("profiles") == before


def test_a_partly_failed_import_confirms_exactly_what_the_vendor_took(klaviyo) -> None:
    klaviyo.context.faults.set("klaviyo", "partial_failures", 0.2)
    results = klaviyo.writer("profiles").write(some_rows(klaviyo, 50), {})
    rejected = [result for result in results if result.status is RowStatus.REJECTED]
    assert len(rejected) == 10
    assert len(results) - len(rejected) == accepted(klaviyo)
    assert all((result.reason or "").startswith("invalid") for result in rejected)


def test_a_row_that_the_vendor_cannot_read_is_rejected_alone(klaviyo) -> None:
    rows = [*some_rows(klaviyo, 8), row(99, "no address at all")]
    results = {r.idempotency_key: r for r in klaviyo.writer("profiles").write(rows, {})}
    assert results.pop("key-99").status is RowStatus.REJECTED
    assert {result.status for result in results.values()} == {RowStatus.CONFIRMED}


@pytest.mark.parametrize("profile", ["rate_limited", "server_errors"])
def test_passing_faults_leave_no_row_behind(klaviyo, profile: str) -> None:
    klaviyo.context.faults.set("klaviyo", profile, 0.34)
    writer = klaviyo.writer("profiles", policy=QUICK)
    results = writer.write(some_rows(klaviyo, 10), {})
    assert {result.status for result in results} == {RowStatus.CONFIRMED}


def test_a_system_that_goes_down_leaves_rows_unknown(klaviyo) -> None:
    klaviyo.context.faults.set("klaviyo", "down")
    writer = klaviyo.writer("profiles", policy=RetryPolicy(attempts=2, seconds=5))
    results = writer.write(some_rows(klaviyo, 10), {"list_name": LIST})
    assert [result.status for result in results] == [RowStatus.UNKNOWN] * 10


def test_reading_ones_own_writes_back_changes_volatile_paths_only(klaviyo) -> None:
    before = records(klaviyo)
    (first,) = some_rows(klaviyo, 1)
    klaviyo.writer("profiles").write([first], {})
    changed = {
        path
        for key, record in records(klaviyo).items()
        for path in differences(before[key], record)
    }
    volatile = STREAMS["profiles"].volatile
    assert "attributes.properties.accord_segment" in changed
    assert all(any(fnmatch.fnmatch(path, pattern) for pattern in volatile) for path in changed)


def test_an_event_carries_its_profile_and_metric(klaviyo) -> None:
    pages = klaviyo.read("events")
    for record in (record for page in pages for record in page.records):
        assert record["metric_name"]
        assert get_path(record, "relationships.profile.data.id")


def test_every_event_is_confirmed_and_read_back_as_an_event(klaviyo) -> None:
    rows = some_rows(klaviyo, 60)
    results = klaviyo.writer("events").write(rows, EVENTS)
    assert {result.status for result in results} == {RowStatus.CONFIRMED}
    mine = [
        record["attributes"]["event_properties"]
        for page in klaviyo.read("events")
        for record in page.records
        if record["metric_name"] == EVENTS["metric_name"]
    ]
    assert mine == [{"accord_segment": "lapsed", "$value": 120.5}] * len(rows)


def test_events_sent_again_happen_once(klaviyo) -> None:
    rows = some_rows(klaviyo, 20)
    before = len(klaviyo.living("events"))
    for _ in range(2):
        results = klaviyo.writer("events").write(rows, EVENTS)
        assert {result.status for result in results} == {RowStatus.CONFIRMED}
    assert len(klaviyo.living("events")) == before + len(rows)
    told = klaviyo.context.events_received.as_dict()
    assert told["doubled"] == {row.idempotency_key: 2 for row in rows}


def test_refused_events_are_rejected_alone(klaviyo) -> None:
    klaviyo.context.faults.set("klaviyo", "partial_failures", 0.2)
    rows = [*some_rows(klaviyo, 49), row(99, "no address at all")]
    results = klaviyo.writer("events").write(rows, EVENTS)
    rejected = {r.idempotency_key for r in results if r.status is RowStatus.REJECTED}
    taken = {event["unique_id"] for event in klaviyo.context.events_received.kept}
    assert "key-99" in rejected
    assert len(rejected) == 10
    assert taken == {row.idempotency_key for row in rows} - rejected
    assert len(results) == len(rows)


@pytest.mark.parametrize("profile", ["rate_limited", "server_errors"])
def test_passing_faults_lose_and_double_no_event(klaviyo, profile: str) -> None:
    klaviyo.context.faults.set("klaviyo", profile, 0.34)
    writer = klaviyo.writer("events", policy=QUICK)
    rows = some_rows(klaviyo, 10)
    for one in rows:
        (result,) = writer.write([one], EVENTS)
        assert result.status is RowStatus.CONFIRMED
    told = klaviyo.context.events_received.as_dict()
    assert (told["distinct"], told["doubled"]) == (len(rows), {})


def test_the_limits_of_the_endpoint_are_kept_without_being_told(vendor) -> None:
    klaviyo = vendor("klaviyo", tier="standard")
    writer = klaviyo.writer("events", policy=QUICK)
    for one in some_rows(klaviyo, 15):
        writer.write([one], EVENTS)
    log = klaviyo.context.request_log
    assert (log.status_count["klaviyo.202"], log.status_count["klaviyo.429"]) == (15, 0)


def test_a_system_that_is_down_leaves_events_unknown(klaviyo) -> None:
    klaviyo.context.faults.set("klaviyo", "down")
    writer = klaviyo.writer("events", policy=RetryPolicy(attempts=2, seconds=5))
    results = writer.write(some_rows(klaviyo, 10), EVENTS)
    assert [result.status for result in results] == [RowStatus.UNKNOWN] * 10


def records(klaviyo) -> dict[str, Any]:
    return {record["id"]: record for page in klaviyo.read("profiles") for record in page.records}


def differences(one: Any, other: Any, path: str = "") -> set[str]:
    """Dotted paths at which two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            found
            for key in one.keys() | other.keys()
            for found in differences(one.get(key), other.get(key), f"{path}.{key}".lstrip("."))
        }
    return set() if one == other else {path}
