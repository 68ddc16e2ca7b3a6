"""What the records of each stream look like, as SQL over a record's number and its version.

Names in the expressions: `i` numbers the records of a stream, `c` is the customer it is about, `v`
its version (0 and 1 come with the first load, 2 with the change), `products` their number. `hash`
stands for chance, so the same numbers give the same records. A column of a contract that is not
named here is null, and a stream that is not named here is empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_AT = "timestamptz '2025-01-01 00:00:00+00' + to_seconds"
_CREATED = f"{_AT}(i % 15000000)"
_CHANGED = f"{_AT}(i % 15000000 + v * 864000)"
_COUNTRIES = "['France', 'DE', 'germany', 'Italia', 'ES', 'Belgium', 'CH', 'nowhere'][c % 8 + 1]"
_CODES = "['FR', 'DE', 'IT', 'ES', 'BE', 'CH', 'NL', 'GB'][c % 8 + 1]"
_EMAIL = "'first' || c % 5003 || '.last' || c % 20011 || '.' || c || '@example.com'"
_PHONE = "'+336' || lpad(cast(c % 100000000 as text), 8, '0')"
_PERSON = {
    "city": "'City ' || (c + v) % 499",
    "zip": "lpad(cast((c + v) % 95000 as text), 5, '0')",
}


@dataclass(frozen=True)
class Recipe:
    """How to make the records of one stream.

    Attributes:
        share: records for each customer.
        columns: column of the contract to its SQL; the rest is null.
        record_id: SQL of the vendor's identifier.
        customer: SQL of the number of the customer; `{n}` is the number of customers.
        having: condition on `c` that leaves records out.
        versioned: each record of this rank has two versions in the first load.
        changes: whether a change of a customer brings new versions of these records.
    """

    share: float
    columns: Mapping[str, str]
    record_id: str = "cast(1000000 + i as text)"
    customer: str = "i"
    having: str = "true"
    versioned: int = 5
    changes: bool = True
    source_at: str = field(default=_CHANGED)


_OF_CHANCE = "cast(hash(i, {seed}) % {{n}} as bigint)"
_AMOUNT = "cast(1000 + hash(i) % 40000 as decimal(18, 2)) / 100"
_LINE = (
    "json_object('id', cast(2 * i + {k} as text), 'title', 'A thing of use', 'quantity', 1 + i % 3,"
    " 'sku', 'SKU-' || hash(i, {k}) % products,"
    " 'productId', cast(1000000 + hash(i, {k}) % products as text), 'variantId', '7' || i,"
    " 'unitPrice', (5 + i % 90) || '.50', 'discountedTotal', (4 + i % 90) || '.00')"
)
_ONE_LINE, _TWO_LINES = _LINE.format(k=0), f"{_LINE.format(k=0)}, {_LINE.format(k=1)}"


def _history(property_name: str, value: str, source_type: str) -> str:
    return (
        f"'{property_name}', json_array(json_object('value', {value}, 'timestamp',"
        f" '2025-06-01T08:00:00Z', 'sourceType', '{source_type}'))"
    )


RECIPES: Mapping[str, Recipe] = {
    "hubspot.contacts": Recipe(
        1,
        {
            "email": _EMAIL,
            "firstname": "'First' || c % 5003",
            "lastname": "case when c % 11 > 0 then 'Last' || c % 20011 end",
            "phone": f"case when c % 3 > 0 then {_PHONE} end",
            "company": "'Company ' || c % 3001",
            "jobtitle": "'Buyer'",
            "address": "'1 rue des Lilas'",
            **_PERSON,
            "country": _COUNTRIES,
            "lifecyclestage": "['lead', 'opportunity', 'customer'][c % 3 + 1]",
            "hs_email_optout": "c % 9 = 0",
            "hs_legal_basis": "case when c % 2 = 0 then 'Performance of a contract' end",
            "associatedcompanyid": "cast(1000000 + c % 3001 as text)",
            "createdate": _CREATED,
            "lastmodifieddate": _CHANGED,
            "properties_with_history": "cast(json_object({}, {}, {}) as text)".format(
                _history("hs_email_optout", "cast(c % 9 = 0 as text)", "FORM"),
                _history("hs_legal_basis", "'Performance of a contract'", "IMPORT"),
                _history("lifecyclestage", "'customer'", "CRM_UI"),
            ),
        },
        having="c % 10 < 6",
        versioned=20,
    ),
    "shopify.customers": Recipe(
        1,
        {
            "first_name": "'First' || c % 5003",
            "last_name": "'Last' || c % 20011",
            "email": _EMAIL,
            "phone": f"case when c % 2 = 0 then {_PHONE} end",
            "email_marketing_state": "['SUBSCRIBED', 'UNSUBSCRIBED', 'NOT_SUBSCRIBED'][c % 3 + 1]",
            "email_marketing_updated_at": _CREATED,
            "sms_marketing_state": "['SUBSCRIBED', 'NOT_SUBSCRIBED'][c % 2 + 1]",
            "address1": "'1 rue des Lilas'",
            **_PERSON,
            "country_code": _CODES,
            "state": "'ENABLED'",
            "number_of_orders": "5",
            "amount_spent": "500.00",
            "amount_spent_currency": "'EUR'",
            "locale": "'fr'",
            "tags": "'[]'",
            "verified_email": "true",
            "created_at": _CREATED,
            "updated_at": _CHANGED,
        },
        versioned=20,
    ),
    "klaviyo.profiles": Recipe(
        1,
        {
            "email": _EMAIL,
            "phone_number": f"case when c % 2 = 1 then {_PHONE} end",
            "external_id": "cast(1000000 + c as text)",
            "first_name": "'First' || c % 5003",
            "last_name": "'Last' || c % 20011",
            **_PERSON,
            "country": _COUNTRIES,
            "email_consent": "['SUBSCRIBED', 'NEVER_SUBSCRIBED', 'UNSUBSCRIBED'][c % 3 + 1]",
            "email_consent_at": _CREATED,
            "email_suppressed": (
                "case when c % 50 = 0 then cast(json_array(json_object('reason', 'HARD_BOUNCE',"
                " 'timestamp', '2026-01-02T08:00:00Z')) as text) else '[]' end"
            ),
            "sms_consent": "'NEVER_SUBSCRIBED'",
            "properties": "'{}'",
            "created": _CREATED,
            "updated": _CHANGED,
            "last_event_date": _CREATED,
        },
        record_id="'01' || lpad(cast(i as text), 10, '0')",
        having="c % 10 > 1",
        versioned=20,
    ),
    "shopify.orders": Recipe(
        5,
        {
            "name": "'#' || i",
            "customer_id": "cast(1000000 + c as text)",
            "email": _EMAIL,
            "currency_code": "case when i % 20 = 0 then 'USD' else 'EUR' end",
            "total_price": _AMOUNT,
            "subtotal_price": _AMOUNT,
            "total_tax": f"{_AMOUNT} / 5",
            "total_shipping": "4.90",
            "total_discounts": "0",
            "total_refunded": f"case when i % 30 = 0 then {_AMOUNT} else 0 end",
            "financial_status": "case when i % 30 = 0 then 'REFUNDED' else 'PAID' end",
            "fulfillment_status": "case v when 0 then 'UNFULFILLED' else 'FULFILLED' end",
            "source_name": "'web'",
            "line_items": (
                f"cast(case when i % 2 = 0 then json_array({_ONE_LINE})"
                f" else json_array({_TWO_LINES}) end as text)"
            ),
            "created_at": _CREATED,
            "processed_at": _CREATED,
            "updated_at": _CHANGED,
            "cancelled_at": f"case when i % 40 = 0 then {_CHANGED} end",
        },
        record_id="cast(5000000000 + i as text)",
        customer=_OF_CHANCE.format(seed=1),
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
            "created_at": _CREATED,
            "updated_at": _CHANGED,
        },
        changes=False,
    ),
    "klaviyo.events": Recipe(
        3,
        {
            "profile_id": "'01' || lpad(cast(c as text), 10, '0')",
            "metric_id": "'M' || i % 5",
            "metric_name": (
                "['Received Email', 'Opened Email', 'Placed Order', 'Active on Site',"
                " 'Clicked SMS'][i % 5 + 1]"
            ),
            "datetime": _CREATED,
            "event_properties": (
                "cast(json_object('Subject', 'News of the week ' || i % 100, '$value', i % 90)"
                " as text)"
            ),
        },
        record_id="'E' || i",
        customer=_OF_CHANCE.format(seed=2),
        having="c % 10 > 1",
        versioned=1_000_000_000,
        source_at=_CREATED,
    ),
    "klaviyo.lists": Recipe(
        0.00002, {"name": "'List ' || i", "created": _CREATED, "updated": _CHANGED}, changes=False
    ),
    "hubspot.companies": Recipe(
        0.01,
        {
            "name": "'Company ' || i",
            "domain": "'company' || i || '.example'",
            "industry": "'RETAIL'",
            "city": "'City ' || i % 499",
            "country": "'France'",
            "numberofemployees": "i % 500",
            "annualrevenue": "1000000.00",
            "createdate": _CREATED,
            "hs_lastmodifieddate": _CHANGED,
        },
        changes=False,
    ),
    "hubspot.deals": Recipe(
        0.05,
        {
            "dealname": "'Deal ' || i",
            "amount": _AMOUNT,
            "deal_currency_code": "'EUR'",
            "dealstage": "'closedwon'",
            "pipeline": "'default'",
            "closedate": _CHANGED,
            "createdate": _CREATED,
            "hs_lastmodifieddate": _CHANGED,
            "associations": "'{}'",
        },
        customer=_OF_CHANCE.format(seed=3),
    ),
}
