"""What the fields of a customer answer."""

from typing import Any

from sandbox.shopify.fields import choice, column, identity, part, slice_page, time
from sandbox.shopify.records import Connection, Record, gid, money
from sandbox.shopify.runtime import Resolver, Runtime

EMAIL_STATES = frozenset("INVALID NOT_SUBSCRIBED PENDING SUBSCRIBED UNSUBSCRIBED".split())
ALL_STATES = EMAIL_STATES | {"REDACTED"}
SMS_STATES = ALL_STATES - {"INVALID"}
OPT_IN_LEVELS = frozenset("CONFIRMED_OPT_IN SINGLE_OPT_IN UNKNOWN".split())
CUSTOMER_STATES = frozenset("DECLINED DISABLED ENABLED INVITED".split())


def _name(source: Record, _args: Any = None, _runtime: Any = None) -> str:
    document = source.document
    full = f"{document.get('first_name') or ''} {document.get('last_name') or ''}".strip()
    return full or str(document.get("email") or document.get("phone") or "")


def _customer_orders(source: Record, args: dict[str, Any], runtime: Runtime) -> Connection:
    world = runtime.context.world
    found = world.find("shopify.orders", "customer_id", source.id)
    table = world.tables["shopify.orders"]
    return slice_page([Record("Order", number, table[number]) for number in found], args, runtime)


CUSTOMER: dict[str, Resolver] = identity("Customer") | {
    "firstName": column("first_name"),
    "lastName": column("last_name"),
    "displayName": _name,
    "email": column("email"),
    "phone": column("phone"),
    "note": column("note"),
    "defaultEmailAddress": part("email"),
    "defaultPhoneNumber": part("phone"),
    "emailMarketingConsent": part("email"),
    "smsMarketingConsent": part("phone"),
    "defaultAddress": part("address1", "city", "zip", "country_code"),
    "state": choice("state", CUSTOMER_STATES, "DISABLED"),
    "numberOfOrders": lambda s, _a, _r: str(s.document.get("number_of_orders") or 0),
    "amountSpent": lambda s, _a, _r: (
        money(s.document.get("amount_spent")),
        s.document.get("amount_spent_currency") or "EUR",
    ),
    "locale": column("locale", "en"),
    "tags": column("tags", []),
    "taxExempt": column("tax_exempt", False),
    "validEmailAddress": lambda s, _a, _r: "@" in str(s.document.get("email") or ""),
    "verifiedEmail": column("verified_email", False),
    "orders": _customer_orders,
}
EMAIL_ADDRESS: dict[str, Resolver] = {
    "emailAddress": column("email", ""),
    "marketingOptInLevel": choice("email_marketing_opt_in_level", OPT_IN_LEVELS, None),
    "marketingState": choice("email_marketing_state", EMAIL_STATES, "INVALID"),
    "marketingUpdatedAt": time("email_marketing_updated_at"),
    "validFormat": CUSTOMER["validEmailAddress"],
}
PHONE_NUMBER: dict[str, Resolver] = {
    "phoneNumber": column("phone", ""),
    "marketingOptInLevel": choice("sms_marketing_opt_in_level", OPT_IN_LEVELS, "UNKNOWN"),
    "marketingState": choice("sms_marketing_state", SMS_STATES, "NOT_SUBSCRIBED"),
    "marketingUpdatedAt": time("sms_marketing_updated_at"),
}
ADDRESS: dict[str, Resolver] = {
    "id": lambda s, _a, _r: gid("MailingAddress", f"{s.id}?model_name=CustomerAddress"),
    "address1": column("address1"),
    "address2": column("address2"),
    "city": column("city"),
    "company": column("company"),
    "country": column("country_code"),
    "countryCode": column("country_code"),
    "countryCodeV2": lambda s, _a, r: r.country(s.document.get("country_code")),
    "firstName": column("first_name"),
    "lastName": column("last_name"),
    "name": _name,
    "phone": column("phone"),
    "province": column("province"),
    "provinceCode": column("province_code"),
    "zip": column("zip"),
}


def _consent(source_fields: dict[str, Resolver], state: Resolver) -> dict[str, Resolver]:
    return {
        "marketingState": state,
        "marketingOptInLevel": source_fields["marketingOptInLevel"],
        "consentUpdatedAt": source_fields["marketingUpdatedAt"],
    }


EMAIL_CONSENT = _consent(
    EMAIL_ADDRESS, choice("email_marketing_state", ALL_STATES, "NOT_SUBSCRIBED")
)
SMS_CONSENT = _consent(PHONE_NUMBER, PHONE_NUMBER["marketingState"])
