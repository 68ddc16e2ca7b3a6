"""A Teams workflow's webhook: accepts Adaptive Cards and keeps them.

As far as its documentation says: a message with card attachments is accepted with 202 and no body;
the signature in the address is the secret; a workflow takes 28 KB.
"""

from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.context import SandboxContext
from sandbox.faults import ErrorKind, FaultMiddleware

CARD = "application/vnd.microsoft.card.adaptive"
MAX_BYTES = 28 * 1024
WEBHOOK_PATH = "/workflows/sandbox/triggers/manual/paths/invoke"


def webhook_path(context: SandboxContext) -> str:
    """Path of the webhook; its signature is the secret."""
    return f"{WEBHOOK_PATH}?sig={context.token('teams')}"


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"code": code, "message": code}}, status, headers)


def render_fault(kind: ErrorKind, retry_after: int) -> Response:
    """A workflow answers in JSON."""
    match kind:
        case ErrorKind.RATE_LIMITED:
            return _error(429, "TooManyRequests", {"Retry-After": str(retry_after)})
        case ErrorKind.UNAUTHORISED:
            return _error(401, "DirectApiAuthorizationRequired")
        case ErrorKind.UNAVAILABLE:
            return _error(503, "ServiceUnavailable")
        case _:
            return _error(500, "InternalServerError")


def _is_card_message(message: Any) -> bool:
    if not isinstance(message, dict) or message.get("type") != "message":
        return False
    attachments = message.get("attachments")
    return bool(attachments) and all(
        isinstance(item, dict)
        and item.get("contentType") == CARD
        and isinstance(item.get("content"), dict)
        and item["content"].get("type") == "AdaptiveCard"
        and item["content"].get("version")
        and isinstance(item["content"].get("body"), list)
        for item in attachments
    )


def create_app(context: SandboxContext) -> Starlette:
    """The Teams sink of one sandbox."""

    async def receive(request: Request) -> Response:
        if request.query_params.get("sig") != context.token("teams"):
            return _error(401, "DirectApiAuthorizationRequired")
        body = await request.body()
        if len(body) > MAX_BYTES:
            return _error(413, "RequestEntityTooLarge")
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _error(400, "InvalidRequestContent")
        if not _is_card_message(message):
            return _error(400, "InvalidRequestContent")
        context.keep("teams", message)
        return Response(status_code=202)

    fault = Middleware(FaultMiddleware, system="teams", context=context, render_error=render_fault)
    return Starlette(routes=[Route(WEBHOOK_PATH, receive, methods=["POST"])], middleware=[fault])
