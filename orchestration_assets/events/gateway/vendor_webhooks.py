"""`POST /v1/webhooks/{system}`: vendors' events, verified and read by their connector's scheme."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from orchestration_assets.connectors.kit.webhooks import (
    PayloadRefused,
    SignatureRefused,
    Webhook,
    WebhookRequest,
)
from orchestration_assets.events.gateway.endpoint import Endpoint, Hold, Limits, Request
from orchestration_assets.events.gateway.metrics import Metrics
from orchestration_assets.events.gateway.refusals import RefusalError
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.insertion import NewEvent
from orchestration_assets.logs import clean_text
from orchestration_assets.state.quarantine import Rejected

STREAM = "webhooks"


@dataclass(frozen=True, slots=True)
class VendorWebhook:
    """A system's scheme and the secrets it is verified with: two during a rotation."""

    scheme: Webhook
    secrets: Sequence[str]


class VendorWebhooks(Endpoint):
    """Takes what systems send.

    Args:
        inbox: see `Endpoint`.
        hold: see `Endpoint`.
        limits: see `Endpoint`.
        metrics: see `Endpoint`.
        systems: what each system's requests are verified and read with.
        public_url: address under which vendors reach the gateway; some sign it. Empty: as the
            request names it.
    """

    def __init__(
        self,
        inbox: Inbox,
        hold: Hold,
        limits: Limits,
        metrics: Metrics,
        *,
        systems: Mapping[str, VendorWebhook],
        public_url: str = "",
    ) -> None:
        super().__init__(inbox, hold, limits, metrics)
        self._systems = systems
        self._public_url = public_url.rstrip("/")

    def source(self, scope: Scope) -> str:
        """The system in the path."""
        system = scope["path_params"]["system"]
        if system not in self._systems:
            raise RefusalError(
                404,
                "unknown_system",
                "No webhooks of such a system are taken here: see the address that is set at the"
                " vendor, and that ACCORD_<SYSTEM>_WEBHOOK_SECRET is set here.",
            )
        return system

    async def answer(self, source: str, request: Request) -> tuple[int, Any]:
        """Verify, read and take a vendor's events."""
        known = self._systems[source]
        asked = WebhookRequest(
            method=request.scope["method"],
            url=self._url(request),
            headers=request.headers,
            body=request.body,
            received_at=request.received_at,
        )
        try:
            known.scheme.verify(asked, known.secrets)
        except SignatureRefused as error:
            raise RefusalError(401, "not_authentic", error.message) from None
        self.check_depth(request)
        try:
            read = known.scheme.events(asked)
        except PayloadRefused as error:
            raise await self._refused(source, request, error) from None
        self.check_amount(source, len(read))
        events = [
            NewEvent(
                system=source,
                event_id=one.event_id,
                topic=one.topic,
                subject=one.subject,
                occurred_at=one.occurred_at,
                received_at=request.received_at,
                body=one.body,
            )
            for one in read
        ]
        accepted = await self.accept(source, events)
        duplicates = sum(one.is_duplicate for one in accepted)
        return 200, {"accepted": len(accepted) - duplicates, "duplicates": duplicates}

    async def _refused(self, source: str, request: Request, error: PayloadRefused) -> RefusalError:
        reason = clean_text(error.message)
        record = Rejected(
            record_id=hashlib.sha256(request.body).hexdigest(),
            rule="contract",
            reason=reason,
            raw_record=as_text(request.body),
        )
        await self.quarantine(source, STREAM, [record])
        return RefusalError(422, "contract", reason)

    def _url(self, request: Request) -> str:
        scope = request.scope
        origin = self._public_url
        if not origin:
            origin = f"{scope['scheme']}://{request.headers.get('host', '')}"
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        called = path + b"?" + query if query else path
        return origin + called.decode("latin-1")


def as_text(body: bytes) -> str:
    """A body as text that every store takes."""
    return body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
