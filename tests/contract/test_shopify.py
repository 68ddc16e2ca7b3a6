"""Shopify against its server in the sandbox: one record shape, bulk operations, cost limits."""

import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
import pytest

from orchestration_assets.connectors.kit.position import Position
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.connectors.shopify.streams import STREAMS
from orchestration_assets.model import Page


def records(pages: list[Page]) -> dict[str, Mapping[str, Any]]:
    return {
        record["legacyResourceId"]: record
        for page in pages
        if not page.deleted
        for record in page.records
    }


def from_the_beginning(cursor: str) -> str:
    """The same cursor, set back before the first change."""
    state = orjson.loads(cursor)
    state["changes"] = Position("2000-01-01T00:00:00Z").to_json()
    return orjson.dumps(state).decode()


@pytest.mark.parametrize("stream", STREAMS)
def test_bulk_and_paged_reads_give_the_same_records(vendor, stream: str) -> None:
    shop = vendor("shopify")
    full = shop.read(stream)
    paged = shop.read(stream, from_the_beginning(full[-1].cursor))
    assert records(full) == records(paged)
    assert len(records(full)) == len(shop.living(stream))


def test_the_refunds_of_an_order_add_up_to_what_it_gave_back(vendor) -> None:
    shop = vendor("shopify", customers=400)
    refunded = 0
    for record in records(shop.read("orders")).values():
        total = Decimal(get_path(record, "totalRefundedSet.shopMoney.amount"))
        assert sum(Decimal(refund["amount"]) for refund in record["refunds"]) == total
        refunded += bool(record["refunds"])
    assert refunded


def test_a_carts_recovery_link_never_leaves_the_shop(vendor) -> None:
    shop = vendor("shopify")
    carts = records(shop.read("abandoned_checkouts"))
    assert carts
    assert "recover" not in str(carts)


def test_a_contract_is_worth_the_sum_of_its_lines(vendor) -> None:
    shop = vendor("shopify", customers=400)
    contracts = records(shop.read("subscription_contracts"))
    for record in contracts.values():
        total = sum(Decimal(line["discountedTotal"]) for line in record["lines"])
        assert Decimal(record["recurringAmount"]) == total > 0
    assert {record["status"] for record in contracts.values()} >= {"ACTIVE", "CANCELLED"}


def test_reads_stay_complete_within_a_small_bucket(vendor) -> None:
    shop = vendor("shopify", tier="tight")
    full = shop.read("customers")
    paged = shop.read("customers", from_the_beginning(full[-1].cursor))
    assert records(paged) == records(full)


def test_two_full_reads_at_once_wait_for_each_other(vendor) -> None:
    shop = vendor("shopify")
    found: dict[str, int] = {}

    def read(stream: str) -> None:
        found[stream] = len(records(shop.read(stream)))

    threads = [threading.Thread(target=read, args=(stream,)) for stream in STREAMS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == {stream: len(shop.living(stream)) for stream in STREAMS}


def test_a_change_after_the_full_read_comes_with_its_new_values(vendor) -> None:
    shop = vendor("shopify")
    cursor = shop.read("customers")[-1].cursor
    record_id = min(shop.living("customers"))
    shop.world.upsert("shopify.customers", record_id, {"first_name": "Zoé"})
    changed = records(shop.read("customers", cursor))
    assert changed[record_id]["firstName"] == "Zoé"
