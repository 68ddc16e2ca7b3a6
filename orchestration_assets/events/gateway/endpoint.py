"""What both ways in share: limits, acceptance on disk, and how a refusal is told and counted."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from orchestration_assets.errors import AccordError, RetriableError
from orchestration_assets.events.gateway.bodies import GoneError, check_depth, read_body
from orchestration_assets.events.gateway.metrics import Metrics
from orchestration_assets.events.gateway.rates import Rates
from orchestration_assets.events.gateway.refusals import RefusalError, reply
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.insertion import Accepted, NewEvent
from orchestration_assets.state.quarantine import Rejected

_log = structlog.get_logger(__name__)
_RETRY_AFTER_S = 2.0
_TELL_EVERY_S = 60.0
Hold = Callable[[str, str, Sequence[Rejected]], object]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request and one key may take up.

    Attributes:
        body_bytes: of one request.
        body_patience_s: seconds within which a body must have arrived.
        depth: levels of JSON.
        batch: events of one request.
        events_per_s: of one key.
    """

    body_bytes: int = 1_048_576
    body_patience_s: float = 10.0
    depth: int = 32
    batch: int = 500
    events_per_s: float = 5_000.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body has arrived; header names are lower case."""

    scope: Scope
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class Endpoint(ABC):
    """An ASGI application for one route that takes events. Subclasses say what they make of one.

    Args:
        inbox: where events are put.
        hold: keeps refused events in quarantine: system, stream, records.
        limits: of each request and key.
        metrics: counts.
    """

    def __init__(self, inbox: Inbox, hold: Hold, limits: Limits, metrics: Metrics) -> None:
        self._inbox = inbox
        self._hold = hold
        self._metrics = metrics
        self._rates = Rates(limits.events_per_s)
        self._told: dict[tuple[str, str], float] = {}
        self.limits = limits

    @abstractmethod
    def source(self, scope: Scope) -> str:
        """Name of the sender's system for metrics; one of few.

        Raises:
            RefusalError: there is none of that name.
        """

    @abstractmethod
    async def answer(self, source: str, request: Request) -> tuple[int, Any]:
        """Take the events of a request; return status and content of the reply.

        Raises:
            RefusalError: nothing of it is taken.
        """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        source = "unknown"
        try:
            source = self.source(scope)
            status, content = await self.answer(source, await self._request(scope, receive))
            headers: Sequence[tuple[bytes, bytes]] = ()
        except GoneError:
            self._metrics.refused(source, "gone")
            return
        except RefusalError as refusal:
            self._metrics.refused(source, refusal.reason)
            self._tell(source, refusal.reason)
            status, content, headers = refusal.status, refusal.content, refusal.headers
        except Exception as error:
            self._metrics.refused(source, "internal")
            _log.error("a request failed", source=source, error=type(error).__name__)
            content = {"error": {"code": "internal", "message": "Send it again."}}
            status, headers = 500, ()
        await reply(send, status, content, headers)
        self._metrics.answered(source, time.perf_counter() - began)

    def _tell(self, source: str, reason: str) -> None:
        """Log a kind of refusal once a minute: whoever floods the gateway does not fill the log."""
        now = time.monotonic()
        if now - self._told.get((source, reason), -_TELL_EVERY_S) >= _TELL_EVERY_S:
            self._told[source, reason] = now
            _log.info("refused requests", source=source, reason=reason)

    async def _request(self, scope: Scope, receive: Receive) -> Request:
        received_at = datetime.now(UTC)
        body = await read_body(
            scope, receive, limit=self.limits.body_bytes, patience_s=self.limits.body_patience_s
        )
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            # Said twice is not said: whoever reads it sees both, and neither is taken for the one.
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Request(scope, headers, body, received_at)

    def check_depth(self, request: Request) -> None:
        """Refuse JSON that is nested too deep."""
        check_depth(request.body, self.limits.depth)

    def check_amount(self, key: str, events: int) -> None:
        """Refuse too large a batch, or more events than a key may send.

        Raises:
            RefusalError: 413 or 429.
        """
        if events > self.limits.batch:
            raise RefusalError(
                413,
                "batch_too_large",
                f"A request may hold {self.limits.batch} events: send fewer at once.",
            )
        self._rates.take(key, events)

    async def accept(self, source: str, events: Sequence[NewEvent]) -> list[Accepted]:
        """Put events on disk; when this returns they are there.

        Raises:
            RefusalError: 503 when the store cannot take them now, 422 when it never will.
        """
        if not events:
            return []
        try:
            accepted = await self._inbox.submit_in_loop(events)
        except RetriableError as error:
            raise _unwritable(error.retry_after) from None
        except AccordError as error:
            raise RefusalError(422, "unstorable", error.message) from None
        duplicates = sum(one.is_duplicate for one in accepted)
        self._metrics.accepted(source, len(accepted) - duplicates, duplicates)
        return accepted

    async def quarantine(self, source: str, stream: str, records: Sequence[Rejected]) -> None:
        """Keep what a known sender sent and a contract refuses; its headers stay out.

        Raises:
            RefusalError: 503 when it cannot be kept, so that the sender sends it again.
        """
        try:
            await asyncio.to_thread(self._hold, source, stream, records)
        except Exception as error:
            _log.error("the quarantine cannot be written", error=type(error).__name__)
            raise _unwritable(None) from None


def _unwritable(retry_after: float | None) -> RefusalError:
    return RefusalError(
        503,
        "not_writable",
        "Nothing was kept: send it again after the time in Retry-After.",
        retry_after=retry_after or _RETRY_AFTER_S,
    )
