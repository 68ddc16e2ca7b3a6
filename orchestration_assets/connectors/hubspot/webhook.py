"""HubSpot's webhooks: signature v3 over method, address, body and time; many events a request.

All that an event's id is made of is signed, by the signature over the whole request.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from orchestration_assets.connectors.kit.signatures import TimedSignature
from orchestration_assets.connectors.kit.webhook_json import (
    identifier,
    parse,
    refused,
    unix_time_ms,
)
from orchestration_assets.connectors.kit.webhooks import Told, WebhookEvent, WebhookRequest

# : / ? @ ! $ ' ( ) * , ; are signed as they are, however the address writes them; every other
# escape is signed as it is written.
_DECODED = re.compile("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
# The object is `objectId`; an association has two ends, a merge has the record that stays.
_SUBJECTS = ("objectId", "fromObjectId", "primaryObjectId")
# Stream of what a subscription is about: by its first word, or by `objectTypeId` where that word is
# `object`.
_STREAMS = {
    "contact": "contacts",
    "company": "companies",
    "deal": "deals",
    "ticket": "tickets",
    "feedback_submission": "feedback_submissions",
    "0-1": "contacts",
    "0-2": "companies",
    "0-3": "deals",
    "0-5": "tickets",
    "0-19": "feedback_submissions",
}


def signed_message(request: WebhookRequest, timestamp: str) -> bytes:
    """What HubSpot's v3 signature is made over."""
    address = _DECODED.sub(lambda found: chr(int(found[1], 16)), request.url)
    return f"{request.method}{address}".encode() + request.body + timestamp.encode()


_SIGNATURE = TimedSignature(
    "x-hubspot-signature-v3",
    "x-hubspot-request-timestamp",
    signed_message,
    ticks_per_s=1000,
)


class HubSpotWebhook:
    """HubSpot's webhooks, as `Webhook` says."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """See `Webhook.verify`; the secret is the app's client secret."""
        _SIGNATURE.verify(request, secrets)

    def events(self, request: WebhookRequest) -> list[WebhookEvent]:
        """Read each event of the batch; its subject is the object."""
        batch = parse(request.body)
        if not isinstance(batch, list):
            raise refused("The payload is no list of events.")
        return [_event(place, one) for place, one in enumerate(batch)]

    def tells(self, topic: str, body: bytes) -> Sequence[Told]:
        """See `Webhook.tells`. An event says what changed, never all of a record: it is asked for.

        Of a merge, the record that stays and those that went into it are.
        """
        one = parse(body)
        if not isinstance(one, dict):
            raise refused("The event is no object.")
        kind = topic.partition(".")[0]
        stream = _STREAMS.get(identifier(one.get("objectTypeId")) if kind == "object" else kind)
        if stream is None:
            return ()
        merged = one.get("mergedObjectIds")
        named = [one.get(name) for name in _SUBJECTS]
        named += merged if isinstance(merged, list) else []
        ids = dict.fromkeys(filter(None, map(identifier, named)))
        return [Told(stream, record_id) for record_id in ids]


def _event(place: int, one: object) -> WebhookEvent:
    where = f"Event {place} of the batch"
    if not isinstance(one, dict):
        raise refused(f"{where} is no object.")
    subject = next(filter(None, (identifier(one.get(name)) for name in _SUBJECTS)), "")
    topic = one.get("subscriptionType") or one.get("eventType")
    if not subject:
        raise refused(f"{where} has no objectId.")
    if not isinstance(topic, str):
        raise refused(f"{where} has no subscriptionType.")
    return WebhookEvent(
        event_id=_event_id(where, one),
        topic=topic,
        subject=subject,
        occurred_at=unix_time_ms(one.get("occurredAt"), f"occurredAt of event {place}"),
        body=orjson.dumps(one),
    )


def _event_id(where: str, one: Mapping[str, Any]) -> str:
    """HubSpot's eventId, which is not always unique, and a hash of what no attempt changes."""
    event_id = identifier(one.get("eventId"))
    if not event_id:
        raise refused(f"{where} has no eventId.")
    told = {name: value for name, value in one.items() if name != "attemptNumber"}
    content = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return f"{event_id}.{hashlib.sha256(content).hexdigest()[:32]}"
