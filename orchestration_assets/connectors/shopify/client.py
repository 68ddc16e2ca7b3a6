"""Calls to Shopify's Admin GraphQL API: cost throttling, and errors that arrive with status 200.

Messages carry error codes only: Shopify's texts may repeat what was searched for.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from orchestration_assets.connectors.kit.client import make_client
from orchestration_assets.connectors.kit.http import (
    ApiClient,
    RetryPolicy,
    standard_retry_after,
)
from orchestration_assets.connectors.kit.limits import CostBucket, shared_limiter
from orchestration_assets.errors import FatalError, RetriableError

if TYPE_CHECKING:
    import httpx

DEFAULT_VERSION = "2026-07"
SECRET_SETTING = "ACCORD_SHOPIFY_TOKEN"  # noqa: S105  (the setting's name)
READ_SCOPES = "the read scopes for customers, orders, products and subscription contracts"

# The smallest plan's bucket; every answer corrects it.
_BUCKET_POINTS = 1000.0
_RESTORE_PER_S = 50.0
_FIRST_COST = 10.0
_THROTTLED_WAIT_S = 1.0

# Another app of the shop may drain the bucket: throttled calls deserve patience.
POLICY = RetryPolicy(attempts=8, seconds=180.0)

_RETRIABLE_CODES = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})


class QueryTooExpensiveError(Exception):
    """A single query costs more than Shopify ever allows: ask for fewer records a page."""


class GraphQLClient:
    """Sends GraphQL documents to one shop.

    Args:
        connection: `base_url`, `token` and, where it is not the default, `api_version`.
        policy: bounds of the retries of one call.
    """

    def __init__(self, connection: Mapping[str, str], policy: RetryPolicy = POLICY) -> None:
        base_url = connection.get("base_url", "")
        version = connection.get("api_version") or DEFAULT_VERSION
        self._path = f"/admin/api/{version}/graphql.json"
        self._bucket: CostBucket = shared_limiter(
            ("shopify", base_url), lambda: CostBucket(_BUCKET_POINTS, _RESTORE_PER_S)
        )
        self._costs: dict[tuple[str, int], float] = {}
        self._api = ApiClient(
            make_client(base_url, {"X-Shopify-Access-Token": connection.get("token", "")}),
            "shopify",
            self._bucket,
            SECRET_SETTING,
            policy=policy,
            retry_after=throttled_for,
        )

    def execute(
        self, document: str, variables: Mapping[str, Any], *, idempotent: bool = True
    ) -> dict[str, Any]:
        """Send one document and return its `data`.

        Raises:
            QueryTooExpensiveError: the query is beyond the limit of a single query.
            FatalError: credentials, scope or a document that the shop's version does not know.
            RetriableError: the shop stayed unavailable or throttled.
        """
        # A document that names its objects costs as much as there are of them.
        priced = document, len(variables.get("ids", ()))
        body = self._api.request(
            "POST",
            self._path,
            json={"query": document, "variables": dict(variables)},
            idempotent=idempotent,
            cost=self._costs.get(priced, _FIRST_COST),
        )
        self._learn_cost(priced, body)
        errors = body.get("errors")
        if errors:
            raise _graphql_error(errors)
        data = body.get("data")
        if not isinstance(data, dict):
            raise RetriableError(
                "shopify: the GraphQL answer holds neither data nor errors.",
                "the same call is made again at the next run.",
            )
        return data

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _learn_cost(self, priced: tuple[str, int], body: Mapping[str, Any]) -> None:
        cost = (body.get("extensions") or {}).get("cost") or {}
        if cost.get("requestedQueryCost"):
            self._costs[priced] = float(cost["requestedQueryCost"])
        status = cost.get("throttleStatus") or {}
        if "currentlyAvailable" in status:
            self._bucket.update(
                float(status["currentlyAvailable"]),
                float(status.get("maximumAvailable") or 0) or None,
                float(status.get("restoreRate") or 0) or None,
            )


def throttled_for(response: "httpx.Response") -> float | None:
    """Seconds to wait where the answer says "throttled", with status 200 as with 429."""
    standard = standard_retry_after(response)
    if response.status_code not in (200, 429):
        return standard
    body = _json_object(response.content) if b"hrottled" in response.content.lower() else {}
    errors = body.get("errors")
    throttled = isinstance(errors, list) and any(_code(error) == "THROTTLED" for error in errors)
    if not throttled:
        return standard
    cost = (body.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    missing = float(cost.get("requestedQueryCost") or 0) - float(
        status.get("currentlyAvailable") or 0
    )
    rate = float(status.get("restoreRate") or 0)
    computed = missing / rate if rate > 0 and missing > 0 else _THROTTLED_WAIT_S
    return max(computed, standard or 0.0)


def _code(error: Any) -> str:
    if not isinstance(error, Mapping):
        return "UNKNOWN"
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    if not code and str(error.get("message", "")).lower().startswith("throttled"):
        return "THROTTLED"
    return str(code or "UNKNOWN")


def _graphql_error(errors: Any) -> Exception:
    if not isinstance(errors, list):  # some refusals carry a plain text
        errors = [{}]
    codes = sorted({_code(error) for error in errors})
    named = ", ".join(codes)
    if "MAX_COST_EXCEEDED" in codes:
        return QueryTooExpensiveError(named)
    if "ACCESS_DENIED" in codes:
        return FatalError(
            f"shopify: the query was refused ({named}).",
            f"give the app behind {SECRET_SETTING} {READ_SCOPES}, and install it again.",
        )
    if _RETRIABLE_CODES & set(codes):
        return RetriableError(
            f"shopify: the query failed ({named}).",
            "the same call is made again at the next run.",
        )
    return FatalError(
        f"shopify: the query was not understood ({named}).",
        "set ACCORD_SHOPIFY_API_VERSION to a version that the connector was built for.",
    )


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
