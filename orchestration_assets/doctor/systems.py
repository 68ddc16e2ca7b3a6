"""Checks of the systems that Accord is connected to: settings set, address or files answering."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from orchestration_assets.connectors.catalog import SYSTEMS, open_source
from orchestration_assets.doctor.finding import Finding, fail, ok, warn
from orchestration_assets.errors import AccordError
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
    entry = SYSTEMS[name]
    missing = entry.missing(connection)
    if missing:
        advice = f"set {' and '.join(missing)}, or leave this system out."
        return warn(name, "not configured", advice), None
    if "base_url" not in entry.requires:
        return _read(name, connection), None
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


def _read(name: str, connection: dict[str, str]) -> Finding:
    """A system without an address is read: it is at hand, and small."""
    counts = []
    try:
        with closing(open_source(name, connection)) as source:
            for stream in source.streams:
                rows = sum(len(page.records) for page in source.read(stream, None))
                counts.append(f"{rows} {stream}")
    except AccordError as error:
        return fail(name, error.message, error.next_step)
    return ok(name, f"{', '.join(counts)} can be read")


def _seconds_ahead(answer: httpx.Response) -> float | None:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    # The header has whole seconds and travelled half the way.
    return (datetime.now(UTC) - theirs).total_seconds() - 0.5
