"""Checks of the systems that Accord is connected to: credentials set, address answering."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from orchestration_assets.doctor.finding import Finding, fail, ok, warn
from orchestration_assets.settings import Settings

TIMEOUT_S = 5.0


def systems(settings: Settings, names: Iterable[str]) -> tuple[list[Finding], dict[str, float]]:
    """Look at every system at once.

    Returns:
        One finding a system, and the seconds by which our clock is ahead of each that answered.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        looked = list(pool.map(lambda name: _look(name, settings.connection(name)), names))
    ahead = {finding.name: seconds for finding, seconds in looked if seconds is not None}
    return [finding for finding, _ in looked], ahead


def _look(name: str, connection: dict[str, str]) -> tuple[Finding, float | None]:
    missing = [
        f"ACCORD_{name.upper()}_{key.upper()}"
        for key in ("base_url", "token")
        if not connection.get(key)
    ]
    if missing:
        advice = f"set {' and '.join(missing)}, or leave this system out."
        return warn(name, "not configured", advice), None
    # Host and port only: a path or a query may carry an identifier.
    url = httpx.URL(connection["base_url"])
    address = f"{url.scheme}://{url.netloc.decode().rpartition('@')[2]}"
    try:
        answer = httpx.head(url, timeout=TIMEOUT_S, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return fail(
            name,
            f"{address} does not answer ({type(error).__name__})",
            f"check ACCORD_{name.upper()}_BASE_URL, the network and the proxy.",
        ), None
    return ok(name, f"{address} answers, credentials set"), _seconds_ahead(answer)


def _seconds_ahead(answer: httpx.Response) -> float | None:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    # The header has whole seconds and travelled half the way.
    return (datetime.now(UTC) - theirs).total_seconds() - 0.5
