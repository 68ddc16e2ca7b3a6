"""Reading carts, which the shop does not sort by change, and contracts, which it never exports."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.shopify import bulk
from orchestration_assets.connectors.shopify import source as source_module
from orchestration_assets.connectors.shopify.source import ShopifySource
from orchestration_assets.model import Page
from tests.unit.connectors.shopify.shop import STARTED_AT, Shop, cart, second

QUICK = RetryPolicy(attempts=3, seconds=10.0, wait_initial=0.01, wait_max=0.05, wait_jitter=0.0)
STREAM = "abandoned_checkouts"


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    shop = Shop(httpserver)
    shop.carts = [cart(number, second(number)) for number in range(1, 8)]
    return shop


@pytest.fixture(autouse=True)
def _small_pages_and_short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_FIRST_POLL_S", 0.02)
    monkeypatch.setattr(source_module, "PAGE_SIZE", 3)


def read(shop: Shop, cursor: str | None, stream: str = STREAM) -> Iterator[Page]:
    return ShopifySource(shop.connection, QUICK).read(stream, cursor)


def has_changed(shop: Shop, cursor: str | None, stream: str = STREAM) -> bool:
    return ShopifySource(shop.connection, QUICK).has_changed(stream, cursor)


def ids(pages: Iterable[Page]) -> list[str]:
    return [record["legacyResourceId"] for page in pages for record in page.records]


def names(*numbers: int) -> set[str]:
    return {str(number) for number in numbers}


def caught_up(shop: Shop) -> str:
    cursor = list(read(shop, None))[-1].cursor
    return (list(read(shop, cursor)) or [Page((), cursor)])[-1].cursor


def test_a_full_read_exports_every_cart_with_a_number_of_its_own(shop: Shop) -> None:
    assert set(ids(read(shop, None))) == names(*range(1, 8))
    assert "BulkStart" in shop.names()


def test_old_and_new_carts_that_changed_are_read_and_no_other(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.carts[1]["updatedAt"] = second(100)
    shop.carts.append(cart(8, second(90)))
    assert names(2, 8) <= set(ids(read(shop, cursor))) <= names(2, 7, 8)


def test_changes_resume_after_each_page(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.carts = [cart(number, second(200 - number)) for number in range(1, 12)]
    pages = list(read(shop, cursor))
    assert len(pages) == 4
    for number, page in enumerate(pages):
        rest = ids(read(shop, page.cursor))
        assert set(ids(pages[: number + 1])) | set(rest) == names(*range(1, 12))


def test_a_cart_that_changes_behind_the_pages_is_read_the_next_time(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.carts = [cart(number, second(100 + number)) for number in range(1, 12)]
    pages = read(shop, cursor)
    found = [next(pages)]
    # Behind the first page, and newer than everything on it; so is one that comes later.
    shop.carts.append(cart(12, second(300)))
    shop.carts[0]["updatedAt"] = second(301)
    found += pages
    assert names(*range(1, 12)) == set(ids(found))
    assert "12" in ids(read(shop, found[-1].cursor))


def test_a_change_is_seen_and_then_no_longer(shop: Shop) -> None:
    cursor = caught_up(shop)
    assert has_changed(shop, None)
    assert not has_changed(shop, cursor)
    shop.carts[0]["updatedAt"] = second(7)
    assert has_changed(shop, cursor), "same second, another cart"
    cursor = list(read(shop, cursor))[-1].cursor
    assert not has_changed(shop, cursor)


def test_changes_of_several_pages_come_to_rest(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.carts = [cart(number, second(200 - number)) for number in range(1, 12)]
    for _ in range(5):
        if not has_changed(shop, cursor):
            break
        cursor = list(read(shop, cursor))[-1].cursor
    assert not has_changed(shop, cursor)


def test_a_read_that_stopped_on_the_way_is_gone_on_with(shop: Shop) -> None:
    cursor = caught_up(shop)
    shop.carts = [cart(number, second(100 + number)) for number in range(1, 12)]
    assert has_changed(shop, next(read(shop, cursor)).cursor)


def test_what_changes_while_the_export_runs_is_read_afterwards(shop: Shop) -> None:
    shop.carts.append(cart(8, "2026-07-02T00:00:09Z"))
    cursor = list(read(shop, None))[-1].cursor
    shop.carts.append(cart(9, STARTED_AT))
    assert set(ids(read(shop, cursor))) == names(8, 9)


def test_the_event_log_is_not_asked_for_what_it_does_not_know(shop: Shop) -> None:
    cursor = caught_up(shop)
    has_changed(shop, cursor)
    assert "Deletions" not in shop.names()


def contract(number: int, *totals: str) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/SubscriptionContract/{number}",
        "updatedAt": second(number),
        "lines": [
            {"id": f"gid://shopify/SubscriptionLine/{place}", "lineDiscountedPrice": {"amount": t}}
            for place, t in enumerate(totals)
        ],
    }


def test_contracts_are_read_in_pages_from_the_beginning(shop: Shop) -> None:
    shop.contracts = [contract(number, "9.50") for number in range(1, 9)]
    pages = list(read(shop, None, "subscription_contracts"))
    assert set(ids(pages)) == names(*range(1, 9))
    assert "BulkStart" not in shop.names()
    assert not has_changed(shop, pages[-1].cursor, "subscription_contracts")
    assert set(ids(read(shop, pages[-1].cursor, "subscription_contracts"))) == {"8"}


def test_a_shop_without_contracts_still_gives_a_cursor(shop: Shop) -> None:
    (page,) = read(shop, None, "subscription_contracts")
    assert not page.records
    assert not has_changed(shop, page.cursor, "subscription_contracts")
    shop.contracts = [contract(1)]
    assert has_changed(shop, page.cursor, "subscription_contracts")
    assert ids(read(shop, page.cursor, "subscription_contracts")) == ["1"]


@pytest.mark.parametrize(
    ("totals", "amount"), [((), None), (("9.50",), "9.50"), (("9.50", "0.55"), "10.05")]
)
def test_a_contract_comes_to_the_sum_of_its_lines(
    shop: Shop, totals: tuple[str, ...], amount: str | None
) -> None:
    shop.contracts = [contract(1, *totals)]
    (page,) = read(shop, None, "subscription_contracts")
    assert page.records[0]["recurringAmount"] == amount
