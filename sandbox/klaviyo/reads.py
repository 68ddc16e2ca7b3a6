"""The endpoints that read: profiles, events, metrics, lists and jobs."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.klaviyo import resources
from sandbox.klaviyo.errors import answer, not_found
from sandbox.klaviyo.jobs import IMPORT, Job
from sandbox.klaviyo.paging import (
    Read,
    Row,
    collection_links,
    encode,
    page_of_table,
    read_query,
    slice_rows,
)
from sandbox.klaviyo.profiles import TABLE, require_list
from sandbox.klaviyo.rules import Rule

if TYPE_CHECKING:
    from sandbox.klaviyo.server import KlaviyoServer

MAX_EVENTS = 200
SUBSCRIPTIONS = "subscriptions.email.marketing"


def field(name: str) -> Read:
    """The document's value under a name."""
    return lambda _id, document: document.get(name)


def _suppression(name: str) -> Read:
    def read(_id: str, document: dict[str, Any]) -> Any:
        entries = document.get("email_suppressed") or ()
        value = entries[0].get(name) if entries else None
        return datetime.fromisoformat(value) if name == "timestamp" and value else value

    return read


def _nothing(_id: str, _document: dict[str, Any]) -> None:
    return None


PROFILE_READERS: dict[str, Read] = {
    "id": lambda record_id, _document: record_id,
    "email": field("email"),
    "phone_number": field("phone_number"),
    "external_id": field("external_id"),
    "created": field("created_at"),
    "updated": field("updated_at"),
    "_kx": _nothing,
    "push_token": _nothing,
    f"{SUBSCRIPTIONS}.suppression.reason": _suppression("reason"),
    f"{SUBSCRIPTIONS}.suppression.timestamp": _suppression("timestamp"),
    f"{SUBSCRIPTIONS}.list_suppressions.reason": _nothing,
    f"{SUBSCRIPTIONS}.list_suppressions.timestamp": _nothing,
    f"{SUBSCRIPTIONS}.list_suppressions.list_id": _nothing,
}
EVENT_READERS: dict[str, Read] = {
    "metric_id": field("metric_id"),
    "profile_id": field("profile_id"),
    "profile": field("profile_id"),
    "metric": field("metric_id"),
    "datetime": field("updated_at"),
    "timestamp": lambda _id, document: document["updated_at"].timestamp(),
}
LIST_READERS: dict[str, Read] = {
    "id": lambda record_id, _document: record_id,
    "name": field("name"),
    "created": field("created_at"),
    "updated": field("updated_at"),
}
METRIC_READERS: dict[str, Read] = {
    "id": lambda record_id, _document: record_id,
    "integration.name": lambda _id, _document: "API",
    "integration.category": lambda _id, _document: "API",
}


def wanted_fields(request: Request, kind: str) -> frozenset[str] | None:
    """The sparse fields asked for; None for all of them."""
    text = request.query_params.get(f"fields[{kind}]")
    return frozenset(text.split(",")) if text else None


def _show_profile(server: "KlaviyoServer", request: Request, row: Row) -> dict[str, Any]:
    asked = request.query_params.get("additional-fields[profile]") or ""
    resource = resources.profile_resource(
        server.base_url(request),
        *row,
        subscriptions="subscriptions" in asked.split(","),
        drifts=server.context.faults.drifts("klaviyo"),
    )
    return resources.sparse(resource, wanted_fields(request, "profile"))


def collection(
    server: "KlaviyoServer", request: Request, data: list[Any], cursor: str | None
) -> dict[str, Any]:
    """The body of a page."""
    links = collection_links(request, server.base_url(request), cursor)
    return {"data": data, "links": links}


