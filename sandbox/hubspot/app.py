"""The HubSpot application: routes, authentication and rate limit."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.context import SandboxContext
from sandbox.faults import FaultMiddleware
from sandbox.hubspot.batch import Batches
from sandbox.hubspot.errors import (
    RATE_INTERVAL_MS,
    HubSpotError,
    invalid,
    json_response,
    missing_scope,
    not_found,
    not_writable,
    rate_limited,
    render_fault,
    unauthorised,
)
from sandbox.hubspot.incoming import flag, json_body, names, no_links, number
from sandbox.hubspot.render import Renderer, links
from sandbox.hubspot.schema import ObjectType, object_types
from sandbox.hubspot.search import search
from sandbox.hubspot.values import RowError, refuse_unknown
from sandbox.limits import RollingWindow

OBJECTS = ("/crm/v3/objects", "/crm/objects/2026-03")
PROPERTIES = ("/crm/v3/properties", "/crm/properties/2026-03")
ASSOCIATIONS = ("/crm/v4/associations", "/crm/associations/2026-03")
MAX_PAGE, MAX_PAGE_WITH_HISTORY, MAX_LINKED = 100, 50, 1_000
READ_ONLY_SUFFIX = "-read-only"
"""A token with this suffix lacks the scopes for writing."""
WITHOUT = "-without-"
"""With an object type behind it (`...-without-tickets`): a token without that type's scopes."""

Handler = Callable[[Request], Awaitable[Response]]


