"""Where every HTTP client of the connectors is made, so that time limits are set in one place."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from orchestration_assets.errors import FatalError

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
MAX_CONNECTIONS = 10

# httpx writes whole addresses, query strings included, and httpcore writes headers.
_CHATTY_LOGGERS = ("httpx", "httpcore")


def make_client(
    base_url: str,
    headers: Mapping[str, str],
    transport: "httpx.BaseTransport | None" = None,
    *,
    read_timeout_s: float = READ_TIMEOUT_S,
) -> "httpx.Client":
    """Make a keep-alive client for one system; the caller closes it.

    Args:
        base_url: scheme and host of the system, with a path prefix where it has one.
        headers: sent with every call, authentication included.
        transport: replaces the network in special cases; None is the real one.
        read_timeout_s: seconds without a byte after which a call counts as lost.

    Raises:
        FatalError: `base_url` is empty or has no scheme.
    """
    import httpx

    if not base_url.startswith(("http://", "https://")):
        raise FatalError(
            "The base address of a system is empty or is not an http(s) address.",
            "set ACCORD_<SYSTEM>_BASE_URL to an address such as https://api.example.com.",
        )
    for name in _CHATTY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        base_url=base_url,
        headers={"Accept": "application/json", "User-Agent": "accord", **headers},
        timeout=httpx.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S),
        limits=httpx.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=30.0),
        transport=transport,
        verify=_trusted_authorities(),
    )


@cache
def _trusted_authorities() -> "ssl.SSLContext":
    """The certificates that every client trusts; reading them takes a tenth of a second."""
    import httpx

    return httpx.create_ssl_context()
