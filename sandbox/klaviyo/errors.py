"""Errors in the vendor's form: JSON:API bodies with an `errors` list."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.responses import Response

from sandbox.faults import ErrorKind

MEDIA_TYPE = "application/vnd.api+json"


class KlaviyoError(Exception):
    """A refusal, as the vendor words it.

    Args:
        status: HTTP status.
        code: the vendor's code.
        title: the vendor's title.
        detail: what exactly is wrong.
        source: `{"pointer": ...}` or `{"parameter": ...}`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        source: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.source = source or {"pointer": "/data/"}

    def body(self) -> dict[str, Any]:
        """The JSON:API body."""
        error = {
            "id": str(uuid.uuid4()),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": self.source,
            "links": {},
            "meta": {},
        }
        return {"errors": [error]}


class ManyReasonsError(KlaviyoError):
    """A refusal for several reasons; its status is that of the first.

    Args:
        errors: the reasons, at least one.
    """

    def __init__(self, errors: Sequence[KlaviyoError]) -> None:
        first = errors[0]
        super().__init__(first.status, first.code, first.title, first.detail, first.source)
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """The JSON:API body."""
        return {"errors": [entry for error in self.errors for entry in error.body()["errors"]]}


def invalid(detail: str, *, pointer: str = "", parameter: str = "") -> KlaviyoError:
    """HTTP 400 about a part of the body or a query parameter."""
    source = {"parameter": parameter} if parameter else {"pointer": pointer or "/data/"}
    return KlaviyoError(400, "invalid", "Invalid input.", detail, source)


def not_found(kind: str, identifier: str) -> KlaviyoError:
    """HTTP 404."""
    detail = f"A {kind} with id {identifier} does not exist."
    return KlaviyoError(404, "not_found", "Not found.", detail)


def unauthenticated() -> KlaviyoError:
    """HTTP 401."""
    return KlaviyoError(
        401,
        "authentication_failed",
        "Incorrect authentication credentials.",
        "Missing or invalid private key.",
    )


def throttled(seconds: int) -> KlaviyoError:
    """HTTP 429."""
    return KlaviyoError(
        429,
        "throttled",
        "Request was throttled.",
        f"Request was throttled. Expected available in {seconds} second(s).",
    )


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON:API answer."""
    return Response(orjson.dumps(body), status, headers=headers, media_type=MEDIA_TYPE)


def render_error(kind: ErrorKind, retry_after: int) -> Response:
    """A fault in the vendor's own form."""
    match kind:
        case ErrorKind.RATE_LIMITED:
            headers = {"Retry-After": str(retry_after)}
            return answer(throttled(retry_after).body(), 429, headers)
        case ErrorKind.UNAUTHORISED:
            return answer(unauthenticated().body(), 401)
        case ErrorKind.UNAVAILABLE:
            error = KlaviyoError(
                503, "service_unavailable", "Service unavailable.", "Please try again later."
            )
            return answer(error.body(), 503, {"Retry-After": str(retry_after)})
        case _:
            error = KlaviyoError(500, "error", "A server error occurred.", "Internal error.")
            return answer(error.body(), 500)
