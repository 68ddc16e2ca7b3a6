"""Shopify's webhooks: HMAC over the raw body, the topic in a header, one event a request.

Shopify signs the body and nothing else, not even a time. What stands in a header could have been
put there by whoever got hold of one request, so that

* an event's id is a hash of topic and body, not `X-Shopify-Event-Id` or `X-Shopify-Webhook-Id`: the
  request sent again under a new id is the event that is known already. Two deliveries of the same
  topic with the same bytes, time of change included, say the same;
* a payload without a time of its own (a deletion, a consent that was never given) could be a second
  event with the same bytes, so its id takes the header's in. Sent again under other headers it is
  taken again, which only repeats a restriction. A consent that is given without a time is told by
  its bytes alone: a second one may be lost until the next reading, an old one never comes back;
* the body must be what its topic sends: an old update is no deletion.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from orchestration_assets.connectors.kit.signatures import BodySignature, one_header
from orchestration_assets.connectors.kit.webhook_json import identifier, iso_time, parse, refused
from orchestration_assets.connectors.kit.webhooks import (
    SignatureRefused,
    Told,
    WebhookEvent,
    WebhookRequest,
)
from orchestration_assets.connectors.shopify.webhook_records import checkout_record

# The second of each is what the newer Events deliveries name it.
_SIGNATURE = BodySignature(("x-shopify-hmac-sha256", "shopify-hmac-sha256"))
_TOPIC = ("x-shopify-topic", "shopify-topic")
_EVENT_IDS = (
    ("x-shopify-event-id", "shopify-event-id"),
    ("x-shopify-webhook-id", "shopify-webhook-id"),
)
_GRANTED = "subscribed"


@dataclass(frozen=True, slots=True)
class _Topic:
    """What a topic's payload looks like.

    Attributes:
        keys: where the object is named; the first that holds a value counts.
        kind: of the object in `admin_graphql_api_id`, empty where it has none.
        time: its own time of the change, dotted; empty where it has none.
        needs: members that must hold a value.
        consent: member that holds a consent.
        stream: that the object is a record of; empty where it is of none.
    """

    keys: tuple[str, ...] = ("id",)
    kind: str = ""
    time: str = "updated_at"
    needs: tuple[str, ...] = ("updated_at",)
    consent: str = ""
    stream: str = ""


def _consent(member: str) -> _Topic:
    keys, time = ("customer_id", "id"), f"{member}.consent_updated_at"
    return _Topic(keys, "Customer", time, (member,), member, "customers")


_ORDER = _Topic(kind="Order", stream="orders")
_CUSTOMER = _Topic(kind="Customer", stream="customers")
_CHECKOUT = _Topic(keys=("token",), stream="abandoned_checkouts")
TOPICS: Mapping[str, _Topic] = {
    "orders/create": _ORDER,
    "orders/updated": _ORDER,
    "orders/cancelled": replace(_ORDER, needs=("updated_at", "cancelled_at")),
    "customers/create": _CUSTOMER,
    "customers/update": _CUSTOMER,
    "customers/delete": replace(_CUSTOMER, time="", needs=()),
    "customers_email_marketing_consent/update": _consent("email_marketing_consent"),
    "customers_marketing_consent/update": _consent("sms_marketing_consent"),
    "checkouts/create": _CHECKOUT,
    "checkouts/update": _CHECKOUT,
    # A cart names no customer; what becomes of it comes as a checkout.
    "carts/update": _Topic(keys=("token", "id")),
    "products/update": _Topic(kind="Product", stream="products"),
    # In order with the other refunds of its order: the payload does not name the customer.
    "refunds/create": _Topic(
        ("order_id",), "Refund", "created_at", ("id", "created_at"), stream="orders"
    ),
}


class ShopifyWebhook:
    """Shopify's webhooks, as `Webhook` says."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """See `Webhook.verify`; the secret is the app's client secret. Shopify signs no time."""
        _SIGNATURE.verify(request, secrets)

    def events(self, request: WebhookRequest) -> list[WebhookEvent]:
        """Read the one event; its subject is the customer, else the object itself."""
        name = _header(request.headers, _TOPIC)
        topic = TOPICS.get(name)
        if topic is None:
            raise refused("X-Shopify-Topic is missing, or names a topic that is not taken here.")
        payload = parse(request.body)
        if not isinstance(payload, dict):
            raise refused(f"The payload of {name} is no object.")
        own_id = next(filter(None, (identifier(payload.get(key)) for key in topic.keys)), "")
        if not own_id:
            raise refused(f"The payload of {name} has no {topic.keys[0]}.")
        _check(name, topic, payload)
        occurred_at = _time(topic, payload)
        customer = payload.get("customer")
        customer_id = identifier(customer.get("id")) if isinstance(customer, dict) else ""
        return [
            WebhookEvent(
                event_id=_event_id(name, topic, request, payload, occurred_at),
                topic=name,
                subject=customer_id or own_id,
                occurred_at=occurred_at,
                body=request.body,
            )
        ]

    def tells(self, topic: str, body: bytes) -> Sequence[Told]:
        """See `Webhook.tells`. A checkout comes whole; all else is asked for."""
        known, payload = TOPICS.get(topic), parse(body)
        if known is None or not isinstance(payload, dict):
            raise refused("The event is of no topic that is taken here.")
        if not known.stream:
            return ()
        if known is _CHECKOUT:
            record = checkout_record(payload)
            return (Told(known.stream, record["legacyResourceId"], record),)
        own_id = next(filter(None, (identifier(payload.get(key)) for key in known.keys)), "")
        return (Told(known.stream, own_id),)


def _check(name: str, topic: _Topic, payload: Mapping[str, Any]) -> None:
    for needed in topic.needs:
        if payload.get(needed) is None:
            raise refused(f"The payload of {name} has no {needed}.")
    if topic.consent and not isinstance(payload[topic.consent], dict):
        raise refused(f"{topic.consent} is no object.")
    if not topic.needs and payload.get("updated_at") is not None:
        raise refused(f"The payload of {name} is that of an object which lives.")
    gid = payload.get("admin_graphql_api_id")
    if topic.kind and gid is not None and not _is_of(topic.kind, gid):
        raise refused(f"The payload of {name} is not of a {topic.kind}.")


def _is_of(kind: str, gid: object) -> bool:
    return isinstance(gid, str) and gid.startswith(f"gid://shopify/{kind}/")


def _time(topic: _Topic, payload: Mapping[str, Any]) -> datetime | None:
    if not topic.time:
        return None
    value: Any = payload
    for step in topic.time.split("."):
        value = value.get(step)
    return iso_time(value, topic.time)


def _event_id(
    name: str,
    topic: _Topic,
    request: WebhookRequest,
    payload: Mapping[str, Any],
    occurred_at: datetime | None,
) -> str:
    said = hashlib.sha256(name.encode() + b"\n" + request.body)
    is_grant = bool(topic.consent) and payload[topic.consent].get("state") == _GRANTED
    if occurred_at is None and not is_grant:
        found = (_header(request.headers, names) for names in _EVENT_IDS)
        said.update(b"\n" + next(filter(None, found), "").encode())
    return said.hexdigest()


def _header(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Value of a header, empty where there is none or not one."""
    try:
        return one_header(headers, *names)
    except SignatureRefused:
        return ""
