"""Paged and exported records have one shape."""

import pytest

from orchestration_assets.connectors.shopify.records import (
    deletion,
    join_bulk_lines,
    local_id,
    with_nested,
)
from orchestration_assets.errors import RetriableError

LINE = {
    "id": "gid://shopify/LineItem/11",
    "title": "Cup",
    "quantity": 2,
    "sku": "C-1",
    "product": {"legacyResourceId": "5"},
    "variant": None,
    "originalUnitPriceSet": {"shopMoney": {"amount": "9.50"}},
    "discountedTotalSet": {"shopMoney": {"amount": "17.00"}},
}


def test_the_number_is_taken_out_of_a_global_identifier() -> None:
    assert local_id("gid://shopify/LineItem/11?inner=1") == "11"


def test_exported_and_paged_records_are_the_same() -> None:
    order = {"id": "gid://shopify/Order/1", "legacyResourceId": "1"}
    child = {**LINE, "__parentId": order["id"]}
    lines = enumerate([order, child], start=1)
    exported = [record for _, record in join_bulk_lines(lines, "lineItems")]
    paged = with_nested({**order, "lineItems": {"nodes": [LINE]}}, "lineItems", [LINE])
    assert exported == [paged]
    assert paged["lineItems"] == [
        {
            "id": "11",
            "title": "Cup",
            "quantity": 2,
            "sku": "C-1",
            "productId": "5",
            "variantId": None,
            "unitPrice": "9.50",
            "discountedTotal": "17.00",
        }
    ]


def test_refunds_are_plain_values_in_both_reads() -> None:
    refund = {
        "id": "gid://shopify/Refund/31",
        "createdAt": "2026-07-01T00:00:00Z",
        "note": None,
        "totalRefundedSet": {"shopMoney": {"amount": "5.00", "currencyCode": "EUR"}},
    }
    order = {"id": "gid://shopify/Order/1", "legacyResourceId": "1", "refunds": [refund]}
    ((_, exported),) = join_bulk_lines([(1, order)], "lineItems")
    assert exported == with_nested(order, "lineItems", [])
    assert exported["refunds"] == [
        {
            "id": "31",
            "createdAt": "2026-07-01T00:00:00Z",
            "amount": "5.00",
            "currencyCode": "EUR",
            "note": None,
        }
    ]


def test_the_last_line_of_each_record_is_told() -> None:
    orders = [{"id": f"gid://shopify/Order/{number}"} for number in (1, 2, 3)]
    child = {**LINE, "__parentId": orders[0]["id"]}
    lines = enumerate([orders[0], child, orders[1], orders[2]], start=1)
    assert [number for number, _ in join_bulk_lines(lines, "lineItems")] == [2, 3, 4]


def test_a_child_away_from_its_parent_is_refused() -> None:
    orders = [{"id": "gid://shopify/Order/1"}, {"id": "gid://shopify/Order/2"}]
    child = {**LINE, "__parentId": orders[0]["id"]}
    with pytest.raises(RetriableError, match="not grouped"):
        list(join_bulk_lines(enumerate([*orders, child], start=1), "lineItems"))


def test_a_deletion_carries_its_time_as_change_time() -> None:
    event = {"subjectId": "gid://shopify/Product/7", "createdAt": "2026-07-01T00:00:00Z"}
    assert deletion(event)["legacyResourceId"] == "7"
    assert deletion(event)["updatedAt"] == "2026-07-01T00:00:00Z"
