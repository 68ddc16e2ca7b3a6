"""From the payloads of Shopify's webhooks to records as its Admin API answers them."""

from collections.abc import Mapping
from typing import Any

from orchestration_assets.connectors.kit.webhook_json import identifier, refused


def checkout_record(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A checkout as a record of `abandoned_checkouts`; amounts are in the shop's currency.

    Raises:
        PayloadRefused: it says nowhere which number it has.
    """
    number = identifier(payload.get("id")) or identifier(payload.get("name")).removeprefix("#")
    if not number.isdecimal():
        raise refused("The payload of a checkout has no number, neither as id nor as name.")
    currency = payload.get("currency")
    customer = payload.get("customer")
    buyer = identifier(customer.get("id")) if isinstance(customer, dict) else ""
    lines = payload.get("line_items") or []
    return {
        "id": f"gid://shopify/AbandonedCheckout/{number}",
        "legacyResourceId": number,
        "name": payload.get("name"),
        "customer": {"legacyResourceId": buyer} if buyer else None,
        "totalPriceSet": _money(payload.get("total_price"), currency),
        "subtotalPriceSet": _money(payload.get("subtotal_price"), currency),
        "lineItems": [_line(line) for line in lines if isinstance(line, dict)],
        "createdAt": payload.get("created_at"),
        "completedAt": payload.get("completed_at"),
        "updatedAt": payload.get("updated_at"),
    }


def _money(amount: object, currency: object) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": identifier(line.get("id") or line.get("key")),
        "title": line.get("title"),
        "quantity": line.get("quantity"),
        "sku": line.get("sku"),
        "productId": identifier(line.get("product_id")) or None,
        "variantId": identifier(line.get("variant_id")) or None,
        "unitPrice": line.get("price"),
        "discountedTotal": line.get("line_price"),
    }
