"""PagerDuty's Events API, version 2: one incident a key, at most 120 calls in a minute.

`GET /_incidents` shows them; the real API has no such call.
"""

import uuid
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.context import SandboxContext
from sandbox.faults import ErrorKind, FaultMiddleware
from sandbox.limits import RollingWindow

CALLS_A_MINUTE = 120
SEVERITIES = ("critical", "error", "warning", "info")
STATUSES = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}
KEY_CHARS = 255
SUMMARY_CHARS = 1024


def _invalid(*errors: str) -> Response:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    return JSONResponse(body, 400)


def render_fault(kind: ErrorKind, retry_after: int) -> Response:
    """PagerDuty answers a throttled call with a status and nothing to go by."""
    match kind:
        case ErrorKind.RATE_LIMITED:
            return JSONResponse({"status": "throttle exceeded"}, 429)
        case ErrorKind.UNAUTHORISED:
            return _invalid("Invalid routing key")
        case ErrorKind.UNAVAILABLE:
            return JSONResponse({"status": "unavailable"}, 503, {"Retry-After": str(retry_after)})
        case _:
            return JSONResponse({"status": "internal error"}, 500)


def problems(event: Any) -> list[str]:
    """What is wrong with the form of an event."""
    if not isinstance(event, dict):
        return ["Event must be an object"]
    found = []
    action = event.get("event_action")
    if action not in STATUSES:
        found.append("event_action is invalid")
    key = event.get("dedup_key")
    if action in ("acknowledge", "resolve") and not key:
        found.append("dedup_key is missing or blank")
    if key and len(str(key)) > KEY_CHARS:
        found.append("dedup_key is too long")
    if action == "trigger":
        payload = event.get("payload") or {}
        found += [
            f"payload.{name} is missing or blank"
            for name in ("summary", "source", "severity")
            if not payload.get(name)
        ]
        if payload.get("severity") not in SEVERITIES:
            found.append("payload.severity is invalid")
        if len(str(payload.get("summary", ""))) > SUMMARY_CHARS:
            found.append("payload.summary is too long")
    return found


class Incidents:
    """The incidents of one service by key; what comes for one that is over opens it anew."""

    def __init__(self) -> None:
        self.by_key: dict[str, dict[str, Any]] = {}

    def take(self, event: dict[str, Any]) -> str:
        """Apply an event; returns the key."""
        key = str(event.get("dedup_key") or uuid.uuid4().hex)
        action, known = event["event_action"], self.by_key.get(key)
        is_open = known is not None and known["status"] != "resolved"
        if action == "trigger":
            if known is None or not is_open:
                known = {"status": "triggered", "triggers": 0}
                self.by_key[key] = known
            known["triggers"] += 1
            known["payload"] = event["payload"]
        elif known is not None and is_open:
            known["status"] = STATUSES[action]
        return key


def create_app(context: SandboxContext) -> Starlette:
    """The PagerDuty service of one sandbox."""
    incidents, window = Incidents(), RollingWindow(CALLS_A_MINUTE, 60.0)

    async def enqueue(request: Request) -> Response:
        if window.take():
            return render_fault(ErrorKind.RATE_LIMITED, 0)
        try:
            event = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            return _invalid("Event is not JSON")
        wrong = problems(event)
        if not wrong and event.get("routing_key") != context.token("pagerduty"):
            wrong = ["Invalid routing key"]
        if wrong:
            return _invalid(*wrong)
        key = incidents.take(event)
        context.keep("pagerduty", {name: event[name] for name in event if name != "routing_key"})
        answer = {"status": "success", "message": "Event processed", "dedup_key": key}
        return JSONResponse(answer, 202)

    async def show(_: Request) -> Response:
        return JSONResponse(incidents.by_key)

    routes = [
        Route("/v2/enqueue", enqueue, methods=["POST"]),
        Route("/_incidents", show, methods=["GET"]),
    ]
    fault = Middleware(
        FaultMiddleware, system="pagerduty", context=context, render_error=render_fault
    )
    return Starlette(routes=routes, middleware=[fault])
