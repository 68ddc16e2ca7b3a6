"""HubSpot's error bodies."""

import uuid
from typing import Any

import orjson
from starlette.responses import Response

from sandbox.faults import ErrorKind

RATE_INTERVAL_MS = 10_000
_AUTH_DOCS = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"


class HubSpotError(Exception):
    """An answer that ends the call.

    Args:
        status: HTTP status.
        category: HubSpot's category.
        message: HubSpot's message.
        extra: further members of the body.
        headers: headers of the answer.
    """

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.category, self.message = status, category, message
        self.extra, self.headers = extra or {}, headers

    def response(self) -> Response:
        """The answer."""
        body = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid.uuid4()),
            "category": self.category,
            **self.extra,
        }
        return json_response(body, self.status, self.headers)


def json_response(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json;charset=utf-8")


def invalid(
    message: str, code: str | None = None, context: dict[str, Any] | None = None
) -> HubSpotError:
    """400 with category VALIDATION_ERROR; `code` and `context` go into `errors`."""
    extra = {}
    if code is not None:
        extra["errors"] = [{"message": message, "code": code, "context": context or {}}]
    return HubSpotError(400, "VALIDATION_ERROR", message, extra)


def not_found() -> HubSpotError:
    """404 for an object that is missing or archived."""
    return HubSpotError(404, "OBJECT_NOT_FOUND", "resource not found")


def not_writable(kind: str) -> HubSpotError:
    """405 for an object type that HubSpot itself makes."""
    message = f"Objects of type {kind} can be read but not written."
    return HubSpotError(405, "METHOD_NOT_ALLOWED", message)


def unauthorised() -> HubSpotError:
    """401."""
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you "
        f"can find more details at {_AUTH_DOCS}"
    )
    return HubSpotError(401, "INVALID_AUTHENTICATION", message)


def missing_scope(scope: str) -> HubSpotError:
    """403 naming the scope."""
    message = "This app hasn't been granted all required scopes to make this call."
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": [scope]},
    }
    return HubSpotError(403, "MISSING_SCOPES", message, {"errors": [detail]})


def rate_limited(limit: int, retry_after: int | None = None) -> HubSpotError:
    """429; HubSpot names the window and often leaves `Retry-After` out."""
    headers = {
        "X-HubSpot-RateLimit-Max": str(limit),
        "X-HubSpot-RateLimit-Remaining": "0",
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(RATE_INTERVAL_MS),
    }
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    extra = {
        "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING",
        "requestId": str(uuid.uuid4()),
    }
    message = "You have reached your ten_secondly_rolling limit."
    return HubSpotError(429, "RATE_LIMITS", message, extra, headers)


def render_fault(kind: ErrorKind, retry_after: int) -> Response:
    """The answer under a fault profile."""
    match kind:
        case ErrorKind.RATE_LIMITED:
            return rate_limited(190, retry_after).response()
        case ErrorKind.UNAUTHORISED:
            return unauthorised().response()
        case ErrorKind.UNAVAILABLE:
            error = HubSpotError(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable.")
        case _:
            error = HubSpotError(500, "INTERNAL_ERROR", "internal error")
    return error.response()


def row_error(
    category: str,
    message: str,
    trace_id: str | None,
    code: str | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """One entry of `errors` in a 207 answer."""
    context: dict[str, list[str]] = {}
    if trace_id is not None:
        context["objectWriteTraceId"] = [trace_id]
    details = []
    if code is not None:
        details.append({"message": message, "code": code, "context": {"propertyName": [name]}})
    return {
        "status": "error",
        "id": str(uuid.uuid4()),
        "category": category,
        "message": message,
        "errors": details,
        "context": context,
        "links": {},
    }
