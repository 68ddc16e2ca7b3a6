"""HubSpot's webhooks of what changed: batches of events, signed with method, address and time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.hubspot.render import as_text
from sandbox.hubspot.schema import ObjectType, object_types
from sandbox.webhooks.message import Message, signature
from sandbox.world.model import Change

MAX_EVENTS = 100
PORTAL_ID, APP_ID = 62_515, 1_160_452
_FIRST_EVENT_ID = 3_816_279_000
_SUBSCRIPTIONS = {"creation": 1, "propertyChange": 2, "deletion": 3}
_UNTOLD = frozenset({"hs_object_id", "createdate", "hs_createdate"})


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events in one request."""

    events: list[dict[str, Any]]
    system: str = "hubspot"
    lane: str = "hubspot"

    def body(self, attempt: int) -> bytes:
        """The events, each saying which attempt this is."""
        return orjson.dumps([{**event, "attemptNumber": attempt} for event in self.events])

    def headers(self, address: str, body: bytes, secret: str) -> dict[str, str]:
        """Signature v3 of now."""
        timestamp = str(time.time_ns() // 1_000_000)
        message = b"POST" + address.encode() + body + timestamp.encode()
        return {
            "x-hubspot-signature-v3": signature(secret, message),
            "x-hubspot-request-timestamp": timestamp,
        }


class HubSpotBatches:
    """Gathers the events of what changes at one time, and sends them together.

    Args:
        send: takes each batch.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._events: list[dict[str, Any]] = []
        self._kinds = {kind.table: kind for kind in object_types().values()}
        self._made = 0

    def add(self, change: Change) -> None:
        """Tell of a change in the next batch."""
        kind = self._kinds.get(change.table)
        if kind is None or kind.is_read_only:
            return
        if not self._events:
            asyncio.get_running_loop().call_soon(self._flush)
        for name, more in _told(kind, change):
            self._events.append(self._event(kind, change, name, more))

    def drop(self) -> None:
        """Forget what was not sent yet."""
        self._events = []

    def _event(
        self, kind: ObjectType, change: Change, name: str, more: dict[str, Any]
    ) -> dict[str, Any]:
        self._made += 1
        return {
            "eventId": _FIRST_EVENT_ID + self._made,
            "subscriptionId": _SUBSCRIPTIONS[name],
            "portalId": PORTAL_ID,
            "appId": APP_ID,
            "occurredAt": int(change.after["updated_at"].timestamp() * 1000),
            "subscriptionType": f"{kind.singular.lower()}.{name}",
            "objectId": int(change.record_id),
            "changeSource": "CRM",
            **more,
        }

    def _flush(self) -> None:
        events, self._events = self._events, []
        for start in range(0, len(events), MAX_EVENTS):
            self._send(Batch(events[start : start + MAX_EVENTS]))


def _told(kind: ObjectType, change: Change) -> list[tuple[str, dict[str, Any]]]:
    before, after = change.before, change.after
    if not before:
        return [("creation", {"changeFlag": "CREATED"})]
    if after["archived_at"] is not None:
        is_new = before["archived_at"] is None
        return [("deletion", {"changeFlag": "DELETED"})] if is_new else []
    return [
        ("propertyChange", {"propertyName": name, "propertyValue": as_text(after.get(name)) or ""})
        for name in kind.properties
        if name not in _UNTOLD and before.get(name) != after.get(name)
    ]
