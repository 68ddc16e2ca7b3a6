"""Reading a request's body within limits: its size while it streams, its time, its depth."""

import asyncio

from starlette.types import Receive, Scope

from orchestration_assets.events.gateway.refusals import RefusalError

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class GoneError(Exception):
    """The sender went away before its request was complete."""


async def read_body(scope: Scope, receive: Receive, *, limit: int, patience_s: float) -> bytes:
    """Return the whole body.

    Args:
        scope: the request's.
        receive: the request's.
        limit: bytes; one more is refused as soon as it is announced or has arrived.
        patience_s: seconds within which all of it must have arrived.

    Raises:
        RefusalError: 413 or 408.
        GoneError: the sender closed the connection.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise _too_large(limit)
    try:
        async with asyncio.timeout(patience_s):
            return await _stream(receive, limit)
    except TimeoutError:
        raise RefusalError(
            408,
            "slow_body",
            f"The body must arrive within {patience_s:g} seconds: send it faster, or less at once.",
            closes=True,
        ) from None


async def _stream(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise GoneError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


def _too_large(limit: int) -> RefusalError:
    return RefusalError(
        413,
        "body_too_large",
        f"A body may have {limit} bytes: send fewer events at once.",
        closes=True,
    )


def check_depth(body: bytes, limit: int) -> None:
    """Refuse JSON that is nested deeper than `limit`; linear in the body's size.

    Raises:
        RefusalError: 400.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    # Every second piece between quotation marks lies outside of strings.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    depth = 0
    for bracket in b"".join(plain).translate(None, _NOT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > limit:
                raise RefusalError(
                    400, "too_deep", f"JSON may be nested {limit} levels deep: send it flatter."
                )
        else:
            depth -= 1
