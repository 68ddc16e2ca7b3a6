"""Slack's incoming webhook: answers `ok` and keeps what it was told, in `alerts.jsonl`.

Alerts are no rows of a destination, so they do not stand in `requests.jsonl`.
"""

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.context import SandboxContext
from sandbox.faults import ErrorKind, FaultMiddleware

WEBHOOK_PATH = "/services/T0SANDBOX/B0SANDBOX"


def webhook_path(context: SandboxContext) -> str:
    """Path of the webhook; its last part is the secret."""
    return f"{WEBHOOK_PATH}/{context.token('slack')}"


def render_fault(kind: ErrorKind, retry_after: int) -> Response:
    """Slack answers in plain text."""
    match kind:
        case ErrorKind.RATE_LIMITED:
            headers = {"Retry-After": str(retry_after)}
            return PlainTextResponse("rate_limited", 429, headers)
        case ErrorKind.UNAUTHORISED:
            return PlainTextResponse("invalid_token", 403)
        case ErrorKind.UNAVAILABLE:
            return PlainTextResponse("service_unavailable", 503)
        case _:
            return PlainTextResponse("rollup_error", 500)


def create_app(context: SandboxContext) -> Starlette:
    """The Slack sink of one sandbox."""

    async def receive(request: Request) -> Response:
        if request.path_params["secret"] != context.token("slack"):
            return PlainTextResponse("invalid_token", 403)
        try:
            message = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            return PlainTextResponse("invalid_payload", 400)
        if not isinstance(message, dict):
            return PlainTextResponse("invalid_payload", 400)
        if not any(message.get(member) for member in ("text", "blocks", "attachments")):
            return PlainTextResponse("no_text", 400)
        context.keep("slack", message)
        return PlainTextResponse("ok")

    route = Route("/services/{team}/{bot}/{secret}", receive, methods=["POST"])
    fault = Middleware(FaultMiddleware, system="slack", context=context, render_error=render_fault)
    return Starlette(routes=[route], middleware=[fault])
