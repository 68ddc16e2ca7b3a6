"""What the fields of orders, their lines, products and variants answer."""

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.shopify.fields import (
    Amount,
    amount,
    choice,
    column,
    constant,
    identity,
    slice_page,
    time,
)
from sandbox.shopify.records import Record, find_record, iso, money, number_of
from sandbox.shopify.runtime import Resolver, Runtime

CENT = Decimal("0.01")
PRODUCT_STATES = frozenset("ACTIVE ARCHIVED DRAFT UNLISTED".split())
FINANCIAL_STATES = frozenset(
    "AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED".split()
)
FULFILLMENT_STATES = frozenset(
    "FULFILLED IN_PROGRESS ON_HOLD OPEN PARTIALLY_FULFILLED PENDING_FULFILLMENT REQUEST_DECLINED "
    "RESTOCKED SCHEDULED UNFULFILLED".split()
)


def _refunds(source: Record, args: dict[str, Any], _runtime: Runtime) -> list[Record]:
    """A plain list, not a connection: all of it unless `first` cuts it short."""
    refunds = source.document.get("refunds") or ()
    return [
        Record("Refund", number_of(refund["id"]), refund | {"_order": source})
        for refund in refunds[: args.get("first")]
    ]


ORDER: dict[str, Resolver] = identity("Order") | {
    "name": column("name", ""),
    "customer": lambda s, _a, r: (
        find_record(r.context.world, "Customer", s.document["customer_id"])
        if s.document.get("customer_id")
        else None
    ),
    "email": column("email"),
    "phone": column("phone"),
    "note": column("note"),
    "tags": column("tags", []),
    "test": constant(False),
    "currencyCode": column("currency_code"),
    "presentmentCurrencyCode": column("currency_code"),
    "currentTotalPriceSet": amount("total_price"),
    "currentSubtotalPriceSet": amount("subtotal_price"),
    "currentTotalTaxSet": amount("total_tax"),
    "currentTotalDiscountsSet": amount("total_discounts"),
    "currentShippingPriceSet": amount("total_shipping"),
    "totalPriceSet": amount("total_price"),
    "subtotalPriceSet": amount("subtotal_price"),
    "totalTaxSet": amount("total_tax"),
    "totalShippingPriceSet": amount("total_shipping"),
    "totalDiscountsSet": amount("total_discounts"),
    "totalRefundedSet": amount("total_refunded"),
    "displayFinancialStatus": choice("financial_status", FINANCIAL_STATES, None),
    "displayFulfillmentStatus": choice("fulfillment_status", FULFILLMENT_STATES, "UNFULFILLED"),
    "sourceName": column("source_name"),
    "refunds": _refunds,
    "lineItems": lambda s, a, r: slice_page(
        [
            Record("LineItem", number_of(item["id"]), item | {"_order": s})
            for item in s.document.get("line_items") or ()
        ],
        a,
        r,
    ),
    "processedAt": time("processed_at", "created_at"),
    "cancelledAt": time("cancelled_at"),
}
REFUND: dict[str, Resolver] = identity("Refund") | {
    "note": column("note"),
    "totalRefundedSet": amount("amount", "_order"),
    "order": lambda s, _a, _r: s.document["_order"],
    "processedAt": time("created_at"),
    "updatedAt": time("created_at"),
}


def _line_product(source: Record, _args: Any, runtime: Runtime) -> Record | None:
    product = source.document.get("productId")
    return find_record(runtime.context.world, "Product", product) if product else None


def _line_variant(source: Record, args: Any, runtime: Runtime) -> Record | None:
    product, wanted = _line_product(source, args, runtime), source.document.get("variantId")
    variants = product.document.get("variants") or () if product else ()
    for variant in variants:
        if wanted and number_of(variant["id"]) == number_of(wanted):
            return Record("ProductVariant", number_of(wanted), variant | {"_product": product})
    return None


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def _in_order_currency(source: Record, value: Decimal) -> Amount:
    currency = source.document["_order"].document.get("currency_code") or "EUR"
    return str(value.quantize(CENT)), currency


def _unit_discounted(source: Record, _args: Any, _runtime: Runtime) -> Amount:
    total, quantity = (_decimal(source.document.get(n)) for n in ("discountedTotal", "quantity"))
    return _in_order_currency(source, total / quantity if quantity else total)


def _original_total(source: Record, _args: Any, _runtime: Runtime) -> Amount:
    price, quantity = (_decimal(source.document.get(n)) for n in ("unitPrice", "quantity"))
    return _in_order_currency(source, price * quantity)


def _line_discount(source: Record, _args: Any, _runtime: Runtime) -> Amount:
    price, quantity, total = (
        _decimal(source.document.get(n)) for n in ("unitPrice", "quantity", "discountedTotal")
    )
    return _in_order_currency(source, price * quantity - total)


LINE_ITEM: dict[str, Resolver] = {
    "id": lambda s, _a, _r: f"gid://shopify/LineItem/{s.id}",
    "title": column("title", ""),
    "name": column("title", ""),
    "quantity": column("quantity", 0),
    "currentQuantity": column("quantity", 0),
    "sku": column("sku"),
    "variantTitle": column("variantTitle"),
    "vendor": column("vendor"),
    "product": _line_product,
    "variant": _line_variant,
    "originalUnitPriceSet": amount("unitPrice", "_order"),
    "discountedUnitPriceSet": _unit_discounted,
    "originalTotalSet": _original_total,
    "discountedTotalSet": amount("discountedTotal", "_order"),
    "totalDiscountSet": _line_discount,
}
PRODUCT: dict[str, Resolver] = identity("Product") | {
    "title": column("title", ""),
    "handle": column("handle", ""),
    "vendor": column("vendor", ""),
    "productType": column("product_type", ""),
    "status": choice("status", PRODUCT_STATES, "DRAFT"),
    "tags": column("tags", []),
    "publishedAt": time("created_at"),
    "variants": lambda s, a, r: slice_page(
        [
            Record(
                "ProductVariant",
                number_of(variant["id"]),
                variant | {"_product": s, "position": position},
            )
            for position, variant in enumerate(s.document.get("variants") or (), start=1)
        ],
        a,
        r,
    ),
}
VARIANT: dict[str, Resolver] = {
    "id": lambda s, _a, _r: f"gid://shopify/ProductVariant/{s.id}",
    "legacyResourceId": lambda s, _a, _r: s.id,
    "sku": column("sku"),
    "title": column("title", "Default Title"),
    "displayName": lambda s, _a, _r: (
        f"{s.document['_product'].document.get('title')} - {s.document.get('title')}"
    ),
    "price": lambda s, _a, _r: money(s.document.get("price")),
    "position": column("position", 1),
    "product": lambda s, _a, _r: s.document["_product"],
    "createdAt": lambda s, _a, _r: iso(s.document["_product"].document["created_at"]),
    "updatedAt": lambda s, _a, _r: iso(s.document["_product"].document["updated_at"]),
}
