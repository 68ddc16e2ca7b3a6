"""Shopify's webhooks of what changed: the topic in a header, HMAC over the body alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from sandbox.shopify import webhook_payloads as payloads
from sandbox.shopify.records import iso
from sandbox.webhooks.message import signature
from sandbox.world.model import Change, World

SHOP = "accord-sandbox.myshopify.com"
API_VERSION = "2026-07"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of one topic; attempts share body and identifiers."""

    topic: str
    content: bytes
    lane: str
    event_id: str
    triggered_at: str
    system: str = "shopify"
    webhook_id: str = field(default_factory=lambda: str(uuid4()))

    def body(self, attempt: int) -> bytes:
        """The same bytes at every attempt."""
        return self.content

    def headers(self, address: str, body: bytes, secret: str) -> dict[str, str]:
        """What Shopify sends; only the body is signed."""
        return {
            "x-shopify-topic": self.topic,
            "x-shopify-hmac-sha256": signature(secret, body),
            "x-shopify-shop-domain": SHOP,
            "x-shopify-api-version": API_VERSION,
            "x-shopify-webhook-id": self.webhook_id,
            "x-shopify-event-id": self.event_id,
            "x-shopify-triggered-at": self.triggered_at,
        }


def messages_of(world: World, change: Change) -> Iterator[Notice]:
    """The messages that one change brings about; those of one change share their event's id."""
    event_id, at = str(uuid4()), iso(change.after["updated_at"]) or ""
    lane = str(change.after.get("customer_id") or change.record_id)
    for topic, payload in _told(world, change):
        yield Notice(topic, orjson.dumps(payload), lane, event_id, at)


def _told(world: World, change: Change) -> Iterator[tuple[str, dict[str, Any]]]:
    match change.table:
        case "shopify.customers":
            yield from _of_customer(change)
        case "shopify.orders":
            yield from _of_order(world, change)
        case "shopify.abandoned_checkouts":
            yield from _of_checkout(world, change)
        case "shopify.products" if change.before and change.after["archived_at"] is None:
            yield "products/update", payloads.product(change.record_id, change.after)
        case _:
            pass


def _of_customer(change: Change) -> Iterator[tuple[str, dict[str, Any]]]:
    before, after = change.before, change.after
    if after["archived_at"] is not None:
        if before.get("archived_at") is None:
            yield "customers/delete", payloads.deleted_customer(change.record_id)
        return
    topic = "customers/update" if before else "customers/create"
    yield topic, payloads.customer(change.record_id, after) | {"addresses": []}
    for channel, told in (
        ("email", "customers_email_marketing_consent/update"),
        ("sms", "customers_marketing_consent/update"),
    ):
        name = f"{channel}_marketing_state"
        if before and before.get(name) != after.get(name):
            yield told, payloads.consent(change.record_id, after, channel)


def _of_order(world: World, change: Change) -> Iterator[tuple[str, dict[str, Any]]]:
    before, after = change.before, change.after
    if after["archived_at"] is not None:
        return
    order = payloads.order(world, change.record_id, after)
    if not before:
        yield "orders/create", order
        return
    if after.get("cancelled_at") and not before.get("cancelled_at"):
        yield "orders/cancelled", order
    yield "orders/updated", order
    for refund in after["refunds"][len(before["refunds"]) :]:
        yield "refunds/create", payloads.refund(change.record_id, refund)


def _of_checkout(world: World, change: Change) -> Iterator[tuple[str, dict[str, Any]]]:
    before, after = change.before, change.after
    checkout = payloads.checkout(world, change.record_id, after)
    if not before:
        yield "checkouts/create", checkout
    yield "checkouts/update", checkout
    if before.get("line_items") != after["line_items"]:
        yield "carts/update", payloads.cart(change.record_id, after)
