"""The Shopify server: authentication, GraphQL over HTTP, throttling, results of bulk operations."""

import re
from pathlib import Path
from typing import Any

import orjson
from graphql import (
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLError,
    OperationDefinitionNode,
    get_operation_ast,
)
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sandbox.context import SandboxContext
from sandbox.faults import ErrorKind, FaultMiddleware
from sandbox.shopify.bulk import BulkOperations
from sandbox.shopify.cost import MAX_QUERY_COST, CostBucket, CostModel
from sandbox.shopify.executor import attach, run
from sandbox.shopify.mutations import PAYLOADS
from sandbox.shopify.resolvers import RESOLVERS
from sandbox.shopify.runtime import Runtime
from sandbox.shopify.schema import Checked, QueryChecker, load_subset
from sandbox.vendor_specs import SHOPIFY_SCHEMA, find_vendor_file

SERVED_VERSION = "2026-07"
VERSION = re.compile(r"\d{4}-(01|04|07|10)|unstable")
BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105
LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits"
ALL_RESOLVERS = RESOLVERS | PAYLOADS


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    base = {"X-Shopify-API-Version": SERVED_VERSION}
    return Response(
        orjson.dumps(body),
        status,
        headers=base | (headers or {}),
        media_type="application/json; charset=utf-8",
    )


def _throttled(extensions: dict[str, Any] | None = None) -> Response:
    error = {
        "message": "Throttled",
        "extensions": {"code": "THROTTLED", "documentation": LIMITS_PAGE},
    }
    return _json({"errors": [error]} | (extensions or {}))


def render_error(kind: ErrorKind, retry_after: int) -> Response:
    """A fault in the vendor's own form."""
    match kind:
        case ErrorKind.RATE_LIMITED:
            return _throttled()
        case ErrorKind.UNAUTHORISED:
            return _json({"errors": BAD_TOKEN}, 401)
        case ErrorKind.UNAVAILABLE:
            return _json({"errors": "Service Unavailable"}, 503, {"Retry-After": str(retry_after)})
        case _:
            return _json({"errors": "Internal Server Error"}, 500)


class ShopifyServer:
    """One shop and the app that reads it.

    Args:
        context: the sandbox.
        vendor_file: the vendor's schema, None where it is absent.
    """

    def __init__(self, context: SandboxContext, vendor_file: Path | None) -> None:
        self.context = context
        self.schema = load_subset()
        attach(self.schema, ALL_RESOLVERS)
        self.checker = QueryChecker(self.schema, vendor_file)
        self.bulk = BulkOperations(context, self.schema, ALL_RESOLVERS)
        self.bucket = CostBucket(context.tier.shopify_bucket, context.tier.shopify_points_per_s)
        codes = self.schema.type_map["CountryCode"]
        self.countries = (
            frozenset(codes.values) if isinstance(codes, GraphQLEnumType) else frozenset()
        )

    async def graphql(self, request: Request) -> Response:
        """`POST /admin/api/{version}/graphql.json`."""
        if not VERSION.fullmatch(request.path_params["version"]):
            return _json({"errors": "Not Found"}, 404)
        token = request.headers.get("x-shopify-access-token")
        if token != self.context.token("shopify"):
            return _json({"errors": BAD_TOKEN}, 401)
        try:
            body = orjson.loads(await request.body())
            query, variables = body["query"], body.get("variables") or {}
        except (ValueError, KeyError, TypeError):
            message = "Required parameter missing or invalid: query"
            return _json({"errors": {"query": message}}, 400)
        checked = self.checker.check(query)
        if checked.errors or checked.document is None:
            return _json({"errors": [error.formatted for error in checked.errors]})
        operation = get_operation_ast(checked.document, body.get("operationName"))
        if operation is None:
            return _json({"errors": [{"message": "No operation to execute."}]})
        return self._answer(request, checked, operation, variables)

    def _answer(
        self,
        request: Request,
        checked: Checked,
        operation: OperationDefinitionNode,
        variables: dict[str, Any],
    ) -> Response:
        """Pay for a valid query, run it and write the answer."""
        document = checked.document
        if document is None:
            raise ValueError("A valid query has a document.")
        model = CostModel(
            self.schema,
            {
                node.name.value: node
                for node in document.definitions
                if isinstance(node, FragmentDefinitionNode)
            },
            variables,
        )
        try:
            requested = model.requested(operation)
        except GraphQLError as error:
            return _json({"errors": [error.formatted]})
        if requested > MAX_QUERY_COST:
            return _json({"errors": [_too_costly(requested)]})
        if not self.bucket.take(requested):
            return _throttled({"extensions": {"cost": self._cost(requested, None)}})
        runtime = Runtime(
            self.context,
            self.bulk,
            path=request.url.path,
            base_url=str(request.base_url).rstrip("/"),
            countries=self.countries,
            checker=self.checker,
        )
        name = operation.name.value if operation.name else None
        result = run(self.schema, ALL_RESOLVERS, document, variables, name, runtime)
        actual = model.actual(operation, result.data)
        self.bucket.give_back(requested - actual)
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        extensions: dict[str, Any] = {"cost": self._cost(requested, actual)}
        if runtime.warnings:
            extensions["search"] = runtime.warnings
        answer["extensions"] = extensions
        return _json(answer)

    def _cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": self.bucket.status(),
        }

    async def bulk_result(self, request: Request) -> Response:
        """The JSONL file of a bulk operation; like the vendor's signed links, without a token."""
        number = request.path_params["number"]
        operation = self.bulk.get(f"gid://shopify/BulkOperation/{number}")
        if operation is None or not (operation.url or operation.partial_url):
            return Response("Not Found", 404)
        return FileResponse(self.bulk.path(number), media_type="application/jsonl")


def _too_costly(cost: int) -> dict[str, Any]:
    return {
        "message": f"Query cost is {cost}, which exceeds the single query max cost limit "
        f"({MAX_QUERY_COST}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": cost,
            "maxCost": MAX_QUERY_COST,
            "documentation": LIMITS_PAGE,
        },
    }


def create_app(context: SandboxContext, vendor_specs: Path | None = None) -> Starlette:
    """The Shopify application.

    Args:
        context: the sandbox.
        vendor_specs: folder of the vendors' files; None looks in the default place.
    """
    server = ShopifyServer(context, find_vendor_file(SHOPIFY_SCHEMA, vendor_specs))
    app = Starlette(
        routes=[
            Route("/admin/api/{version}/graphql.json", server.graphql, methods=["POST"]),
            Route("/sandbox/bulk/{number:int}.jsonl", server.bulk_result, methods=["GET"]),
        ],
        middleware=[
            Middleware(
                FaultMiddleware,
                system="shopify",
                context=context,
                render_error=render_error,
            )
        ],
    )
    app.state.server = server
    return app
