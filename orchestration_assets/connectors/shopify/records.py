"""Bringing what Shopify answers into one record shape, whether paged or exported in bulk."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.errors import RetriableError

Json = Mapping[str, Any]


def local_id(global_id: str) -> str:
    """The number at the end of a global identifier (`gid://shopify/Order/1` is `1`)."""
    return global_id.partition("?")[0].rpartition("/")[2]


def line_item(node: Json) -> dict[str, Any]:
    """A line of an order or of an abandoned checkout as plain values.

    Amounts are text in the shop's currency.
    """
    discounted = node.get("discountedTotalSet") or node.get("discountedTotalPriceSet") or {}
    return {
        "id": local_id(node["id"]),
        "title": node.get("title"),
        "quantity": node.get("quantity"),
        "sku": node.get("sku"),
        "productId": get_path(node, "product.legacyResourceId"),
        "variantId": get_path(node, "variant.legacyResourceId"),
        "unitPrice": get_path(node, "originalUnitPriceSet.shopMoney.amount"),
        "discountedTotal": get_path(discounted, "shopMoney.amount"),
    }


def contract_line(node: Json) -> dict[str, Any]:
    """A line of a subscription contract as plain values; prices are in the contract's currency."""
    return {
        "id": local_id(node["id"]),
        "title": node.get("title"),
        "quantity": node.get("quantity"),
        "sku": node.get("sku"),
        "productId": _optional_id(node.get("productId")),
        "variantId": _optional_id(node.get("variantId")),
        "unitPrice": get_path(node, "currentPrice.amount"),
        "discountedTotal": get_path(node, "lineDiscountedPrice.amount"),
    }


def refund(node: Json) -> dict[str, Any]:
    """A refund as plain values; the amount is text in the shop's currency."""
    return {
        "id": local_id(node["id"]),
        "createdAt": node.get("createdAt"),
        "amount": get_path(node, "totalRefundedSet.shopMoney.amount"),
        "currencyCode": get_path(node, "totalRefundedSet.shopMoney.currencyCode"),
        "note": node.get("note"),
    }


def variant(node: Json) -> dict[str, Any]:
    """A product variant as plain values; the price is text in the shop's currency."""
    return {
        "id": node.get("legacyResourceId") or local_id(node["id"]),
        "sku": node.get("sku"),
        "title": node.get("title"),
        "price": node.get("price"),
    }


def recurring_amount(lines: Iterable[Json]) -> str | None:
    """What one billing of a contract comes to: its lines after discounts, delivery left out."""
    totals = [line["discountedTotal"] for line in lines]
    if not totals or None in totals:
        return None
    return str(sum(Decimal(total) for total in totals))


def _optional_id(global_id: str | None) -> str | None:
    return local_id(global_id) if global_id else None


_INNER: dict[str, Callable[[Json], dict[str, Any]]] = {
    "lineItems": line_item,
    "lines": contract_line,
    "variants": variant,
}
# Lists that stand in the record itself.
_LISTS: dict[str, Callable[[Json], dict[str, Any]]] = {"refunds": refund}


def with_nested(node: Json, nested: str | None, inner: Iterable[Json]) -> dict[str, Any]:
    """The record with its nested connection, and its lists of objects, as lists of plain values.

    Args:
        node: the record as answered; the connection or `__parentId` it may hold is dropped.
        nested: name of the connection, None where the stream has none.
        inner: the nodes of the connection, complete.
    """
    record = {key: value for key, value in node.items() if key not in ("__parentId", nested)}
    for name in _LISTS.keys() & record.keys():
        record[name] = [_LISTS[name](item) for item in record[name]]
    # Younger types have no identifier but the global one.
    record.setdefault("legacyResourceId", local_id(record["id"]))
    if nested:
        record[nested] = [_INNER[nested](item) for item in inner]
    if nested == "lines":
        record["recurringAmount"] = recurring_amount(record[nested])
    return record


def join_bulk_lines(
    lines: Iterable[tuple[int, Json]], nested: str | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Join the lines of a grouped bulk result to records, holding one record at a time.

    Args:
        lines: pairs of line number (from 1) and JSON object, in the file's order.
        nested: connection that the child lines belong to.

    Yields:
        The number of the record's last line, and the record.

    Raises:
        RetriableError: a child line does not follow its parent.
    """
    parent: Json | None = None
    inner: list[Json] = []
    last = 0
    for number, line in lines:
        parent_id = line.get("__parentId")
        if parent_id is None:
            if parent is not None:
                yield last, with_nested(parent, nested, inner)
            parent, inner = line, []
        elif parent is not None and parent.get("id") == parent_id:
            inner.append(line)
        else:
            raise RetriableError(
                "shopify: the bulk result is not grouped by parent.",
                "run the full read again; a new bulk operation is started.",
            )
        last = number
    if parent is not None:
        yield last, with_nested(parent, nested, inner)


def deletion(event: Json) -> dict[str, Any]:
    """A deletion event as a record: identifiers, and the time of deletion as change time."""
    return {
        "id": event["subjectId"],
        "legacyResourceId": local_id(event["subjectId"]),
        "updatedAt": event["createdAt"],
    }


def absent(global_id: str) -> dict[str, Any]:
    """A record that the shop does not have any more, as far as it says: its identifiers."""
    return {"id": global_id, "legacyResourceId": local_id(global_id)}
