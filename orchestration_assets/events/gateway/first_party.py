"""`POST /v1/events`: first-party events, one or many, each held against its type's contract."""

import hashlib
from datetime import timedelta
from typing import Any

import orjson
from starlette.types import Scope

from orchestration_assets.events.contracts import ContractError, checked
from orchestration_assets.events.gateway.endpoint import Endpoint, Hold, Limits, Request
from orchestration_assets.events.gateway.metrics import Metrics
from orchestration_assets.events.gateway.refusals import RefusalError
from orchestration_assets.events.gateway.senders import Senders
from orchestration_assets.events.gateway.vendor_webhooks import as_text
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.insertion import NewEvent
from orchestration_assets.state.quarantine import Rejected

SYSTEM = "events"
STREAM = "events"
_CLOCKS_DIFFER_BY = timedelta(minutes=5)


class FirstPartyEvents(Endpoint):
    """Takes what a team's own shop, app and services send.

    Args:
        inbox: see `Endpoint`.
        hold: see `Endpoint`.
        limits: see `Endpoint`.
        metrics: see `Endpoint`.
        senders: who may send.
    """

    def __init__(
        self, inbox: Inbox, hold: Hold, limits: Limits, metrics: Metrics, *, senders: Senders
    ) -> None:
        super().__init__(inbox, hold, limits, metrics)
        self._senders = senders

    def source(self, scope: Scope) -> str:
        """All of them are one source."""
        return SYSTEM

    async def answer(self, source: str, request: Request) -> tuple[int, Any]:
        """Take one event or a batch; the reply has a result for each, in its order."""
        sender = self._senders.sender(request.headers, request.body, request.received_at)
        self.check_depth(request)
        is_batch = request.body.lstrip()[:1] == b"["
        bodies = self._batch(request.body) if is_batch else [request.body]
        self.check_amount(sender, len(bodies))
        read = [_read(body, request) for body in bodies]
        broken = [
            _rejected(body, one)
            for body, one in zip(bodies, read, strict=True)
            if isinstance(one, ContractError)
        ]
        if broken:
            await self.quarantine(SYSTEM, STREAM, broken)
        accepted = iter(
            await self.accept(source, [one for one in read if isinstance(one, NewEvent)])
        )
        results = [
            _refused(one) if isinstance(one, ContractError) else _taken(next(accepted))
            for one in read
        ]
        if not is_batch and broken:
            raise RefusalError(
                422, "contract", "The event breaks its contract.", details=results[0]["errors"]
            )
        if broken:
            self._metrics.refused(source, "contract", len(broken))
        if not is_batch:
            return 202, results[0]
        return (202 if len(broken) < len(results) else 422), {"results": results}

    def _batch(self, body: bytes) -> list[bytes]:
        try:
            batch = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise RefusalError(400, "no_json", "The body is no JSON.") from None
        if not batch:
            raise RefusalError(400, "empty_batch", "The batch is empty: send one event or more.")
        return [orjson.dumps(one) for one in batch]


def _read(body: bytes, request: Request) -> NewEvent | ContractError:
    try:
        event = checked(body, request.received_at + _CLOCKS_DIFFER_BY)
    except ContractError as broken:
        return broken
    return NewEvent(
        system=SYSTEM,
        event_id=event.event_id,
        topic=event.type,
        subject=event.customer.subject,
        occurred_at=event.occurred_at,
        received_at=request.received_at,
        body=body,
    )


def _rejected(body: bytes, broken: ContractError) -> Rejected:
    return Rejected(
        record_id=hashlib.sha256(body).hexdigest(),
        rule="contract",
        reason=str(broken),
        raw_record=as_text(body),
    )


def _refused(broken: ContractError) -> dict[str, Any]:
    return {"status": "refused", "errors": broken.reasons}


def _taken(accepted: Any) -> dict[str, Any]:
    status = "duplicate" if accepted.is_duplicate else "accepted"
    return {"event_id": accepted.event_id, "status": status}
