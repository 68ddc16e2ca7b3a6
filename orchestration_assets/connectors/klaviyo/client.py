"""Calls to Klaviyo's API: JSON:API documents, a dated revision, two rate windows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from orchestration_assets.connectors.kit.client import make_client
from orchestration_assets.connectors.kit.http import (
    ApiClient,
    RetryPolicy,
    standard_retry_after,
)
from orchestration_assets.connectors.kit.limits import CallLimiter, shared_limiter

if TYPE_CHECKING:
    import httpx

DEFAULT_REVISION = "2026-07-15"
SECRET_SETTING = "ACCORD_KLAVIYO_TOKEN"  # noqa: S105  (the setting's name)
MEDIA_TYPE = "application/vnd.api+json"


class Limits(NamedTuple):
    """Calls a second and a minute; the vendor counts those of each purpose by themselves."""

    purpose: str
    per_second: int
    per_minute: int


# The lowest limits that the specification gives to most reads, to campaigns, to the bulk jobs of
# profiles and to events in bulk.
READ_LIMITS = Limits("reads", 75, 750)
CAMPAIGN_LIMITS = Limits("campaigns", 10, 150)
JOB_LIMITS = Limits("jobs", 10, 150)
EVENT_LIMITS = Limits("events", 10, 150)

# A spent minute's window takes up to a minute to come back.
POLICY = RetryPolicy(attempts=6, seconds=180.0)


class KlaviyoClient:
    """Sends requests to one account.

    Args:
        connection: `base_url`, `token` and, where they are not the defaults, `revision`,
            `requests_per_second` and `requests_per_minute` (the account's own limits).
        limits: what holds for its calls where the connection does not say.
        policy: bounds of the retries of one call.
    """

    def __init__(self, connection: Mapping[str, str], limits: Limits, policy: RetryPolicy) -> None:
        base_url = connection.get("base_url", "")
        burst = int(connection.get("requests_per_second") or limits.per_second)
        steady = int(connection.get("requests_per_minute") or limits.per_minute)
        limiter = shared_limiter(
            ("klaviyo", base_url, limits.purpose, str(burst), str(steady)),
            lambda: CallLimiter([(burst, 1.0), (steady, 60.0)]),
        )
        self._api = ApiClient(
            make_client(
                base_url,
                {
                    "Authorization": f"Klaviyo-API-Key {connection.get('token', '')}",
                    "revision": connection.get("revision") or DEFAULT_REVISION,
                    "Accept": MEDIA_TYPE,
                },
            ),
            "klaviyo",
            limiter,
            SECRET_SETTING,
            policy=policy,
            retry_after=wait_asked_for,
            error_code=first_error_code,
        )

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> dict[str, Any]:
        """The JSON:API document at `path`; statuses in `accept` are returned as documents too."""
        return self._api.request("GET", path, params=params, accept=accept) or {}

    def post(
        self,
        path: str,
        document: Mapping[str, Any],
        *,
        idempotent: bool,
        accept: frozenset[int] = frozenset(),
    ) -> "httpx.Response":
        """Send a JSON:API document and return the answer."""
        return self._api.send(
            "POST",
            path,
            json=document,
            headers={"Content-Type": MEDIA_TYPE},
            idempotent=idempotent,
            accept=accept,
            expect_json=True,
        )

    def close(self) -> None:
        """Close the connections."""
        self._api.close()


def wait_asked_for(response: "httpx.Response") -> float | None:
    """Seconds to wait on a 429: `Retry-After`, else `RateLimit-Reset`."""
    wait = standard_retry_after(response)
    if wait is not None or response.status_code != 429:
        return wait
    try:
        return max(0.0, float(response.headers.get("RateLimit-Reset", "")))
    except ValueError:
        return None


def errors_of(response: "httpx.Response") -> list[dict[str, Any]]:
    """The JSON:API errors of an answer, empty where it has none."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return []
    errors = body.get("errors") if isinstance(body, dict) else None
    return [error for error in errors or [] if isinstance(error, dict)]


def first_error_code(response: "httpx.Response") -> str | None:
    """The vendor's code of the first error (`invalid`), which holds no data."""
    return next((str(error["code"]) for error in errors_of(response) if "code" in error), None)


def next_cursor(document: Mapping[str, Any]) -> str | None:
    """The value of `page[cursor]` in the document's link to the next page.

    Only the cursor is taken, never the address: a link may name another host.
    """
    link = (document.get("links") or {}).get("next")
    if not link:
        return None
    return next(iter(parse_qs(urlsplit(link).query).get("page[cursor]", [])), None)
