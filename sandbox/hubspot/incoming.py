"""Reads what comes in: lists of names, numbers, JSON bodies."""

from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request

from sandbox.hubspot.errors import invalid
from sandbox.hubspot.schema import ObjectType


def no_links(kind: ObjectType, other: str, record_id: str) -> dict[str, Any]:
    """The error for an object without links."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other} is associated with {kind.name} {record_id}.",
        "context": {
            "fromObjectId": [record_id],
            "fromObjectType": [kind.name],
            "toObjectType": [other],
        },
    }


def names(query: QueryParams, parameter: str) -> list[str]:
    """The names in a parameter, separated by commas or given one by one."""
    listed = ",".join(query.getlist(parameter))
    return [name.strip() for name in listed.split(",") if name.strip()]


def flag(query: QueryParams, parameter: str) -> bool:
    """Whether a parameter says true."""
    return query.get(parameter, "").lower() == "true"


def number(text: str | None, default: int) -> int:
    """A whole number, the default where there is none."""
    try:
        return default if text is None else int(text)
    except ValueError as error:
        raise invalid("limit must be a number") from error


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object of the request."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise invalid("Invalid input JSON") from error
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON: an object is required")
    return body
