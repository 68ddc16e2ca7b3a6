"""What the gateway says no with, and how a reply is put on the wire."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.types import Send


class RefusalError(Exception):
    """A request that is not accepted.

    Args:
        status: of HTTP.
        reason: one word for metrics and logs; also the code in the reply.
        message: what is wrong and what to send instead; no value of the request.
        details: further lines for the sender.
        retry_after: seconds after which the same request may succeed.
        closes: whether what is left of the request is not read.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        details: Sequence[str] = (),
        retry_after: float | None = None,
        closes: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = tuple(details)
        self.retry_after = retry_after
        self.closes = closes

    @property
    def content(self) -> dict[str, Any]:
        """The body of the reply."""
        error: dict[str, Any] = {"code": self.reason, "message": self.message}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the reply beside its type and length."""
        headers = []
        if self.retry_after is not None:
            headers.append((b"retry-after", b"%d" % max(1, round(self.retry_after))))
        if self.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if self.closes:
            headers.append((b"connection", b"close"))
        return headers


async def reply(
    send: Send, status: int, content: Any, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send one JSON reply."""
    body = orjson.dumps(content)
    start = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
