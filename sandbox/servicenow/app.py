"""ServiceNow's Table API for one table, `incident`: list, read, create and change.

A resolved incident needs a code and notes, as the data policy of a new instance has it.
"""

import base64
import binascii
import secrets
import uuid
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.context import SandboxContext
from sandbox.faults import ErrorKind, FaultMiddleware
from sandbox.servicenow.query import matching

USER = "accord"
TABLE = "/api/now/table/incident"
RESOLVED = ("6", "7")
DEFAULTS = {"state": "1", "active": "true", "impact": "3", "urgency": "3"}
DEFAULT_LIMIT = 10_000


def failure(
    status: int, message: str, detail: str = "", headers: dict[str, str] | None = None
) -> Response:
    """An error as the instance says it."""
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return JSONResponse(body, status, headers)


def render_fault(kind: ErrorKind, retry_after: int) -> Response:
    """A fault as the instance says it."""
    match kind:
        case ErrorKind.RATE_LIMITED:
            detail = "Rate limit of 100 requests per hour for Table API exceeded"
            headers = {"Retry-After": str(retry_after)}
            return failure(429, "Rate limit exceeded", detail, headers)
        case ErrorKind.UNAUTHORISED:
            return failure(401, "User Not Authenticated", "Required to provide Auth information")
        case ErrorKind.UNAVAILABLE:
            return failure(503, "Service unavailable")
        case _:
            return failure(500, "Internal error")


class Table:
    """The records of the table, by `sys_id`."""

    def __init__(self, context: SandboxContext) -> None:
        self.context = context
        self.rows: dict[str, dict[str, str]] = {}

    def create(self, fields: dict[str, Any]) -> dict[str, str]:
        """Add a record and number it."""
        now = self._now()
        row = {**DEFAULTS, **{name: str(value) for name, value in fields.items()}}
        row |= {
            "sys_id": uuid.uuid4().hex,
            "number": f"INC{len(self.rows) + 1:07}",
            "sys_created_on": now,
            "sys_updated_on": now,
        }
        self.rows[row["sys_id"]] = row
        return row

    def change(self, row: dict[str, str], fields: dict[str, Any]) -> bool:
        """Change a record; False when the data policy forbids it."""
        changed = row | {name: str(value) for name, value in fields.items()}
        needed = (changed.get("close_code"), changed.get("close_notes"))
        if changed["state"] in RESOLVED and not all(needed):
            return False
        changed["active"] = "false" if changed["state"] in ("7", "8") else "true"
        row |= changed | {"sys_id": row["sys_id"], "sys_updated_on": self._now()}
        return True

    def _now(self) -> str:
        return f"{self.context.world.clock():%Y-%m-%d %H:%M:%S}"


def _shown(row: dict[str, str], request: Request) -> dict[str, Any]:
    """The fields that were asked for, in the form that was asked for."""
    names = request.query_params.get("sysparm_fields", "")
    wanted = names.split(",") if names else list(row)
    fields = {name: row.get(name, "") for name in wanted}
    if request.query_params.get("sysparm_display_value") != "all":
        return fields
    return {name: {"value": value, "display_value": value} for name, value in fields.items()}


def _is_known(request: Request, context: SandboxContext) -> bool:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    known = secrets.compare_digest(password.encode(), context.token("servicenow").encode())
    return scheme.lower() == "basic" and user == USER and known


async def _fields(request: Request) -> dict[str, Any] | None:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def create_app(context: SandboxContext) -> Starlette:
    """The ServiceNow instance of one sandbox."""
    table = Table(context)

    async def records(request: Request) -> Response:
        if not _is_known(request, context):
            return render_fault(ErrorKind.UNAUTHORISED, 0)
        if request.method == "POST":
            fields = await _fields(request)
            if fields is None:
                return failure(400, "Exception while reading request", "The payload is not valid")
            row = table.create(fields)
            context.keep("servicenow", {"created": dict(row)})
            return JSONResponse({"result": _shown(row, request)}, 201)
        found = matching(table.rows.values(), request.query_params.get("sysparm_query", ""))
        start = int(request.query_params.get("sysparm_offset", 0))
        limit = int(request.query_params.get("sysparm_limit", DEFAULT_LIMIT))
        page = [_shown(row, request) for row in found[start : start + limit]]
        return JSONResponse({"result": page}, headers={"X-Total-Count": str(len(found))})

    async def record(request: Request) -> Response:
        if not _is_known(request, context):
            return render_fault(ErrorKind.UNAUTHORISED, 0)
        row = table.rows.get(request.path_params["sys_id"])
        if row is None:
            detail = "Record doesn't exist or ACL restricts the record retrieval"
            return failure(404, "No Record found", detail)
        if request.method in ("PATCH", "PUT"):
            fields = await _fields(request)
            if fields is None:
                return failure(400, "Exception while reading request", "The payload is not valid")
            if not table.change(row, fields):
                detail = "Data Policy Exception: Resolution code and notes are mandatory"
                return failure(403, "Operation Failed", detail)
            context.keep("servicenow", {"changed": row["sys_id"], **fields})
        return JSONResponse({"result": _shown(row, request)})

    routes = [
        Route(TABLE, records, methods=["GET", "POST"]),
        Route(f"{TABLE}/{{sys_id}}", record, methods=["GET", "PATCH", "PUT"]),
    ]
    fault = Middleware(
        FaultMiddleware, system="servicenow", context=context, render_error=render_fault
    )
    return Starlette(routes=routes, middleware=[fault])