class HubSpot:
    """The calls; one instance an account.

    Args:
        context: the sandbox.
    """

    def __init__(self, context: SandboxContext) -> None:
        self.context, self.world = context, context.world
        self.kinds = object_types()
        self.batches = {name: Batches(context, kind) for name, kind in self.kinds.items()}
        self.window = RollingWindow(context.tier.hubspot_per_10s, RATE_INTERVAL_MS / 1000)

    def guarded(self, handler: Handler, *, writes: bool) -> Handler:
        """Check token, scope and rate limit before the call, and render its errors."""

        async def endpoint(request: Request) -> Response:
            try:
                self._authorise(request, writes=writes)
                if self.window.take() > 0:
                    raise rate_limited(self.window.limit)
                response = await handler(request)
            except HubSpotError as error:
                response = error.response()
            if response.status_code != 429:
                response.headers["X-HubSpot-RateLimit-Max"] = str(self.window.limit)
                response.headers["X-HubSpot-RateLimit-Remaining"] = str(self.window.remaining)
                interval = str(RATE_INTERVAL_MS)
                response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = interval
            return response

        return endpoint

    async def list_objects(self, request: Request) -> Response:
        """GET: one page in order of identifier."""
        kind, query = self._kind(request), request.query_params
        history = names(query, "propertiesWithHistory")
        limit, most = (
            number(query.get("limit"), 10),
            MAX_PAGE_WITH_HISTORY if history else MAX_PAGE,
        )
        if not 0 < limit <= most:
            raise invalid(f"limit must be between 1 and {most}; was {limit}")
        archived = flag(query, "archived")
        rows = self.world.page_by_id(kind.table, query.get("after"), limit + 1, archived=archived)
        renderer = self._renderer(request, kind)
        body: dict[str, Any] = {"results": [renderer.record(*row) for row in rows[:limit]]}
        if len(rows) > limit:
            after = rows[limit - 1][0]
            link = str(request.url.include_query_params(after=after))
            body["paging"] = {"next": {"after": after, "link": link}}
        return json_response(body)

    async def create_object(self, request: Request) -> Response:
        """POST: one object."""
        kind, body = self._kind(request), await json_body(request)
        refuse_unknown(kind, [body])
        record_id, document, _ = self._single(lambda: self.batches[kind.name].create_one(body))
        self._log(request, 201, [{"id": record_id, "properties": body.get("properties") or {}}])
        return json_response(self._renderer(request, kind).record(record_id, document), 201)

    async def read_object(self, request: Request) -> Response:
        """GET: one object."""
        kind = self._kind(request)
        record_id = self._resolve(request, kind, archived=flag(request.query_params, "archived"))
        document = self.world.tables[kind.table][record_id]
        return json_response(self._renderer(request, kind).record(record_id, document))

    async def update_object(self, request: Request) -> Response:
        """PATCH: one object."""
        kind, body = self._kind(request), await json_body(request)
        refuse_unknown(kind, [body])
        entry = {"id": self._resolve(request, kind), "properties": body.get("properties") or {}}
        record_id, document, _ = self._single(lambda: self.batches[kind.name].update_one(entry))
        self._log(request, 200, [entry])
        return json_response(self._renderer(request, kind).record(record_id, document))

    async def archive_object(self, request: Request) -> Response:
        """DELETE: archive one object; one that is gone already is no error."""
        kind, record_id = self._kind(request), request.path_params["record_id"]
        archived = self.batches[kind.name].archive({"inputs": [{"id": record_id}]})
        self._log(request, 204, archived)
        return Response(status_code=204)

    async def search_objects(self, request: Request) -> Response:
        """POST search."""
        kind, body = self._kind(request), await json_body(request)
        total, offset, rows = search(self.world, kind, body)
        drifts = self.context.faults.drifts("hubspot")
        renderer = Renderer(kind, body.get("properties") or [], drifts=drifts)
        answer: dict[str, Any] = {
            "total": total,
            "results": [renderer.record(*row) for row in rows],
        }
        if offset + len(rows) < total:
            answer["paging"] = {"next": {"after": str(offset + len(rows))}}
        return json_response(answer)

    async def batch(self, request: Request) -> Response:
        """POST batch/{action}: upsert, create, update, read or archive."""
        kind, action = self._kind(request), request.path_params["action"]
        batches, body = self.batches[kind.name], await json_body(request)
        if action == "read":
            archived = flag(request.query_params, "archived")
            status, answer = batches.read(body, archived=archived)
            return json_response(answer, status)
        if action == "archive":
            self._log(request, 204, batches.archive(body))
            return Response(status_code=204)
        writers = {"upsert": batches.upsert, "create": batches.create, "update": batches.update}
        if action not in writers:
            raise not_found()
        status, answer, accepted = writers[action](body)
        self._log(request, status, accepted)
        return json_response(answer, status)

    async def list_properties(self, request: Request) -> Response:
        """GET properties, or one of them."""
        kind, name = self._kind(request), request.path_params.get("name")
        if name is None:
            return json_response(
                {"results": [item.definition() for item in kind.properties.values()]}
            )
        if name not in kind.properties:
            raise not_found()
        return json_response(kind.properties[name].definition())

    async def create_property(self, request: Request) -> Response:
        """POST a property."""
        kind, body = self._kind(request), await json_body(request)
        made = kind.create_property(body)
        self._log(request, 201, [{"name": made.name, "type": made.type}])
        return json_response(made.definition(), 201)

    async def read_links(self, request: Request) -> Response:
        """POST associations batch/read."""
        kind, other = self._kind(request), request.path_params["other"]
        inputs = (await json_body(request)).get("inputs") or []
        if not 0 < len(inputs) <= MAX_LINKED:
            raise invalid(f"between 1 and {MAX_LINKED} inputs are allowed")
        label = {"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}
        results, without = [], []
        for entry in inputs:
            record_id = str(entry.get("id"))
            document = self.world.tables[kind.table].get(record_id)
            found = links(kind, document, other) if document is not None else []
            if found:
                to = [{"toObjectId": int(key), "associationTypes": [label]} for key in found]
                results.append({"from": {"id": record_id}, "to": to})
            else:
                without.append(no_links(kind, other, record_id))
        answer: dict[str, Any] = {"status": "COMPLETE", "results": results}
        if without:
            answer.update(numErrors=len(without), errors=without)
        return json_response(answer, 207 if without else 200)

    def _authorise(self, request: Request, *, writes: bool) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        accepted, kind = self.context.token("hubspot"), request.path_params["kind"]
        token, _, lacking = token.partition(WITHOUT)
        if scheme.lower() != "bearer" or token not in (accepted, accepted + READ_ONLY_SUFFIX):
            raise unauthorised()
        changes = writes and request.path_params.get("action") != "read"
        if kind == lacking or (changes and token != accepted):
            raise missing_scope(f"crm.objects.{kind}.{'write' if changes else 'read'}")
        if changes and self._kind(request).is_read_only:
            raise not_writable(kind)

    def _kind(self, request: Request) -> ObjectType:
        kind = self.kinds.get(request.path_params["kind"])
        if kind is None:
            name = request.path_params["kind"]
            raise invalid(f"Unable to infer object type from: {name}")
        return kind

    def _renderer(self, request: Request, kind: ObjectType) -> Renderer:
        query, drifts = request.query_params, self.context.faults.drifts("hubspot")
        wishes = ("properties", "propertiesWithHistory", "associations")
        return Renderer(kind, *(names(query, wish) for wish in wishes), drifts=drifts)

    def _resolve(self, request: Request, kind: ObjectType, *, archived: bool = False) -> str:
        record_id = self.batches[kind.name].resolve(
            request.path_params["record_id"],
            request.query_params.get("idProperty"),
            archived=archived,
        )
        if record_id is None:
            raise not_found()
        return record_id

    def _single(self, write: Callable[[], Any]) -> Any:
        try:
            return write()
        except RowError as error:
            if error.category == "CONFLICT":
                raise HubSpotError(409, error.category, error.message) from error
            raise invalid(error.message, error.code, {"propertyName": [error.name]}) from error

    def _log(self, request: Request, status: int, rows: list[dict[str, Any]]) -> None:
        if rows:
            log = self.context.request_log
            log.accepted("hubspot", request.method, request.url.path, status, rows)


def create_app(context: SandboxContext) -> Starlette:
    """The HubSpot server of one sandbox."""
    account = HubSpot(context)
    routes: list[Route] = []

    def add(method: str, path: str, handler: Handler, *, writes: bool = False) -> None:
        routes.append(Route(path, account.guarded(handler, writes=writes), methods=[method]))

    for base in PROPERTIES:
        add("GET", f"{base}/{{kind}}", account.list_properties)
        add("POST", f"{base}/{{kind}}", account.create_property, writes=True)
        add("GET", f"{base}/{{kind}}/{{name}}", account.list_properties)
    for base in ASSOCIATIONS:
        add("POST", f"{base}/{{kind}}/{{other}}/batch/read", account.read_links)
    for base in OBJECTS:
        add("POST", f"{base}/{{kind}}/search", account.search_objects)
        add("POST", f"{base}/{{kind}}/batch/{{action}}", account.batch, writes=True)
        add("GET", f"{base}/{{kind}}", account.list_objects)
        add("POST", f"{base}/{{kind}}", account.create_object, writes=True)
        add("GET", f"{base}/{{kind}}/{{record_id}}", account.read_object)
        add("PATCH", f"{base}/{{kind}}/{{record_id}}", account.update_object, writes=True)
        add("DELETE", f"{base}/{{kind}}/{{record_id}}", account.archive_object, writes=True)
    fault = Middleware(
        FaultMiddleware, system="hubspot", context=context, render_error=render_fault
    )
    return Starlette(routes=routes, middleware=[fault])
