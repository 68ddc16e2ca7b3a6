"""Reading a shop over real HTTP: completeness, resumption, and what each failure becomes."""

import time
from collections.abc import Iterable

import pytest
from pytest_httpserver import HTTPServer

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.shopify import bulk
from orchestration_assets.connectors.shopify import source as source_module
from orchestration_assets.connectors.shopify.source import ShopifySource
from orchestration_assets.errors import AccordError, FatalError, RetriableError
from orchestration_assets.model import Page
from tests.unit.connectors.shopify.shop import STARTED_AT, TOKEN, Shop, failure, order, second

QUICK = RetryPolicy(attempts=3, seconds=10.0, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    shop = Shop(httpserver)
    shop.orders = [order(number, second(number)) for number in range(1, 8)]
    return shop


@pytest.fixture(autouse=True)
def _small_pages_and_short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_FIRST_POLL_S", 0.02)
    monkeypatch.setattr(bulk, "_DOWNLOAD_WAIT_S", 0.02)
    monkeypatch.setattr(source_module, "BULK_PAGE_SIZE", 3)
    monkeypatch.setattr(source_module, "PAGE_SIZE", 3)


def reader(shop: Shop, **options: str) -> ShopifySource:
    return ShopifySource({**shop.connection, **options}, QUICK)


def ids(pages: Iterable[Page], *, deleted: bool = False) -> list[str]:
    return [
        record["legacyResourceId"]
        for page in pages
        if page.deleted is deleted
        for record in page.records
    ]


def caught_up(shop: Shop) -> str:
    """Cursor after a full read and one read of changes."""
    cursor = list(reader(shop).read("orders", None))[-1].cursor
    return list(reader(shop).read("orders", cursor))[-1].cursor


def test_a_full_read_exports_everything_in_pages(shop: Shop) -> None:
    pages = list(reader(shop).read("orders", None))
    assert [len(page.records) for page in pages] == [3, 3, 1]
    assert ids(pages) == [str(number) for number in range(1, 8)]
    assert "Changed" not in shop.names()


def test_the_shops_token_is_not_handed_to_the_storage(shop: Shop) -> None:
    list(reader(shop).read("orders", None))
    assert shop.download_headers
    assert all(TOKEN not in str(headers) for headers in shop.download_headers)


def test_a_full_read_resumes_after_each_page_within_the_same_operation(shop: Shop) -> None:
    first = list(reader(shop).read("orders", None))
    for number, page in enumerate(first[:-1], start=1):
        rest = list(reader(shop).read("orders", page.cursor))
        assert ids(rest) == ids(first[number:])
    assert len(shop.operations) == 1


def test_a_result_that_is_gone_makes_a_new_operation(shop: Shop) -> None:
    page = next(iter(reader(shop).read("orders", None)))
    shop.operations["gid://shopify/BulkOperation/2"] = shop.operations.pop(
        "gid://shopify/BulkOperation/1"
    )
    assert len(ids(reader(shop).read("orders", page.cursor))) == 7


def test_full_and_changed_records_have_one_shape(shop: Shop) -> None:
    full = list(reader(shop).read("orders", None))
    exported = {record["legacyResourceId"]: record for page in full for record in page.records}
    changed = list(reader(shop).read("orders", full[-1].cursor))
    paged = {record["legacyResourceId"]: record for page in changed for record in page.records}
    assert paged
    assert all(exported[key] == record for key, record in paged.items())


def test_an_empty_shop_still_gives_a_cursor(shop: Shop) -> None:
    shop.orders = []
    (page,) = reader(shop).read("orders", None)
    assert not page.records
    shop.orders = [order(1, STARTED_AT)]
    assert ids(reader(shop).read("orders", page.cursor)) == ["1"]


def test_what_changes_while_the_export_runs_is_read_afterwards(shop: Shop) -> None:
    shop.orders.append(order(8, "2026-07-02T00:00:09Z"))
    cursor = list(reader(shop).read("orders", None))[-1].cursor
    shop.orders.append(order(9, STARTED_AT))
    assert set(ids(reader(shop).read("orders", cursor))) == {"8", "9"}


def test_changes_resume_after_each_page(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.orders = [order(number, second(100 + number)) for number in range(1, 12)]
    pages = list(reader(shop).read("orders", cursor))
    for number, page in enumerate(pages):
        seen = set(ids(pages[: number + 1]))
        rest = set(ids(reader(shop).read("orders", page.cursor)))
        assert seen | rest == {str(number) for number in range(1, 12)}


def test_more_changes_at_one_second_than_a_page_holds_are_all_read(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.orders = [order(number, second(100)) for number in range(1, 12)]
    pages = list(reader(shop).read("orders", cursor))
    assert set(ids(pages)) == {str(number) for number in range(1, 12)}
    assert set(ids(pages[:2])) | set(ids(reader(shop).read("orders", pages[1].cursor))) == {
        str(number) for number in range(1, 12)
    }


def test_a_record_that_moves_while_it_is_read_hides_no_other(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.orders = [order(number, second(100 + number)) for number in range(1, 12)]
    pages = reader(shop).read("orders", cursor)
    read = [next(pages)]
    shop.orders[0]["updatedAt"] = second(200)
    read += pages
    assert set(ids(read)) == {str(number) for number in range(1, 12)}


def test_long_nested_lists_are_complete_in_both_reads(shop: Shop) -> None:
    shop.orders = [order(1, "2026-07-02T00:00:05Z", lines=250)]
    full = list(reader(shop).read("orders", None))
    changed = list(reader(shop).read("orders", full[-1].cursor))
    assert len(full[0].records[0]["lineItems"]) == 250
    assert changed[0].records == full[0].records
    assert shop.names().count("More") == 3


def test_deletions_come_as_deletions_with_their_time(shop: Shop) -> None:
    cursor = caught_up(shop)
    assert not reader(shop).has_changed("orders", cursor)
    del shop.orders[2]
    shop.events = [
        {
            "id": "gid://shopify/BasicEvent/1",
            "createdAt": "2026-07-03T00:00:00Z",
            "subjectId": "gid://shopify/Order/3",
            "subjectType": "ORDER",
        }
    ]
    assert reader(shop).has_changed("orders", cursor)
    pages = list(reader(shop).read("orders", cursor))
    assert ids(pages, deleted=True) == ["3"]
    assert pages[-1].records[0]["updatedAt"] == "2026-07-03T00:00:00Z"
    assert not reader(shop).has_changed("orders", pages[-1].cursor)


def test_a_change_is_seen_and_then_no_longer(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.orders.append(order(9, second(7)))
    assert reader(shop).has_changed("orders", cursor), "same second, another record"
    cursor = list(reader(shop).read("orders", cursor))[-1].cursor
    assert not reader(shop).has_changed("orders", cursor)
    assert reader(shop).has_changed("orders", None)


@pytest.mark.parametrize("status", [200, 429])
def test_throttling_is_waited_for_as_long_as_the_bucket_needs(shop: Shop, status: int) -> None:
    cursor = caught_up(shop)
    bucket = {"maximumAvailable": 1000, "currentlyAvailable": 20, "restoreRate": 100}
    cost = {"requestedQueryCost": 50, "actualQueryCost": None, "throttleStatus": bucket}
    shop.faults = [failure("THROTTLED", status, cost)]
    started = time.monotonic()
    assert ids(reader(shop).read("orders", cursor))
    assert time.monotonic() - started >= 0.3


def test_throttling_without_end_is_retriable(shop: Shop) -> None:
    shop.faults = [failure("THROTTLED") for _ in range(3)]
    with pytest.raises(RetriableError, match="throttled"):
        list(reader(shop).read("orders", None))


def test_a_query_beyond_the_cost_limit_is_asked_in_smaller_pages(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.orders = [order(number, second(100 + number)) for number in range(1, 6)]
    shop.max_first = 1
    assert set(ids(reader(shop).read("orders", cursor))) == {"1", "2", "3", "4", "5"}


def test_the_vendors_bucket_paces_the_next_call(shop: Shop) -> None:
    cursor = caught_up(shop)
    bucket = {"maximumAvailable": 1000, "currentlyAvailable": 10, "restoreRate": 100}
    shop.cost = {"requestedQueryCost": 60, "actualQueryCost": 60, "throttleStatus": bucket}
    shop.orders = [order(number, second(100 + number)) for number in range(1, 6)]
    started = time.monotonic()
    list(reader(shop).read("orders", cursor))
    assert time.monotonic() - started >= 0.4


def test_a_passing_failure_costs_nothing_but_a_retry(shop: Shop) -> None:
    shop.faults = [failure("X", 503), failure("X", 502)]
    assert len(ids(reader(shop).read("orders", None))) == 7


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (failure("X", 401), FatalError),
        (failure("X", 403), FatalError),
        (failure("ACCESS_DENIED"), FatalError),
        (failure("undefinedField"), FatalError),
        (failure("INTERNAL_SERVER_ERROR"), RetriableError),
    ],
)
def test_failures_are_named_by_recovery_without_secrets_or_people(
    shop: Shop, fault: object, kind: type[AccordError]
) -> None:
    shop.faults = [fault]  # type: ignore[list-item]
    with pytest.raises(kind) as caught:
        list(reader(shop).read("orders", None))
    assert TOKEN not in str(caught.value)
    assert "person1" not in str(caught.value)
    assert "Next step" in str(caught.value)


def test_a_wrong_token_names_the_setting(shop: Shop) -> None:
    wrong = ShopifySource({**shop.connection, "token": "other"}, QUICK)
    with pytest.raises(FatalError, match="ACCORD_SHOPIFY_TOKEN"):
        list(wrong.read("orders", None))


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT"])
def test_a_failed_bulk_operation_is_retriable_and_its_partial_data_unused(
    shop: Shop, code: str
) -> None:
    shop.final = {
        "status": "FAILED",
        "errorCode": code,
        "url": None,
        "partialDataUrl": shop.server.url_for("/results/1.jsonl"),
    }
    with pytest.raises(RetriableError, match=code):
        list(reader(shop).read("orders", None))
    assert not shop.download_headers


@pytest.mark.parametrize("status", ["CANCELED", "EXPIRED"])
def test_an_operation_that_ends_without_result_is_retriable(shop: Shop, status: str) -> None:
    shop.final = {"status": status, "url": None}
    with pytest.raises(RetriableError, match="gone"):
        list(reader(shop).read("orders", None))


def test_a_bulk_operation_without_scope_is_fatal(shop: Shop) -> None:
    shop.final = {"status": "FAILED", "errorCode": "ACCESS_DENIED", "url": None}
    with pytest.raises(FatalError, match="read scopes"):
        list(reader(shop).read("orders", None))


def test_another_running_operation_is_waited_for(shop: Shop) -> None:
    shop.busy = 2
    assert len(ids(reader(shop).read("orders", None))) == 7


def test_patience_with_another_operation_is_bounded(shop: Shop) -> None:
    shop.busy = 1000
    with pytest.raises(RetriableError, match="still running"):
        list(reader(shop, bulk_patience_s="0.5").read("orders", None))


def test_patience_with_ones_own_operation_is_bounded(shop: Shop) -> None:
    shop.final = {"status": "RUNNING"}
    with pytest.raises(RetriableError, match="not complete"):
        list(reader(shop, bulk_patience_s="0.5").read("orders", None))


@pytest.mark.parametrize("cut", [1, 700, 1500])
def test_a_download_that_breaks_off_goes_on_where_it_broke(shop: Shop, cut: int) -> None:
    shop.cut_downloads = [cut]
    assert ids(reader(shop).read("orders", None)) == [str(number) for number in range(1, 8)]


def test_a_download_that_never_holds_everything_is_no_result(shop: Shop) -> None:
    shop.cut_downloads = [1500, 1500, 1500]
    with pytest.raises(RetriableError, match="broke off"):
        list(reader(shop).read("orders", None))


def test_an_unknown_stream_is_named(shop: Shop) -> None:
    with pytest.raises(FatalError, match="customers, orders, products, aban"):
        list(reader(shop).read("refunds", None))
