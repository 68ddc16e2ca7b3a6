"""What the fields of abandoned checkouts and of subscription contracts answer."""

from typing import Any

from sandbox.shopify.fields import (
    Amount,
    amount,
    choice,
    column,
    constant,
    slice_page,
    time,
)
from sandbox.shopify.order_fields import LINE_ITEM
from sandbox.shopify.records import Record, find_record, gid, number_of
from sandbox.shopify.runtime import Resolver, Runtime

STOREFRONT = "https://accord-sandbox.myshopify.com"
INTERVALS = frozenset("DAY MONTH WEEK YEAR".split())
CONTRACT_STATES = frozenset("ACTIVE CANCELLED EXPIRED FAILED PAUSED".split())


def _customer(source: Record, _args: Any, runtime: Runtime) -> Record | None:
    customer = source.document.get("customer_id")
    return find_record(runtime.context.world, "Customer", customer) if customer else None


def _children(kind: str, name: str) -> Resolver:
    """A connection over the lines that stand in the parent's document."""

    def resolve(source: Record, args: dict[str, Any], runtime: Runtime) -> Any:
        lines = source.document.get(name) or ()
        nodes = [Record(kind, number_of(line["id"]), line | {"_order": source}) for line in lines]
        return slice_page(nodes, args, runtime)

    return resolve


def _nothing_off(source: Record, _args: Any, _runtime: Runtime) -> Amount:
    return "0.00", source.document.get("currency_code") or "EUR"


ABANDONED_CHECKOUT: dict[str, Resolver] = {
    "id": lambda s, _a, _r: gid("AbandonedCheckout", s.id),
    "name": column("name", ""),
    "note": column("note", ""),
    "abandonedCheckoutUrl": lambda s, _a, _r: f"{STOREFRONT}/checkouts/{s.id}/recover?key=secret",
    "customer": _customer,
    "discountCodes": constant([]),
    "totalPriceSet": amount("total_price"),
    "subtotalPriceSet": amount("subtotal_price"),
    "totalDiscountSet": _nothing_off,
    "lineItems": _children("AbandonedCheckoutLineItem", "line_items"),
    "createdAt": time("created_at"),
    "completedAt": time("completed_at"),
    "updatedAt": time("updated_at"),
}
ABANDONED_CHECKOUT_LINE_ITEM: dict[str, Resolver] = {
    "id": lambda s, _a, _r: gid("AbandonedCheckoutLineItem", s.id),
    "discountedTotalPriceSet": LINE_ITEM["discountedTotalSet"],
    **{
        name: LINE_ITEM[name]
        for name in ("title quantity sku variantTitle product variant originalUnitPriceSet".split())
    },
}
SUBSCRIPTION_CONTRACT: dict[str, Resolver] = {
    "id": lambda s, _a, _r: gid("SubscriptionContract", s.id),
    "status": choice("status", CONTRACT_STATES, "ACTIVE"),
    "customer": _customer,
    "currencyCode": column("currency_code"),
    "billingPolicy": lambda s, _a, _r: s,
    "deliveryPrice": _nothing_off,
    "nextBillingDate": time("next_billing_at"),
    "note": column("note"),
    "lines": _children("SubscriptionLine", "lines"),
    "createdAt": time("created_at"),
    "updatedAt": time("updated_at"),
}
SUBSCRIPTION_BILLING_POLICY: dict[str, Resolver] = {
    "interval": choice("billing_interval", INTERVALS, "MONTH"),
    "intervalCount": column("billing_interval_count", 1),
    "minCycles": constant(None),
    "maxCycles": constant(None),
}
SUBSCRIPTION_LINE: dict[str, Resolver] = {
    "id": lambda s, _a, _r: gid("SubscriptionLine", s.id),
    "title": column("title", ""),
    "quantity": column("quantity", 1),
    "sku": column("sku"),
    "variantTitle": column("variantTitle"),
    "productId": lambda s, _a, _r: gid("Product", s.document["productId"]),
    "variantId": lambda s, _a, _r: gid("ProductVariant", number_of(s.document["variantId"])),
    "currentPrice": amount("unitPrice", "_order"),
    "lineDiscountedPrice": amount("discountedTotal", "_order"),
}
