"""The endpoints that write profiles: imports, lists, suppressions and erasures."""

from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.klaviyo import resources
from sandbox.klaviyo.errors import KlaviyoError, answer, invalid, not_found
from sandbox.klaviyo.jobs import SUPPRESS, UNSUPPRESS
from sandbox.klaviyo.profiles import (
    EMAIL,
    TABLE,
    accepted_row,
    check_profile,
    join_list,
    leave_list,
    require_list,
    save_profile,
)
from sandbox.klaviyo.reads import show_job
from sandbox.klaviyo.rules import Rule

if TYPE_CHECKING:
    from sandbox.klaviyo.server import KlaviyoServer

MAX_IMPORT_ROWS = 10_000
MAX_IMPORT_BYTES = 5_000_000
MAX_PROFILE_BYTES = 100_000
MAX_MEMBERS = 1_000
MAX_SUPPRESSIONS = 100


async def read_data(request: Request, kind: str | None) -> Any:
    """The `data` of a JSON:API body.

    Raises:
        KlaviyoError: it is no JSON, or of another type.
    """
    try:
        data = orjson.loads(await request.body())["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise invalid("The request body must be JSON with a 'data' member.") from error
    if kind is not None and (not isinstance(data, dict) or data.get("type") != kind):
        raise invalid(f"The resource must be of type '{kind}'.", pointer="/data/type")
    return data


def dig(data: Any, *path: str) -> Any:
    """The value at this path, None where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _related(data: dict[str, Any], name: str) -> list[str]:
    found = dig(data, "relationships", name, "data")
    entries = found if isinstance(found, list) else [found] if found else []
    return [str(entry["id"]) for entry in entries]


async def import_profile(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`POST /api/profile-import`: 201 for a new profile, 200 for a known one."""
    if len(await request.body()) > MAX_PROFILE_BYTES:
        raise too_large("100KB")
    resource = await read_data(request, "profile")
    check_profile(resource)
    if server.context.faults.row_fails("klaviyo"):
        raise invalid("The profile could not be processed.", pointer="/data/attributes")
    profile_id, is_new = save_profile(server.world, resource)
    status = 201 if is_new else 200
    server.accepted(request, status, [accepted_row(profile_id, resource)])
    document = server.world.tables[TABLE][profile_id]
    asked = request.query_params.get("additional-fields[profile]") or ""
    data = resources.profile_resource(
        server.base_url(request), profile_id, document, subscriptions="subscriptions" in asked
    )
    return answer({"data": data, "links": {"self": data["links"]["self"]}}, status)


def too_large(limit: str) -> KlaviyoError:
    """HTTP 413."""
    detail = f"The payload size must not exceed {limit}."
    return KlaviyoError(413, "payload_too_large", "Payload too large.", detail)


async def bulk_import(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`POST /api/profile-bulk-import-jobs`: 202; each row's fate is told by the job."""
    if len(await request.body()) > MAX_IMPORT_BYTES:
        raise too_large("5MB")
    data = await read_data(request, "profile-bulk-import-job")
    pointer = "/data/attributes/profiles/data"
    profiles = dig(data, "attributes", "profiles", "data")
    if not isinstance(profiles, list) or not profiles:
        raise invalid("At least one profile is required.", pointer=pointer)
    if len(profiles) > MAX_IMPORT_ROWS:
        raise invalid(f"At most {MAX_IMPORT_ROWS} profiles are allowed.", pointer=pointer)
    list_ids = _related(data, "lists")
    for list_id in list_ids:
        require_list(server.world, list_id)
    job = server.jobs.start_import(profiles, list_ids, request.url.path)
    return answer(show_job(server, request, job), 202)


async def create_list(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`POST /api/lists`."""
    data = await read_data(request, "list")
    name = dig(data, "attributes", "name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("'name' is a required field.", pointer="/data/attributes/name")
    list_id = f"L{len(server.world.tables['klaviyo.lists']):05d}"
    opt_in = dig(data, "attributes", "opt_in_process") or "double_opt_in"
    fields = {"name": name, "opt_in_process": opt_in}
    document = server.world.upsert("klaviyo.lists", list_id, fields)
    server.accepted(request, 201, [{"id": list_id, "name": name}])
    shown = resources.list_resource(server.base_url(request), list_id, document)
    return answer({"data": shown, "links": {"self": shown["links"]["self"]}}, 201)


async def change_members(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`POST` and `DELETE /api/lists/{id}/relationships/profiles`: 204."""
    world, list_id = server.world, request.path_params["id"]
    require_list(world, list_id)
    data = await read_data(request, None)
    if not isinstance(data, list) or not data:
        raise invalid("'data' must be a list of profiles.", pointer="/data")
    if len(data) > MAX_MEMBERS:
        raise invalid(f"At most {MAX_MEMBERS} profiles are allowed.", pointer="/data")
    ids = [str(entry.get("id")) for entry in data]
    for profile_id in ids:
        document = world.tables[TABLE].get(profile_id)
        if document is None or document["archived_at"] is not None:
            raise not_found("profile", profile_id)
    change = join_list if request.method == "POST" else leave_list
    rows = []
    for profile_id in ids:
        change(world, list_id, profile_id)
        rows.append({"list_id": list_id, "profile_id": profile_id})
    server.accepted(request, 204, rows)
    return Response(status_code=204)


async def suppress(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`POST /api/profile-suppression-bulk-{create,delete}-jobs`: 202."""
    kind = SUPPRESS if "create" in rule.endpoint else UNSUPPRESS
    data = await read_data(request, kind)
    entries = dig(data, "attributes", "profiles", "data") or []
    emails = [dig(entry, "attributes", "email") for entry in entries]
    pointer = "/data/attributes/profiles/data"
    if len(emails) > MAX_SUPPRESSIONS:
        raise invalid(f"At most {MAX_SUPPRESSIONS} profiles are allowed.", pointer=pointer)
    for position, email in enumerate(emails):
        if not isinstance(email, str) or not EMAIL.fullmatch(email):
            raise invalid("Invalid email address", pointer=f"{pointer}/{position}/attributes/email")
    list_ids = _related(data, "list")
    world = server.world
    for list_id in list_ids:
        require_list(world, list_id)
        for key in world.find("klaviyo.list_members", "list_id", list_id):
            member = world.tables["klaviyo.list_members"][key]["profile_id"]
            email = world.tables[TABLE].get(member, {}).get("email")
            emails += [email] if email else []
    if not emails:
        raise invalid("Profiles, a list or a segment are required.", pointer=pointer)
    job = server.jobs.start_suppression(kind, emails, list_ids, request.url.path)
    return answer(show_job(server, request, job), 202)


async def request_erasure(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`POST /api/data-privacy-deletion-jobs`: 202; exactly one identifier."""
    data = await read_data(request, "data-privacy-deletion-job")
    profile = dig(data, "attributes", "profile", "data") or {}
    attributes = profile.get("attributes") or {}
    given = {name: attributes.get(name) for name in ("email", "phone_number")}
    given["id"] = profile.get("id")
    named = {name: value for name, value in given.items() if value}
    if len(named) != 1:
        raise invalid(
            "Exactly one of `email`, `phone_number` or `id` is required.",
            pointer="/data/attributes/profile/data",
        )
    name, value = next(iter(named.items()))
    rows = server.world.tables[TABLE]
    if name == "id":
        found = [value] if value in rows and rows[value]["archived_at"] is None else []
    else:
        found = server.world.find(TABLE, name, value)
    server.jobs.start_erasure(found)
    server.accepted(request, 202, [{"erase": name, "profile_ids": found}])
    return Response(status_code=202)