async def get_profiles(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/profiles`."""
    asked = read_query(request, rule, "id")
    rows, cursor = page_of_table(server.world, TABLE, asked, PROFILE_READERS, "updated")
    data = [_show_profile(server, request, row) for row in rows]
    return answer(collection(server, request, data, cursor))


async def get_profile(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`GET /api/profiles/{id}`."""
    profile_id = request.path_params["id"]
    document = server.world.tables[TABLE].get(profile_id)
    if document is None or document["archived_at"] is not None:
        raise not_found("profile", profile_id)
    data = _show_profile(server, request, (profile_id, document))
    return answer({"data": data, "links": {"self": data["links"]["self"]}})


async def get_events(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/events`; the vendor takes sizes up to 1,000 and gives at most 200."""
    asked = read_query(request, rule, "-datetime")
    asked.size = min(asked.size, MAX_EVENTS)
    asked.sort = "datetime"
    rows, cursor = page_of_table(server.world, "klaviyo.events", asked, EVENT_READERS, "datetime")
    base_url = server.base_url(request)
    wanted = wanted_fields(request, "event")
    data = [resources.sparse(resources.event_resource(base_url, *row), wanted) for row in rows]
    body = collection(server, request, data, cursor)
    if asked.include:
        body["included"] = _included(server, request, rows, asked.include)
    return answer(body)


def _included(
    server: "KlaviyoServer", request: Request, rows: list[Row], include: frozenset[str]
) -> list[dict[str, Any]]:
    base_url = server.base_url(request)
    found = []
    if "metric" in include:
        metrics = server.world.tables["klaviyo.metrics"]
        for metric_id in dict.fromkeys(document["metric_id"] for _, document in rows):
            if metric_id in metrics:
                resource = resources.metric_resource(base_url, metric_id, metrics[metric_id])
                found.append(resources.sparse(resource, wanted_fields(request, "metric")))
    if "profile" in include:
        profiles = server.world.tables[TABLE]
        for profile_id in dict.fromkeys(document["profile_id"] for _, document in rows):
            document = profiles.get(profile_id)
            if document is not None and document["archived_at"] is None:
                resource = resources.profile_resource(base_url, profile_id, document)
                found.append(resources.sparse(resource, wanted_fields(request, "profile")))
    return found


async def get_metrics(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/metrics`."""
    asked = read_query(request, rule, "id")
    rows, cursor = page_of_table(server.world, "klaviyo.metrics", asked, METRIC_READERS, "")
    base_url, wanted = server.base_url(request), wanted_fields(request, "metric")
    data = [resources.sparse(resources.metric_resource(base_url, *row), wanted) for row in rows]
    return answer(collection(server, request, data, cursor))


async def get_lists(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/lists`."""
    asked = read_query(request, rule, "id")
    rows, cursor = page_of_table(server.world, "klaviyo.lists", asked, LIST_READERS, "updated")
    base_url, wanted = server.base_url(request), wanted_fields(request, "list")
    data = [resources.sparse(resources.list_resource(base_url, *row), wanted) for row in rows]
    return answer(collection(server, request, data, cursor))


async def get_list(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`GET /api/lists/{id}`."""
    list_id = request.path_params["id"]
    document = require_list(server.world, list_id)
    data = resources.list_resource(server.base_url(request), list_id, document)
    return answer({"data": data, "links": {"self": data["links"]["self"]}})


def _members(
    server: "KlaviyoServer", request: Request, rule: Rule
) -> tuple[list[Row], str | None, dict[str, Any]]:
    """A page of a list's members in order of joining, and when each joined."""
    world, list_id = server.world, request.path_params["id"]
    require_list(world, list_id)
    asked = read_query(request, rule, "joined_group_at")
    profiles, members = world.tables[TABLE], world.tables["klaviyo.list_members"]
    joined = {
        members[key]["profile_id"]: members[key].get("joined_at")
        for key in world.find("klaviyo.list_members", "list_id", list_id)
    }

    def joined_at(profile_id: str, _document: dict[str, Any]) -> Any:
        return joined[profile_id]

    readers = PROFILE_READERS | {"joined_group_at": joined_at}
    rows = [
        (profile_id, profiles[profile_id])
        for profile_id in joined
        if profile_id in profiles
        and profiles[profile_id]["archived_at"] is None
        and all(
            c.holds(readers[c.field](profile_id, profiles[profile_id])) for c in asked.conditions
        )
    ]
    page, cursor = slice_rows(rows, asked, joined_at)
    return page, cursor, joined


async def get_list_profiles(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/lists/{id}/profiles`."""
    rows, cursor, joined = _members(server, request, rule)
    data = []
    for row in rows:
        resource = _show_profile(server, request, row)
        resource["attributes"]["joined_group_at"] = resources.stamp(joined[row[0]])
        data.append(resource)
    return answer(collection(server, request, data, cursor))


async def get_list_profile_ids(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/lists/{id}/relationships/profiles`."""
    rows, cursor, _joined = _members(server, request, rule)
    data = [{"type": "profile", "id": profile_id} for profile_id, _document in rows]
    return answer(collection(server, request, data, cursor))


def show_job(server: "KlaviyoServer", request: Request, job: Job) -> dict[str, Any]:
    """The body that tells about a job."""
    data = resources.job_resource(
        server.base_url(request), job.kind, job.id, job.attributes(), job.list_ids
    )
    return {"data": data, "links": {"self": data["links"]["self"]}}


def _job(server: "KlaviyoServer", request: Request, kind: str) -> Job:
    job_id = request.path_params.get("job_id") or request.path_params["id"]
    job = server.jobs.find(kind, job_id)
    if job is None:
        raise not_found(kind, job_id)
    return job


async def get_job(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/<kind>s/{job_id}`; the kind is the path's."""
    kind = rule.endpoint.split("/")[2].removesuffix("s")
    return answer(show_job(server, request, _job(server, request, kind)))


async def get_import_jobs(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/profile-bulk-import-jobs`."""
    asked = read_query(request, rule, "-created_at")
    jobs = [job for job in server.jobs.by_id.values() if job.kind == IMPORT]
    jobs = [job for job in jobs if all(c.holds(job.status) for c in asked.conditions)]
    jobs.sort(key=lambda job: job.created_at, reverse=asked.reverse)
    data = [show_job(server, request, job)["data"] for job in jobs]
    return _slice(server, request, data, rule)


async def get_import_errors(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/profile-bulk-import-jobs/{id}/import-errors`."""
    return _slice(server, request, _job(server, request, IMPORT).errors, rule)


async def get_import_profiles(server: "KlaviyoServer", request: Request, rule: Rule) -> Response:
    """`GET /api/profile-bulk-import-jobs/{id}/profiles`."""
    profiles = server.world.tables[TABLE]
    data = [
        _show_profile(server, request, (profile_id, profiles[profile_id]))
        for profile_id in _job(server, request, IMPORT).profile_ids
    ]
    return _slice(server, request, data, rule)


def _slice(server: "KlaviyoServer", request: Request, data: list[Any], rule: Rule) -> Response:
    asked = read_query(request, rule, "")
    start = int(asked.after[0]) if asked.after else 0
    stop = start + asked.size
    cursor = encode(stop, "") if len(data) > stop else None
    return answer(collection(server, request, data[start:stop], cursor))
