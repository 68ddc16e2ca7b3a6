"""What the schema answers: `RESOLVERS[type][field]` is `resolve(source, arguments, runtime)`.

Values come back in the form in which they are written to JSON; enumerations are limited to what the
vendor's schema has.
"""

import re
from typing import Any

from graphql import GraphQLError

from sandbox.shopify import bulk_fields, deletions
from sandbox.shopify.cart_fields import (
    ABANDONED_CHECKOUT,
    ABANDONED_CHECKOUT_LINE_ITEM,
    SUBSCRIPTION_BILLING_POLICY,
    SUBSCRIPTION_CONTRACT,
    SUBSCRIPTION_LINE,
)
from sandbox.shopify.customer_fields import (
    ADDRESS,
    CUSTOMER,
    EMAIL_ADDRESS,
    EMAIL_CONSENT,
    PHONE_NUMBER,
    SMS_CONSENT,
)
from sandbox.shopify.fields import MONEY, constant
from sandbox.shopify.listing import list_records
from sandbox.shopify.order_fields import LINE_ITEM, ORDER, PRODUCT, REFUND, VARIANT
from sandbox.shopify.records import TABLES, Connection, Record, find_record
from sandbox.shopify.runtime import Resolver, Runtime

MAX_INPUT_SIZE = 250
# Numbers of the vendor's are 64 bits wide.
GLOBAL_ID = re.compile(r"gid://shopify/[A-Za-z]+/\d{1,19}(\?.*)?")


def _records(kind: str) -> dict[str, Resolver]:
    name = kind[0].lower() + kind[1:]

    def one(_source: Any, args: dict[str, Any], runtime: Runtime) -> Record | None:
        return find_record(runtime.context.world, kind, args["id"])

    def many(_source: Any, args: dict[str, Any], runtime: Runtime) -> Connection:
        page = list_records(runtime.context.world, kind, args, whole=runtime.whole)
        if page.warnings:
            runtime.warnings.append(
                {"path": [f"{name}s"], "query": args["query"], "warnings": page.warnings}
            )
        return page

    return {name: one, f"{name}s": many}


def _by_identifier(_source: Any, args: dict[str, Any], runtime: Runtime) -> Record | None:
    world, wanted = runtime.context.world, args["identifier"]
    if "id" in wanted:
        return find_record(world, "Customer", wanted["id"])
    field = "email" if "emailAddress" in wanted else "phone"
    found = world.find("shopify.customers", field, next(iter(wanted.values())))
    return find_record(world, "Customer", found[0]) if found else None


def _node(_source: Any, args: dict[str, Any], runtime: Runtime) -> Any:
    kind = args["id"].removeprefix("gid://shopify/").split("/", 1)[0]
    if kind == "BulkOperation":
        return runtime.bulk.get(args["id"])
    return find_record(runtime.context.world, kind, args["id"]) if kind in TABLES else None


def _nodes(_source: Any, args: dict[str, Any], runtime: Runtime) -> list[Any]:
    """One answer an identifier, in order: null where there is no such object any more."""
    ids = args["ids"]
    if len(ids) > MAX_INPUT_SIZE:
        raise GraphQLError(
            f"The input array size of {len(ids)} is greater than the maximum allowed of "
            f"{MAX_INPUT_SIZE}.",
            extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"},
        )
    for number in ids:
        if not GLOBAL_ID.fullmatch(number):
            raise GraphQLError(
                f"Variable $ids of type [ID!]! was provided invalid value (Invalid global id "
                f"'{number}')",
                extensions={"code": "INVALID_VARIABLE"},
            )
    return [_node(None, {"id": number}, runtime) for number in ids]


QUERY: dict[str, Resolver] = {
    "node": _node,
    "nodes": _nodes,
    "customerByIdentifier": _by_identifier,
    "events": deletions.list_events,
    "deletionEvents": deletions.list_deletion_events,
    "shop": constant({}),
    **_records("Customer"),
    **_records("Order"),
    **_records("Product"),
    **_records("AbandonedCheckout"),
    **_records("SubscriptionContract"),
    **bulk_fields.QUERY,
}
SHOP: dict[str, Resolver] = {
    "id": constant("gid://shopify/Shop/1"),
    "name": constant("Accord Sandbox"),
    "email": constant("shop@example.com"),
    "myshopifyDomain": constant("accord-sandbox.myshopify.com"),
    "currencyCode": constant("EUR"),
    "ianaTimezone": constant("Etc/UTC"),
    "createdAt": constant("2020-01-01T00:00:00Z"),
}
PAGE_INFO: dict[str, Resolver] = {
    "endCursor": lambda s, _a, _r: s.end_cursor,
    "startCursor": lambda s, _a, _r: s.start_cursor,
    "hasNextPage": lambda s, _a, _r: s.has_next,
    "hasPreviousPage": lambda s, _a, _r: s.has_previous,
}
CONNECTION: dict[str, Resolver] = {
    "nodes": lambda s, _a, _r: s.nodes,
    "edges": lambda s, _a, _r: list(zip(s.cursors, s.nodes, strict=True)),
    "pageInfo": lambda s, _a, _r: s.page_info,
}
EDGE: dict[str, Resolver] = {
    "cursor": lambda s, _a, _r: s[0],
    "node": lambda s, _a, _r: s[1],
}

RESOLVERS: dict[str, dict[str, Resolver]] = {
    "QueryRoot": QUERY,
    "Shop": SHOP,
    "Customer": CUSTOMER,
    "CustomerEmailAddress": EMAIL_ADDRESS,
    "CustomerPhoneNumber": PHONE_NUMBER,
    "CustomerEmailMarketingConsentState": EMAIL_CONSENT,
    "CustomerSmsMarketingConsentState": SMS_CONSENT,
    "MailingAddress": ADDRESS,
    "Order": ORDER,
    "Refund": REFUND,
    "LineItem": LINE_ITEM,
    "Product": PRODUCT,
    "ProductVariant": VARIANT,
    "AbandonedCheckout": ABANDONED_CHECKOUT,
    "AbandonedCheckoutLineItem": ABANDONED_CHECKOUT_LINE_ITEM,
    "SubscriptionContract": SUBSCRIPTION_CONTRACT,
    "SubscriptionBillingPolicy": SUBSCRIPTION_BILLING_POLICY,
    "SubscriptionLine": SUBSCRIPTION_LINE,
    "PageInfo": PAGE_INFO,
    "BasicEvent": deletions.EVENT,
    "DeletionEvent": deletions.DELETION_EVENT,
    "BulkOperation": bulk_fields.BULK_OPERATION,
    **MONEY,
    **{
        f"{kind}{suffix}": table
        for kind in (
            "Customer Order Product ProductVariant LineItem AbandonedCheckout "
            "AbandonedCheckoutLineItem SubscriptionContract SubscriptionLine Event DeletionEvent "
            "BulkOperation"
        ).split()
        for suffix, table in (("Connection", CONNECTION), ("Edge", EDGE))
    },
}
