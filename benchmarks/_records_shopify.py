"""Shopify's records for the benchmark of the model."""

from collections.abc import Mapping

from benchmarks._recipe import (
    AMOUNT,
    CHANGED,
    CODES,
    CREATED,
    EMAIL,
    PERSON,
    PHONE,
    Recipe,
    of_chance,
)

_LINE = (
    "json_object('id', cast(2 * i + {k} as text), 'title', 'A thing of use', 'quantity', 1 + i % 3,"
    " 'sku', 'SKU-' || hash(i, {k}) % products,"
    " 'productId', cast(1000000 + hash(i, {k}) % products as text), 'variantId', '7' || i,"
    " 'unitPrice', (5 + i % 90) || '.50', 'discountedTotal', (4 + i % 90) || '.00')"
)
_ONE_LINE, _TWO_LINES = _LINE.format(k=0), f"{_LINE.format(k=0)}, {_LINE.format(k=1)}"

RECIPES: Mapping[str, Recipe] = {
    "shopify.customers": Recipe(
        1,
        {
            "first_name": "'First' || c % 5003",
            "last_name": "'Last' || c % 20011",
            "email": EMAIL,
            "phone": f"case when c % 2 = 0 then {PHONE} end",
            "email_marketing_state": "['SUBSCRIBED', 'UNSUBSCRIBED', 'NOT_SUBSCRIBED'][c % 3 + 1]",
            "email_marketing_updated_at": CREATED,
            "sms_marketing_state": "['SUBSCRIBED', 'NOT_SUBSCRIBED'][c % 2 + 1]",
            "address1": "'1 rue des Lilas'",
            **PERSON,
            "country_code": CODES,
            "state": "'ENABLED'",
            "number_of_orders": "5",
            "amount_spent": "500.00",
            "amount_spent_currency": "'EUR'",
            "locale": "'fr'",
            "tags": "'[]'",
            "verified_email": "true",
            "created_at": CREATED,
            "updated_at": CHANGED,
        },
        versioned=20,
    ),
    "shopify.orders": Recipe(
        5,
        {
            "name": "'#' || i",
            "customer_id": "cast(1000000 + c as text)",
            "email": EMAIL,
            "currency_code": "case when i % 20 = 0 then 'USD' else 'EUR' end",
            "total_price": AMOUNT,
            "subtotal_price": AMOUNT,
            "total_tax": f"{AMOUNT} / 5",
            "total_shipping": "4.90",
            "total_discounts": "0",
            "total_refunded": f"case when i % 30 = 0 then {AMOUNT} else 0 end",
            "financial_status": "case when i % 30 = 0 then 'REFUNDED' else 'PAID' end",
            "fulfillment_status": "case v when 0 then 'UNFULFILLED' else 'FULFILLED' end",
            "source_name": "'web'",
            "line_items": (
                f"cast(case when i % 2 = 0 then json_array({_ONE_LINE})"
                f" else json_array({_TWO_LINES}) end as text)"
            ),
            "refunds": (
                "case when i % 30 = 0 then cast(json_array(json_object('id', cast(i as text),"
                f" 'createdAt', strftime({CHANGED}, '%Y-%m-%dT%H:%M:%SZ'), 'amount',"
                f" cast({AMOUNT} as text), 'currencyCode', 'EUR')) as text) else '[]' end"
            ),
            "created_at": CREATED,
            "processed_at": CREATED,
            "updated_at": CHANGED,
            "cancelled_at": f"case when i % 40 = 0 then {CHANGED} end",
        },
        record_id="cast(5000000000 + i as text)",
        customer=of_chance(1),
    ),
    "shopify.products": Recipe(
        0.01,
        {
            "title": "'Product ' || i",
            "handle": "'product-' || i",
            "vendor": "'Vendor ' || i % 50",
            "product_type": "'Type ' || i % 20",
            "status": "'ACTIVE'",
            "variants": (
                "cast(json_array(json_object('id', '1', 'price', (5 + i % 90) || '.50'),"
                " json_object('id', '2', 'price', (7 + i % 90) || '.50')) as text)"
            ),
            "created_at": CREATED,
            "updated_at": CHANGED,
        },
        changes=False,
    ),
    "shopify.abandoned_checkouts": Recipe(
        0.3,
        {
            "name": "'#C' || i",
            "customer_id": "cast(1000000 + c as text)",
            "currency_code": "'EUR'",
            "total_price": AMOUNT,
            "subtotal_price": AMOUNT,
            "line_items": f"cast(json_array({_ONE_LINE}) as text)",
            "created_at": CREATED,
            "completed_at": f"case when i % 5 = 0 then {CHANGED} end",
            "updated_at": CHANGED,
        },
        customer=of_chance(6),
    ),
    "shopify.subscription_contracts": Recipe(
        0.05,
        {
            "customer_id": "cast(1000000 + c as text)",
            "status": "['ACTIVE', 'PAUSED', 'CANCELLED'][i % 3 + 1]",
            "currency_code": "'EUR'",
            "recurring_amount": AMOUNT,
            "billing_interval": "'MONTH'",
            "billing_interval_count": "1",
            "next_billing_at": f"{CHANGED} + interval 30 days",
            "lines": "'[]'",
            "created_at": CREATED,
            "updated_at": CHANGED,
        },
        customer=of_chance(7),
    ),
}
