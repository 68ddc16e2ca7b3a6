"""One HTTP call to a channel, its outcome named by what can be done about it.

Addresses and bodies may hold secrets: neither stands in an error, nor is an exception kept that
names them.
"""

import logging
from typing import Any

import httpx

from orchestration_assets.alerting.channel import RefusedError
from orchestration_assets.errors import FatalError, RetriableError

# A tick is bounded: a channel that does not answer by then is tried again later.
_TIMEOUT = httpx.Timeout(8.0, connect=4.0)
# Answers that speak of the message, not of the channel.
_OF_THE_MESSAGE = frozenset({400, 413, 422})
_TRY_LATER = "the alert stays due and is tried again; `accord alerts list` shows it."


def http_client() -> httpx.Client:
    """A client for all channels; the address of a webhook is its secret, so it is not logged."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(timeout=_TIMEOUT)


def call(
    client: httpx.Client, method: str, url: str, *, channel: str, setting: str, **request: Any
) -> httpx.Response:
    """Send one request and return its answer, which says that it went well.

    Args:
        client: from `http_client`.
        method: of the request.
        url: of the request.
        channel: how people call the vendor.
        setting: what to check when the vendor refuses.
        request: further arguments of httpx.

    Raises:
        RetriableError: no answer, 429 or 5xx; with the pause that the vendor asks for.
        RefusedError: the vendor does not take this message.
        FatalError: the vendor refuses the credentials or the address.
    """
    try:
        response = client.request(method, url, **request)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise FatalError(f"{channel} has no valid address.", f"correct {setting}.") from None
    except httpx.HTTPError as error:
        raise RetriableError(
            f"{channel} was not reached ({type(error).__name__}).", _TRY_LATER
        ) from None
    if response.is_success:
        return response
    status = f"HTTP {response.status_code}"
    if response.status_code == 429 or response.status_code >= 500:
        raise RetriableError(
            f"{channel} is busy ({status}).", _TRY_LATER, retry_after=_retry_after(response)
        )
    if response.status_code in _OF_THE_MESSAGE:
        raise RefusedError(
            f"{channel} refuses the alert ({status}).",
            "it is tried again; report it when it stays: the message's form is not to its liking.",
        )
    raise FatalError(f"{channel} refuses the call ({status}).", f"check {setting}.")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the vendor asks to wait."""
    try:
        return max(float(response.headers["retry-after"]), 0.0)
    except (KeyError, ValueError):
        return None
