"""Reading an account over real HTTP: completeness, resumption, and what each failure becomes."""

import time
from collections.abc import Iterable

import pytest
from pytest_httpserver import HTTPServer

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.klaviyo.source import KlaviyoSource
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import Page
from tests.unit.connectors.klaviyo.account import (
    TOKEN,
    Account,
    campaign,
    event,
    failure,
    profile,
    second,
)

QUICK = RetryPolicy(attempts=3, seconds=10.0, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)


@pytest.fixture
def account(httpserver: HTTPServer) -> Account:
    account = Account(httpserver)
    account.page_size = 3
    account.rows["profiles"] = [profile(number, second(number)) for number in range(1, 11)]
    return account


def reader(account: Account) -> KlaviyoSource:
    # All tests share one address: without limits of its own none waits for another's calls.
    unlimited = {"requests_per_second": "1000000", "requests_per_minute": "1000000"}
    return KlaviyoSource(account.connection | unlimited, QUICK)


def ids(pages: Iterable[Page]) -> set[str]:
    return {record["id"] for page in pages for record in page.records}


ALL = {f"P{number:03}" for number in range(1, 11)}


def test_a_full_read_is_complete_and_asks_for_subscriptions(account: Account) -> None:
    assert ids(reader(account).read("profiles", None)) == ALL
    assert account.requests[0].args["additional-fields[profile]"] == "subscriptions"
    assert account.requests[0].args["page[size]"] == "100"
    assert "filter" not in account.requests[0].args


def test_the_read_resumes_after_each_page(account: Account) -> None:
    pages = list(reader(account).read("profiles", None))
    for number, page in enumerate(pages):
        rest = reader(account).read("profiles", page.cursor)
        assert ids(pages[: number + 1]) | ids(rest) == ALL


def test_the_boundary_is_read_again_and_nothing_before_it(account: Account) -> None:
    cursor = list(reader(account).read("profiles", None))[-1].cursor
    account.rows["profiles"].append(profile(11, second(10)))
    assert ids(reader(account).read("profiles", cursor)) == {"P010", "P011"}


@pytest.mark.parametrize("fraction", [0, 250])
def test_more_changes_at_one_moment_than_a_page_holds_are_all_read(
    account: Account, fraction: int
) -> None:
    at = second(30, fraction=fraction)
    account.rows["profiles"] += [profile(number, at) for number in range(20, 31)]
    pages = list(reader(account).read("profiles", None))
    assert len(ids(pages)) == 21
    for number, page in enumerate(pages):
        rest = reader(account).read("profiles", page.cursor)
        assert len(ids(pages[: number + 1]) | ids(rest)) == 21


def test_times_with_fractions_advance_page_by_page(account: Account) -> None:
    account.rows["profiles"] = [
        profile(number, second(1, fraction=number)) for number in range(1, 30)
    ]
    assert len(ids(reader(account).read("profiles", None))) == 29
    assert len(account.requests) < 20


def test_a_profile_that_changes_while_it_is_read_hides_no_other(account: Account) -> None:
    pages = reader(account).read("profiles", None)
    read = [next(pages)]
    account.rows["profiles"][0]["attributes"]["updated"] = second(50)
    read += pages
    assert ids(read) == ALL


def test_full_reads_everything_whatever_the_cursor_says(account: Account) -> None:
    full = list(reader(account).read("profiles", None))
    assert ids(reader(account).read("profiles", full[-1].cursor, full=True)) == ALL


def test_full_and_changed_records_are_the_same(account: Account) -> None:
    full = list(reader(account).read("profiles", None))
    changed = list(reader(account).read("profiles", full[0].cursor))
    known = [record for page in full for record in page.records]
    assert all(record in known for page in changed for record in page.records)


def test_an_event_carries_the_name_of_its_metric(account: Account) -> None:
    account.rows["events"] = [event(number, second(number)) for number in range(1, 6)]
    pages = list(reader(account).read("events", None))
    assert ids(pages) == {f"E{number:03}" for number in range(1, 6)}
    assert {record["metric_name"] for page in pages for record in page.records} == {"Opened Email"}
    assert account.requests[0].args["page[size]"] == "200"


def campaigns(account: Account) -> None:
    account.rows["campaigns"] = [
        *(campaign(number, second(number)) for number in range(1, 8)),
        campaign(8, second(3), archived=True),
        campaign(9, second(2), "sms"),
    ]


