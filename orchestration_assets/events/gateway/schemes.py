"""What a connector's webhook scheme looks like to the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A vendor's request as it came."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event of a vendor's request."""

    event_id: str
    topic: str
    subject: str
    occurred_at: datetime | None
    body: bytes


class Webhook(Protocol):
    """One system's scheme."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """Raise unless the vendor signed the request."""
        ...

    def events(self, request: WebhookRequest) -> list[WebhookEvent]:
        """Read the events of an authentic request."""
        ...
