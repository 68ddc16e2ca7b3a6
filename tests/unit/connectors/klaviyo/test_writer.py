"""Writing profiles over real HTTP: an answer for every row, none better than what is known."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.klaviyo import jobs, payload, writer
from orchestration_assets.connectors.klaviyo.writer import KlaviyoProfilesWriter
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus
from tests.unit.connectors.klaviyo.account import TOKEN, Account, failure, row_error, write_all

QUICK = RetryPolicy(attempts=3, seconds=10.0, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)
LIST = "Accord: lapsed customers"


@pytest.fixture
def account(httpserver: HTTPServer) -> Account:
    return Account(httpserver)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_FIRST_POLL_S", 0.02)


@pytest.fixture
def write(account: Account) -> Callable[..., dict[str, RowResult]]:
    def call(rows: Sequence[OutgoingRow], connection: Any = None, **options: Any):
        target = KlaviyoProfilesWriter({**account.connection, **(connection or {})}, QUICK)
        return write_all(target, rows, options)

    return call


def row(number: int, **extra: Any) -> OutgoingRow:
    email = f"person{number}@example.com"
    return OutgoingRow(f"key{number}", email, {"email": email, **extra})


def refuse_when_it_holds(*emails: str) -> Callable[[Any], Response | None]:
    def refuse(document: Any) -> Response | None:
        held = document["data"]["attributes"]["profiles"]["data"]
        bad = any(item["attributes"]["email"] in emails for item in held)
        return failure(400, "invalid") if bad else None

    return refuse


def statuses(results: dict[str, RowResult]) -> list[RowStatus]:
    return [results[key].status for key in sorted(results)]


def test_rows_are_confirmed_with_the_job_as_reference(account: Account, write: Any) -> None:
    results = write([row(1), row(2)])
    assert statuses(results) == [RowStatus.CONFIRMED] * 2
    assert {result.vendor_reference for result in results.values()} == {"J1"}


def test_payload_keys_go_to_attributes_location_or_properties(account: Account, write: Any) -> None:
    write([row(1, first_name="Ada", accord_segment="lapsed", **{"location.city": "Lyon"})])
    (sent,) = account.profiles_of("J1")
    assert sent["attributes"] == {
        "email": "person1@example.com",
        "first_name": "Ada",
        "location": {"city": "Lyon"},
        "properties": {"accord_segment": "lapsed"},
    }


def test_the_target_key_identifies_the_profile_where_the_payload_does_not(
    account: Account, write: Any
) -> None:
    write([OutgoingRow("k", "42", {"accord_x": 1})], identifier="external_id")
    (sent,) = account.profiles_of("J1")
    assert sent["attributes"]["external_id"] == "42"


def test_a_missing_list_is_made_once_and_then_found(account: Account, write: Any) -> None:
    write([row(1)], list_name=LIST)
    write([row(2)], list_name=LIST)
    assert [item["attributes"]["name"] for item in account.rows["lists"]] == [LIST]
    for job in account.imports:
        assert job["relationships"]["lists"]["data"] == [{"type": "list", "id": "L1"}]


def test_errors_of_single_rows_reject_those_rows(account: Account, write: Any) -> None:
    account.row_errors = {"person2@example.com": row_error("person2@example.com")}
    results = write([row(1), row(2), row(3)])
    assert statuses(results) == [RowStatus.CONFIRMED, RowStatus.REJECTED, RowStatus.CONFIRMED]
    assert results["key2"].reason == "invalid: Not a valid value"


def test_reasons_hold_nothing_of_the_person(account: Account, write: Any) -> None:
    error = row_error("person2@example.com")
    error["detail"] = "PERSON2@example.com: Lovelace in lyon, +33 6 12 34 56 78, x@y.org is refused"
    account.row_errors = {"person2@example.com": error}
    place = {"location": {"city": "Lyon"}}
    results = write([row(1), row(2, last_name="Lovelace", **place)])
    assert results["key2"].reason == "invalid: ***: *** in ***, [number], [address] is refused"
    account.refuse_job = refuse_when_it_holds("person1@example.com")
    assert write([row(1)])["key1"].reason == "invalid: refused ***"


def test_a_row_is_found_by_the_pointer_where_its_payload_is_not_given(
    account: Account, write: Any
) -> None:
    pointer = "/data/attributes/profiles/data/1/attributes/email"
    account.row_errors = {"person2@example.com": row_error(None, pointer=pointer)}
    results = write([row(1), row(2)])
    assert statuses(results) == [RowStatus.CONFIRMED, RowStatus.REJECTED]


def test_errors_that_name_no_row_leave_all_others_in_doubt(account: Account, write: Any) -> None:
    account.row_errors = {"person2@example.com": row_error(None)}
    assert statuses(write([row(1), row(2)])) == [RowStatus.UNKNOWN] * 2


def test_fewer_errors_than_the_job_counted_leave_rows_in_doubt(
    account: Account, write: Any
) -> None:
    account.final = {"status": "complete", "failed_count": 1}
    assert statuses(write([row(1), row(2)])) == [RowStatus.UNKNOWN] * 2


def test_many_errors_are_read_page_by_page(account: Account, write: Any) -> None:
    account.page_size = 2
    bad = [f"person{number}@example.com" for number in range(1, 6)]
    account.row_errors = {email: row_error(email) for email in bad}
    results = write([row(number) for number in range(1, 8)])
    assert statuses(results) == [RowStatus.REJECTED] * 5 + [RowStatus.CONFIRMED] * 2


@pytest.mark.parametrize("status", ["processing", "queued", "cancelled"])
def test_a_job_without_known_outcome_is_unknown(account: Account, write: Any, status: str) -> None:
    account.final = {"status": status}
    results = write([row(1)], {"job_patience_s": "0.3"})
    assert statuses(results) == [RowStatus.UNKNOWN]
    assert results["key1"].vendor_reference == "J1"


def test_a_lost_answer_while_polling_is_unknown(account: Account, write: Any) -> None:
    account.final = {}
    original = account._job
    account._job = lambda job_id: failure(500, "x")  # type: ignore[method-assign]
    assert statuses(write([row(1)])) == [RowStatus.UNKNOWN]
    account._job = original  # type: ignore[method-assign]


def test_a_job_refused_as_a_whole_is_split_until_the_bad_row_stands_alone(
    account: Account, write: Any
) -> None:
    account.refuse_job = refuse_when_it_holds("person3@example.com", "person6@example.com")
    results = write([row(number) for number in range(1, 9)])
    rejected = [key for key in sorted(results) if results[key].status is RowStatus.REJECTED]
    assert rejected == ["key3", "key6"]
    assert statuses(results).count(RowStatus.CONFIRMED) == 6


def test_a_refusal_that_names_a_row_costs_one_more_job_only(account: Account, write: Any) -> None:
    def refuse(document: Any) -> Response | None:
        held = document["data"]["attributes"]["profiles"]["data"]
        for index, item in enumerate(held):
            if item["attributes"]["email"] == "person3@example.com":
                return failure(400, "invalid", f"/data/attributes/profiles/data/{index}/attributes")
        return None

    account.refuse_job = refuse
    results = write([row(number) for number in range(1, 9)])
    assert results["key3"].status is RowStatus.REJECTED
    assert statuses(results).count(RowStatus.CONFIRMED) == 7
    assert len(account.imports) == 1


def test_a_fault_in_no_row_does_not_cost_a_request_a_row(
    account: Account, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_JOBS", 5)
    account.refuse_job = lambda _document: failure(400, "invalid")
    results = write([row(number) for number in range(1, 31)])
    assert RowStatus.UNKNOWN in statuses(results)
    assert len(account.requests) == 5


def test_a_refused_list_is_fatal(account: Account, write: Any) -> None:
    account.refuse_job = lambda _document: failure(400, "invalid", "/data/relationships/lists")
    with pytest.raises(FatalError, match="list_name"):
        write([row(1), row(2)], list_name=LIST)


def test_refused_credentials_are_fatal_and_not_shown(account: Account, write: Any) -> None:
    with pytest.raises(FatalError, match="ACCORD_KLAVIYO_TOKEN") as caught:
        write([row(1)], {"token": TOKEN[::-1]})
    assert TOKEN[::-1] not in str(caught.value)


def test_credentials_refused_midway_keep_the_answers_of_earlier_jobs(
    account: Account, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "MAX_PROFILES", 2)
    account.refuse_job = lambda _document: failure(403, "x") if account.imports else None
    results = write([row(number) for number in range(1, 4)])
    assert statuses(results) == [RowStatus.CONFIRMED, RowStatus.CONFIRMED, RowStatus.UNKNOWN]


def test_jobs_keep_within_the_vendors_limits(
    account: Account, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "MAX_JOB_BYTES", 3_000)
    write([row(number, note="x" * 200) for number in range(1, 21)])
    assert len(account.imports) > 1
    posts = [request for request in account.requests if request.method == "POST"]
    assert max(len(request.get_data()) for request in posts) <= 3_000


def test_a_profile_beyond_the_limit_is_rejected_alone(account: Account, write: Any) -> None:
    results = write([row(1, note="x" * 100_001), row(2)])
    assert statuses(results) == [RowStatus.REJECTED, RowStatus.CONFIRMED]


def test_two_rows_of_one_profile_travel_in_two_jobs_in_order(account: Account, write: Any) -> None:
    twice = OutgoingRow("key9", "person1@example.com", {"email": "PERSON1@example.com"})
    write([row(1), twice, row(2)])
    assert [len(account.profiles_of(job)) for job in ("J1", "J2")] == [2, 1]


def test_a_throttled_job_is_sent_again(account: Account, write: Any) -> None:
    account.faults = [failure(429, "throttled", Retry_After="0")]
    assert statuses(write([row(1)])) == [RowStatus.CONFIRMED]


def test_no_rows_make_no_call(account: Account, write: Any) -> None:
    assert write([], list_name=LIST) == {}
    assert not account.requests


def test_an_unknown_identifier_is_fatal(write: Any) -> None:
    with pytest.raises(FatalError, match="external_id"):
        write([row(1)], identifier="loyalty_card")