def test_campaigns_of_every_channel_are_read_and_told_apart(account: Account) -> None:
    campaigns(account)
    pages = list(reader(account).read("campaigns", None))
    channels = {record["id"]: record["channel"] for page in pages for record in page.records}
    assert channels == {f"C{number:03}": "email" for number in range(1, 9)} | {"C009": "sms"}
    for number, page in enumerate(pages):
        rest = reader(account).read("campaigns", page.cursor)
        assert ids(pages[: number + 1]) | ids(rest) == set(channels)


def test_a_changed_campaign_of_any_channel_is_seen_and_read_alone(account: Account) -> None:
    campaigns(account)
    cursor = list(reader(account).read("campaigns", None))[-1].cursor
    assert not reader(account).has_changed("campaigns", cursor)
    # Older than the newest e-mail: each channel has a place of its own.
    account.rows["campaigns"].append(campaign(10, second(4), "sms"))
    assert reader(account).has_changed("campaigns", cursor)
    pages = list(reader(account).read("campaigns", cursor))
    assert ids(pages) == {"C007", "C008", "C009", "C010"}, "boundaries and the new one"
    assert not reader(account).has_changed("campaigns", pages[-1].cursor)


def test_a_channel_that_had_none_gets_its_first_campaign(account: Account) -> None:
    campaigns(account)
    cursor = list(reader(account).read("campaigns", None))[-1].cursor
    account.rows["campaigns"].append(campaign(10, second(1), "mobile_push"))
    assert reader(account).has_changed("campaigns", cursor)
    assert "C010" in ids(reader(account).read("campaigns", cursor))


def test_an_account_without_campaigns_still_gives_a_cursor(account: Account) -> None:
    pages = list(reader(account).read("campaigns", None))
    assert not ids(pages)
    assert not reader(account).has_changed("campaigns", pages[-1].cursor)


def test_a_change_is_seen_and_then_no_longer(account: Account) -> None:
    cursor = list(reader(account).read("profiles", None))[-1].cursor
    source = reader(account)
    assert source.has_changed("profiles", None)
    assert not source.has_changed("profiles", cursor)
    account.rows["profiles"].append(profile(11, second(10)))
    assert source.has_changed("profiles", cursor), "same second, another profile"
    cursor = list(reader(account).read("profiles", cursor))[-1].cursor
    assert not source.has_changed("profiles", cursor)


def test_an_empty_account_still_gives_a_cursor(account: Account) -> None:
    account.rows["lists"] = []
    (page,) = reader(account).read("lists", None)
    assert not page.records
    assert list(reader(account).read("lists", page.cursor))


def test_retry_after_is_honoured(account: Account) -> None:
    account.faults = [failure(429, "throttled", Retry_After="1")]
    started = time.monotonic()
    assert ids(reader(account).read("profiles", None)) == ALL
    assert time.monotonic() - started >= 1.0


def test_the_rate_limit_header_is_honoured_where_retry_after_is_absent(account: Account) -> None:
    account.faults = [failure(429, "throttled", RateLimit_Reset="1")]
    started = time.monotonic()
    assert ids(reader(account).read("profiles", None)) == ALL
    assert time.monotonic() - started >= 1.0


def test_a_passing_failure_costs_nothing_but_a_retry(account: Account) -> None:
    account.faults = [failure(503, "x"), failure(500, "x")]
    assert ids(reader(account).read("profiles", None)) == ALL


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        ([failure(400, "invalid")], FatalError),
        ([failure(401, "not_authenticated")], FatalError),
        ([failure(403, "permission_denied")], FatalError),
        ([failure(500, "x")] * 3, RetriableError),
    ],
)
def test_failures_are_named_by_recovery_without_secrets_or_people(
    account: Account, faults: list[object], kind: type[Exception]
) -> None:
    account.faults = list(faults)  # type: ignore[arg-type]
    with pytest.raises(kind) as caught:
        list(reader(account).read("profiles", None))
    assert TOKEN not in str(caught.value)
    assert "person1" not in str(caught.value)


def test_a_wrong_token_names_the_setting(account: Account) -> None:
    wrong = KlaviyoSource({**account.connection, "token": "other"}, QUICK)
    with pytest.raises(FatalError, match="ACCORD_KLAVIYO_TOKEN"):
        list(wrong.read("profiles", None))


def test_an_unknown_stream_is_named(account: Account) -> None:
    with pytest.raises(FatalError, match="profiles, events, lists, campaigns"):
        list(reader(account).read("flows", None))
