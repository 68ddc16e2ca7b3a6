"""Sending events over real HTTP: what was taken is confirmed, what was refused is told row by row."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.klaviyo import events_payload, events_writer
from orchestration_assets.connectors.klaviyo.events_writer import KlaviyoEventsWriter
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus
from tests.unit.connectors.klaviyo.account import TOKEN, Account, failure, failures, write_all

QUICK = RetryPolicy(attempts=3, seconds=10.0, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)
# So many requests that no test waits for its own limiter.
FREELY = {"requests_per_second": "1000", "requests_per_minute": "10000"}
ROOT = "/data/attributes/events-bulk-create/data"
REPEATED = "'unique_id' is repeated for the same profile and metric."


@pytest.fixture
def account(httpserver: HTTPServer) -> Account:
    return Account(httpserver)


@pytest.fixture
def write(account: Account) -> Callable[..., dict[str, RowResult]]:
    def call(rows: Sequence[OutgoingRow], connection: Any = None, **options: Any):
        target = KlaviyoEventsWriter({**account.connection, **FREELY, **(connection or {})}, QUICK)
        return write_all(target, rows, {"metric_name": "Scored", **options})

    return call


def row(number: int, **extra: Any) -> OutgoingRow:
    email = f"person{number}@example.com"
    return OutgoingRow(f"key{number}", email, {"email": email, **extra})


def rows(count: int) -> list[OutgoingRow]:
    return [row(number) for number in range(1, count + 1)]


def sent(groups: list[dict[str, Any]]) -> dict[str, str]:
    """Where each `unique_id` of a request stands."""
    return {
        entry["attributes"]["unique_id"]: f"{ROOT}/{number}/attributes/events/data/{place}"
        for number, group in enumerate(groups)
        for place, entry in enumerate(group["attributes"]["events"]["data"])
    }


def refusing(*keys: str, pointed: bool = True, detail: str = "refused Ada") -> Any:
    """Refuses each request that holds one of these, naming them or not."""

    def refuse(groups: list[dict[str, Any]]) -> Response | None:
        places = [place for key, place in sent(groups).items() if key in keys]
        if not places:
            return None
        pointers = [f"{place}/attributes/unique_id" for place in places] if pointed else ["/data"]
        return failures(400, "invalid", pointers, detail)

    return refuse


def of_status(results: dict[str, RowResult], status: RowStatus) -> list[str]:
    return sorted(key for key, result in results.items() if result.status is status)


def test_what_was_taken_is_confirmed_with_one_request(account: Account, write: Any) -> None:
    again = OutgoingRow("key9", "person1@example.com", {"email": "person1@example.com"})
    results = write([row(1), row(2), again])
    assert of_status(results, RowStatus.CONFIRMED) == ["key1", "key2", "key9"]
    (groups,) = account.event_jobs
    assert list(sent(groups)) == ["key1", "key9", "key2"]
    assert len(groups) == 2


def test_the_same_row_carries_the_same_unique_id_at_every_attempt(
    account: Account, write: Any
) -> None:
    write([row(1)])
    write([row(1)])
    assert [list(sent(groups)) for groups in account.event_jobs] == [["key1"], ["key1"]]


def test_rows_that_a_refusal_names_are_rejected_and_the_rest_is_sent(
    account: Account, write: Any
) -> None:
    account.refuse_events = refusing("key3", "key6")
    results = write(rows(8))
    assert of_status(results, RowStatus.REJECTED) == ["key3", "key6"]
    assert len(of_status(results, RowStatus.CONFIRMED)) == 6
    assert len(account.requests) == 2


def test_a_refused_profile_rejects_all_of_its_events(account: Account, write: Any) -> None:
    def refuse(groups: list[dict[str, Any]]) -> Response | None:
        for number, group in enumerate(groups):
            profile = group["attributes"]["profile"]["data"]["attributes"]
            if profile["email"] == "person1@example.com":
                pointer = f"{ROOT}/{number}/attributes/profile/data/attributes/email"
                return failure(400, "invalid", pointer)
        return None

    account.refuse_events = refuse
    again = OutgoingRow("key9", "person1@example.com", {"email": "person1@example.com"})
    results = write([row(1), row(2), again])
    assert of_status(results, RowStatus.REJECTED) == ["key1", "key9"]
    assert of_status(results, RowStatus.CONFIRMED) == ["key2"]


def test_reasons_hold_nothing_of_the_person(account: Account, write: Any) -> None:
    account.refuse_events = refusing("key1", detail="Person1@example.com: Ada, Lyon of a@b.org")
    results = write([row(1, first_name="Ada", places=[{"city": "Lyon"}])])
    assert results["key1"].reason == "invalid: ***: ***, *** of [address]"


def test_a_refusal_that_names_no_row_is_split_until_bad_rows_stand_alone(
    account: Account, write: Any
) -> None:
    account.refuse_events = refusing("key3", "key6", pointed=False)
    results = write(rows(8))
    assert of_status(results, RowStatus.REJECTED) == ["key3", "key6"]
    assert len(of_status(results, RowStatus.CONFIRMED)) == 6


def test_a_fault_in_no_row_does_not_cost_a_request_a_row(
    account: Account, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_writer, "MAX_REQUESTS", 5)
    account.refuse_events = lambda _groups: failure(400, "invalid")
    results = write(rows(30))
    assert len(account.requests) == 5
    assert of_status(results, RowStatus.UNKNOWN)
    assert not of_status(results, RowStatus.CONFIRMED)


@pytest.mark.parametrize("pointed", [True, False])
def test_an_event_refused_as_repeated_is_there_and_the_rest_is_sent(
    account: Account, write: Any, pointed: bool
) -> None:
    account.refuse_events = refusing("key2", pointed=pointed, detail=REPEATED)
    results = write(rows(4))
    assert of_status(results, RowStatus.CONFIRMED) == ["key1", "key2", "key3", "key4"]
    delivered = sorted(key for groups in account.event_jobs for key in sent(groups))
    assert delivered == ["key1", "key3", "key4"]


def test_a_unique_id_refused_for_another_reason_is_rejected(account: Account, write: Any) -> None:
    account.refuse_events = refusing("key1", detail="'unique_id' is not valid.")
    assert of_status(write([row(1)]), RowStatus.REJECTED) == ["key1"]


def test_a_refused_metric_is_fatal(account: Account, write: Any) -> None:
    pointer = f"{ROOT}/0/attributes/events/data/0/attributes/metric/data/attributes/name"
    account.refuse_events = lambda _groups: failure(400, "invalid", pointer)
    with pytest.raises(FatalError, match="metric_name"):
        write([row(1), row(2)])


def test_a_property_named_metric_is_a_row_like_any_other(account: Account, write: Any) -> None:
    pointer = f"{ROOT}/0/attributes/events/data/0/attributes/properties/metric"
    account.refuse_events = lambda _groups: failure(400, "invalid", pointer)
    assert of_status(write([row(1)]), RowStatus.REJECTED) == ["key1"]


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_fatal_and_not_shown(
    account: Account, write: Any, status: int
) -> None:
    account.refuse_events = lambda _groups: failure(status, "x")
    with pytest.raises(FatalError, match="ACCORD_KLAVIYO_TOKEN") as caught:
        write([row(1)])
    assert TOKEN not in str(caught.value)


def test_credentials_refused_midway_keep_the_answers_of_earlier_requests(
    account: Account, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_payload, "MAX_EVENTS", 2)
    account.refuse_events = lambda _groups: failure(403, "x") if account.event_jobs else None
    results = write(rows(3))
    assert of_status(results, RowStatus.CONFIRMED) == ["key1", "key2"]
    assert of_status(results, RowStatus.UNKNOWN) == ["key3"]


def test_credentials_refused_after_a_lost_answer_leave_its_rows_in_doubt(
    account: Account, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_payload, "MAX_EVENTS", 2)
    account.refuse_events = lambda groups: failure(502 if "key1" in sent(groups) else 403, "x")
    assert of_status(write(rows(3)), RowStatus.UNKNOWN) == ["key1", "key2", "key3"]


def test_a_lost_answer_is_unknown(account: Account, write: Any) -> None:
    account.refuse_events = lambda _groups: failure(502, "x")
    assert of_status(write(rows(2)), RowStatus.UNKNOWN) == ["key1", "key2"]
    assert len(account.requests) == QUICK.attempts


@pytest.mark.parametrize("fault", [429, 503])
def test_passing_faults_are_retried(account: Account, write: Any, fault: int) -> None:
    account.faults = [failure(fault, "x", Retry_After="0")]
    assert of_status(write([row(1)]), RowStatus.CONFIRMED) == ["key1"]


def test_a_row_that_the_vendor_would_refuse_spoils_no_request(account: Account, write: Any) -> None:
    results = write([row(1, at="some day"), row(2, at="2026-07-01")], time="at")
    assert results["key1"].reason == "time_invalid: at holds no ISO 8601 time"
    assert of_status(results, RowStatus.CONFIRMED) == ["key2"]
    assert len(account.requests) == 1


def test_the_payload_names_the_profile_where_the_target_is_the_event_itself(
    account: Account, write: Any
) -> None:
    write([OutgoingRow(key, f"order-{key}", {"email": "a@example.com"}) for key in ("k1", "k2")])
    ((group,),) = account.event_jobs
    assert group["attributes"]["profile"]["data"]["attributes"] == {"email": "a@example.com"}
    assert len(group["attributes"]["events"]["data"]) == 2


def test_the_connection_may_set_other_limits(account: Account, write: Any) -> None:
    slow = {"requests_per_second": "2", "requests_per_minute": "100"}
    began = time.monotonic()
    for number in range(4):
        write([row(number)], slow)
    assert time.monotonic() - began > 0.9


def test_no_rows_make_no_call(account: Account, write: Any) -> None:
    assert write([]) == {}
    assert not account.requests


def test_a_journey_without_a_metric_is_told_so(account: Account, write: Any) -> None:
    with pytest.raises(FatalError, match="metric_name"):
        write([row(1)], metric_name="")
    assert not account.requests
