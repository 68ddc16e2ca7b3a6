"""Calls to HubSpot: authentication, its two rate limits, its signs of throttling and its errors."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from orchestration_assets.connectors.kit.client import make_client
from orchestration_assets.connectors.kit.http import ApiClient, RetryPolicy, standard_retry_after
from orchestration_assets.connectors.kit.limits import CallLimiter, shared_limiter
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.errors import RetriableError

if TYPE_CHECKING:
    import httpx

SYSTEM = "hubspot"
SECRET_SETTING = "ACCORD_HUBSPOT_TOKEN"  # noqa: S105 - the setting's name, not its value
OBJECTS = "/crm/v3/objects"

# Below the vendor's burst limit of 190 for private apps; other tools share the account.
DEFAULT_REQUESTS_PER_10S = 190
# Search has a limit of its own; HubSpot raised it from four a second.
DEFAULT_SEARCHES_PER_S = 5
# HubSpot gives no bound for how far its search index lags behind writes.
DEFAULT_SEARCH_LAG_S = 120.0
# Reading a property's history halves what one call may return.
PAGE_SIZE = 100
PAGE_SIZE_WITH_HISTORY = 50
SEARCH_PAGE_SIZE = 200
ASSOCIATION_BATCH_SIZE = 1000

_CODE = re.compile(r"[A-Z][A-Z_]{2,60}")


class HubSpotClient:
    """The calls that the source and the writer make.

    Args:
        connection: `base_url`, `token`; optionally `requests_per_10s` and `searches_per_s`.
        policy: bounds of the retries of one call.
        transport: replaces the network in special cases.
        read_timeout_s: seconds without a byte after which a call counts as lost.
    """

    def __init__(
        self,
        connection: Mapping[str, str],
        *,
        policy: RetryPolicy | None = None,
        transport: "httpx.BaseTransport | None" = None,
        read_timeout_s: float = 60.0,
    ) -> None:
        base_url = connection["base_url"]
        calls = int(connection.get("requests_per_10s", DEFAULT_REQUESTS_PER_10S))
        searches = int(connection.get("searches_per_s", DEFAULT_SEARCHES_PER_S))
        http = make_client(
            base_url,
            {"Authorization": f"Bearer {connection['token']}"},
            transport,
            read_timeout_s=read_timeout_s,
        )
        self._api = ApiClient(
            http,
            SYSTEM,
            shared_limiter((SYSTEM, base_url, str(calls)), lambda: CallLimiter([(calls, 10.0)])),
            SECRET_SETTING,
            policy=policy,
            retry_after=retry_after,
            error_code=error_code,
        )
        self._searches = shared_limiter(
            (SYSTEM, base_url, "search", str(searches)), lambda: CallLimiter([(searches, 1.0)])
        )

    def list_objects(
        self,
        stream: str,
        properties: Iterable[str],
        *,
        after: str | None = None,
        history: Iterable[str] = (),
        archived: bool = False,
    ) -> dict[str, Any]:
        """One page of all objects in order of identifier, with `paging.next.after`."""
        with_history = ",".join(history)
        params = {
            "limit": PAGE_SIZE_WITH_HISTORY if with_history else PAGE_SIZE,
            "properties": ",".join(properties),
            "archived": str(archived).lower(),
        }
        if with_history:
            params["propertiesWithHistory"] = with_history
        if after is not None:
            params["after"] = after
        return self._api.request("GET", f"{OBJECTS}/{stream}", params=params)

    def search(
        self,
        stream: str,
        filters: Iterable[tuple[str, str, str]],
        sort_by: str,
        properties: Iterable[str],
        *,
        limit: int = SEARCH_PAGE_SIZE,
        descending: bool = False,
    ) -> dict[str, Any]:
        """The first objects that match all filters (property, operator, value), with `total`."""
        body = {
            "filterGroups": [
                {
                    "filters": [
                        {"propertyName": name, "operator": operator, "value": value}
                        for name, operator, value in filters
                    ]
                }
            ],
            "sorts": [
                {"propertyName": sort_by, "direction": "DESCENDING" if descending else "ASCENDING"}
            ],
            "properties": list(properties),
            "limit": limit,
        }
        self._searches.acquire()
        return self._api.request("POST", f"{OBJECTS}/{stream}/search", json=body, idempotent=True)

    def read_objects(
        self,
        stream: str,
        ids: list[str],
        properties: Iterable[str],
        history: Iterable[str] = (),
        *,
        archived: bool = False,
    ) -> dict[str, dict[str, Any]]:
        """Living objects by identifier, or archived ones; the others are absent."""
        found: dict[str, dict[str, Any]] = {}
        wished: dict[str, Any] = {"properties": list(properties)}
        if past := list(history):
            wished["propertiesWithHistory"] = past
        size = PAGE_SIZE_WITH_HISTORY if past else PAGE_SIZE
        params = {"archived": "true"} if archived else None
        path = f"{OBJECTS}/{stream}/batch/read"
        for start in range(0, len(ids), size):
            inputs = [{"id": key} for key in ids[start : start + size]]
            answer = self._read_batch(path, {"inputs": inputs, **wished}, params)
            found.update((record["id"], record) for record in answer["results"])
        return found

    def read_associations(
        self, stream: str, to_stream: str, ids: list[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """Links by identifier of the object they start from; those without links are absent."""
        found: dict[str, list[dict[str, Any]]] = {}
        waiting = [{"id": key} for key in ids]
        while waiting:
            inputs, waiting = waiting[:ASSOCIATION_BATCH_SIZE], waiting[ASSOCIATION_BATCH_SIZE:]
            path = f"/crm/v4/associations/{stream}/{to_stream}/batch/read"
            for item in self._read_batch(path, {"inputs": inputs})["results"]:
                start = str(item["from"]["id"])
                found.setdefault(start, []).extend(item["to"])
                after = get_path(item, "paging.next.after")
                if after is not None:
                    waiting.append({"id": start, "after": after})
        return found

    def _read_batch(
        self, path: str, body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """A batch of reads, in which only what does not exist may be missing."""
        answer = self._api.request("POST", path, params=params, json=body, idempotent=True)
        failed = [e for e in answer.get("errors") or [] if e.get("category") != "OBJECT_NOT_FOUND"]
        if failed:
            raise RetriableError(
                f"{SYSTEM}: POST {path} left {len(failed)} records unread.",
                "read the stream again; reading goes on from the page before.",
            )
        return answer

    def property_names(self, stream: str) -> set[str]:
        """Names of all properties that the account has for an object type."""
        answer = self._api.request("GET", f"/crm/v3/properties/{stream}")
        return {item["name"] for item in answer["results"]}

    def create_property(self, stream: str, definition: Mapping[str, Any]) -> None:
        """Make a property; one that exists already is left as it is."""
        self._api.send(
            "POST",
            f"/crm/v3/properties/{stream}",
            json=definition,
            idempotent=True,
            accept=frozenset({409}),
        )

    def upsert(self, stream: str, inputs: list[dict[str, Any]]) -> "httpx.Response":
        """Send one batch; the caller reads 200, 207 and the refusals 400, 409 and 413."""
        return self._api.send(
            "POST",
            f"{OBJECTS}/{stream}/batch/upsert",
            json={"inputs": inputs},
            idempotent=True,
            accept=frozenset({400, 409, 413}),
            expect_json=True,
        )

    def close(self) -> None:
        """Close the connections."""
        self._api.close()


def retry_after(response: "httpx.Response") -> float | None:
    """Seconds to wait on a 429 or 503: `Retry-After`, else a quarter of the limit's window.

    HubSpot leaves `Retry-After` out of some of its 429 answers but names the window. The five
    attempts of a call then span it.
    """
    wait = standard_retry_after(response)
    if wait is not None or response.status_code != 429:
        return wait
    window_ms = response.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
    return int(window_ms) / 4000 if window_ms.isdigit() else None


def error_code(response: "httpx.Response") -> str | None:
    """The error's category (`VALIDATION_ERROR`), which holds no data of the account."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    category = body.get("category") if isinstance(body, dict) else None
    return category if isinstance(category, str) and _CODE.fullmatch(category) else None
