"""What a system's webhooks are to whoever receives them: a request, its proof and its events.

How each vendor signs is in `<system>/webhook.py`, made of the schemes in `signatures.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from orchestration_assets.errors import AccordError


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A request as it came.

    Attributes:
        method: upper case.
        url: the full address as the vendor called it, its query included, nothing decoded.
        headers: names in lower case. A header that came more than once holds all its values,
            joined by a comma and a blank, so that whoever reads it can refuse it.
        body: the raw bytes.
        received_at: when it arrived, an aware time.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class SignatureRefused(AccordError):  # noqa: N818
    """Nothing shows that the vendor sent it.

    The text says which part is wrong, never the secret or the body.
    """


class PayloadRefused(AccordError):  # noqa: N818
    """The vendor sent it, but it is not what the contract says. The text holds no values of it."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event of a request.

    Attributes:
        event_id: the same whenever the vendor sends this event again. It is made of what the vendor
            signs, as far as that tells events apart; see the connector.
        topic: the vendor's name for what happened.
        subject: whom or what it is about; events of one subject are worked off in order.
        occurred_at: the vendor's time of it, None where what it signs has none.
        body: the event's own JSON.
    """

    event_id: str
    topic: str
    subject: str
    occurred_at: datetime | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """A record that an event is about.

    Attributes:
        stream: name of its stream.
        record_id: value of the stream's `record_id`.
        record: as `Source.read` yields it, where the event holds all of it; None where the system
            has to be asked what the record is now.
    """

    stream: str
    record_id: str
    record: Mapping[str, Any] | None = None


class Webhook(Protocol):
    """The webhooks of one system. No method keeps anything or calls anybody."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        """Return when the vendor signed the request with one of the secrets.

        Args:
            request: as it came.
            secrets: more than one during a rotation; none refuses everything.

        Raises:
            SignatureRefused: it did not, or too long ago.
        """
        ...

    def events(self, request: WebhookRequest) -> list[WebhookEvent]:
        """Read the events of a request that was verified.

        Raises:
            PayloadRefused: the request is not what the vendor's contract says.
        """
        ...

    def tells(self, topic: str, body: bytes) -> Sequence[Told]:
        """Which records an event that was accepted is about; none where it says nothing to keep.

        Raises:
            PayloadRefused: the event names no record that could be one.
        """
        ...
