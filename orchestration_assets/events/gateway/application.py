"""The gateway as one ASGI application, made of what it is handed."""

import asyncio
from collections.abc import Mapping

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestration_assets.events.gateway.endpoint import Hold, Limits
from orchestration_assets.events.gateway.first_party import FirstPartyEvents
from orchestration_assets.events.gateway.metrics import CONTENT_TYPE, Latencies, Metrics
from orchestration_assets.events.gateway.openapi import description, page
from orchestration_assets.events.gateway.senders import Senders
from orchestration_assets.events.gateway.vendor_webhooks import VendorWebhook, VendorWebhooks
from orchestration_assets.events.inbox import Inbox

_log = structlog.get_logger(__name__)
_READY_WITHIN_S = 5.0
_EVENTS = "/v1/events"
_WEBHOOKS = "/v1/webhooks/"


def gateway(
    inbox: Inbox,
    hold: Hold,
    *,
    systems: Mapping[str, VendorWebhook],
    senders: Senders,
    limits: Limits | None = None,
    public_url: str = "",
    latencies: Latencies = tuple,
) -> "Gateway":
    """Make the application.

    Args:
        inbox: where accepted events are put.
        hold: keeps refused events in quarantine: system, stream, records.
        systems: whose webhooks are taken, and how they are verified.
        senders: who may send first-party events.
        limits: of a request and a key.
        public_url: address under which vendors reach this gateway.
        latencies: how long events took to reach what they led to, for `/metrics`.
    """
    limits = limits or Limits()
    metrics = Metrics(lambda: inbox.queued, latencies)
    document = description(sorted(systems), limits)
    webhooks = VendorWebhooks(inbox, hold, limits, metrics, systems=systems, public_url=public_url)
    events = FirstPartyEvents(inbox, hold, limits, metrics, senders=senders)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        return await _ready(inbox)

    async def figures(_request: Request) -> Response:
        # A thread of its own: the page asks a store, and senders wait for nobody.
        text = await asyncio.to_thread(metrics.page)
        return Response(text, headers={"content-type": CONTENT_TYPE})

    async def openapi(_request: Request) -> Response:
        return JSONResponse(document)

    async def docs(_request: Request) -> Response:
        return HTMLResponse(page(document))

    pages = Starlette(
        routes=[
            Route(f"{_WEBHOOKS}{{system}}", webhooks, methods=["POST"]),
            Route(_EVENTS, events, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", figures),
            Route("/openapi.json", openapi),
            Route("/docs", docs),
        ],
        exception_handlers={HTTPException: _refused, Exception: _broken},
    )
    return Gateway(pages, webhooks, events)


class Gateway:
    """Sends the two paths that events come on straight to their endpoints.

    Routing and middleware would cost as much as the signature and the contract together; all else,
    wrong methods included, takes that way.
    """

    def __init__(self, pages: ASGIApp, webhooks: ASGIApp, events: ASGIApp) -> None:
        self._pages = pages
        self._webhooks = webhooks
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            if path == _EVENTS:
                await self._events(scope, receive, send)
                return
            system = path.removeprefix(_WEBHOOKS)
            if system != path and system and "/" not in system:
                scope["path_params"] = {"system": system}
                await self._webhooks(scope, receive, send)
                return
        await self._pages(scope, receive, send)


async def _ready(inbox: Inbox) -> Response:
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            await asyncio.to_thread(inbox.check_writable)
    except Exception as error:
        _log.warning("the inbox is not writable", error=type(error).__name__)
        return JSONResponse({"status": "the inbox is not writable"}, status_code=503)
    return JSONResponse({"status": "ok"})


async def _refused(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "refused")
    headers = error.headers if isinstance(error, HTTPException) else None
    content = {"error": {"code": code, "message": "See /docs for what is taken here."}}
    return JSONResponse(content, status_code=status, headers=headers)


async def _broken(_request: Request, error: Exception) -> Response:
    # The error's text may hold what somebody sent.
    _log.error("a request failed", error=type(error).__name__)
    content = {"error": {"code": "internal", "message": "Nothing was kept: send it again."}}
    return JSONResponse(content, status_code=500)
