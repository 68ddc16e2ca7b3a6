"""The endpoints that take events, one at a time and in bulk.

An event happens once for each profile, metric and `unique_id`. One that comes again in a later
request is taken and has no effect; one that stands twice in one bulk request fails that request,
as the vendor's file says. The bulk endpoint takes a request whole or refuses it whole, with an
error for each event that is wrong.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.klaviyo.errors import KlaviyoError, ManyReasonsError, invalid
from sandbox.klaviyo.profiles import IDENTIFIERS, TABLE, check_profile, find_profile, save_profile
from sandbox.klaviyo.rules import Rule
from sandbox.klaviyo.writes import dig, read_data, too_large
from sandbox.world.model import normalise

if TYPE_CHECKING:
    from sandbox.klaviyo.server import KlaviyoServer

MAX_EVENTS = 1_000
MAX_BYTES = 5_000_000
MAX_PROPERTIES = 400
MAX_STRING_BYTES = 100_000
METRIC_NAME_LENGTH = 128
LAST_REFUSED_YEAR = 1990
FURTHEST = timedelta(days=365)
BULK_POINTER = "/data/attributes/events-bulk-create/data"


@dataclass(frozen=True, slots=True)
class Event:
    """An event that nothing is wrong with."""

    profile: dict[str, Any]
    metric_name: str
    moment: datetime
    unique_id: str
    properties: dict[str, Any]


async def create_event(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`POST /api/events`: 202."""
    seen_at = time.time()
    if len(await request.body()) > MAX_BYTES:
        raise too_large("5MB")
    data = await read_data(request, "event")
    pointer = "/data/attributes"
    profile = dig(data, "attributes", "profile", "data")
    check_profile(profile, f"{pointer}/profile/data")
    find_profile(server.world, profile)
    event = _checked(data.get("attributes"), pointer, profile, server.world.clock())
    _record(server, request, [event], seen_at)
    return Response(status_code=202)


async def create_events(server: "KlaviyoServer", request: Request, _rule: Rule) -> Response:
    """`POST /api/event-bulk-create-jobs`: 202 without a body; there is no job to look at."""
    seen_at = time.time()
    if len(await request.body()) > MAX_BYTES:
        raise too_large("5MB")
    data = await read_data(request, "event-bulk-create-job")
    groups = dig(data, "attributes", "events-bulk-create", "data")
    if not isinstance(groups, list) or not groups:
        raise invalid("At least one event is required.", pointer=BULK_POINTER)
    counts = [len(_entries(group)) for group in groups]
    if sum(counts) > MAX_EVENTS:
        raise invalid(f"At most {MAX_EVENTS} events are allowed.", pointer=BULK_POINTER)
    errors: list[KlaviyoError] = []
    events: list[Event] = []
    seen: set[tuple[Any, ...]] = set()
    for number, group in enumerate(groups):
        for found in _events_of(server, group, f"{BULK_POINTER}/{number}", seen):
            if isinstance(found, KlaviyoError):
                errors.append(found)
            else:
                events.append(found)
    if errors:
        raise ManyReasonsError(errors)
    _record(server, request, events, seen_at)
    return Response(status_code=202)


def _entries(group: Any) -> list[Any]:
    found = dig(group, "attributes", "events", "data")
    return found if isinstance(found, list) else []


def _events_of(
    server: "KlaviyoServer", group: Any, pointer: str, seen: set[tuple[str, ...]]
) -> Iterator[Event | KlaviyoError]:
    """What one profile's part of a bulk request holds: its events, and what is wrong."""
    if dig(group, "type") != "event-bulk-create":
        detail = "The resource must be of type 'event-bulk-create'."
        yield invalid(detail, pointer=f"{pointer}/type")
        return
    pointer = f"{pointer}/attributes"
    profile = dig(group, "attributes", "profile", "data")
    try:
        check_profile(profile, f"{pointer}/profile/data")
        profile_id = find_profile(server.world, profile)
    except KlaviyoError as error:
        missing = invalid(error.detail, pointer=f"{pointer}/profile/data/id")
        yield missing if error.status == 404 else error
        return
    entries = _entries(group)
    if not entries:
        yield invalid("'events' is a required field.", pointer=f"{pointer}/events/data")
    who = profile_id or _identity(profile)
    now = server.world.clock()
    for number, entry in enumerate(entries):
        place = f"{pointer}/events/data/{number}"
        try:
            if dig(entry, "type") != "event":
                raise invalid("The resource must be of type 'event'.", pointer=f"{place}/type")
            event = _checked(entry.get("attributes"), f"{place}/attributes", profile, now)
            if server.event_fails(event.unique_id):
                raise invalid("The event could not be processed.", pointer=f"{place}/attributes")
            key = (who, event.metric_name, event.unique_id)
            if key in seen and dig(entry, "attributes", "unique_id"):
                detail = "'unique_id' is repeated for the same profile and metric."
                raise invalid(detail, pointer=f"{place}/attributes/unique_id")
            seen.add(key)
            yield event
        except KlaviyoError as error:
            yield error


def _identity(profile: dict[str, Any]) -> str:
    given = profile["attributes"]
    return next(f"{name}={normalise(given[name])}" for name in IDENTIFIERS if given.get(name))


def _checked(attributes: Any, pointer: str, profile: dict[str, Any], now: datetime) -> Event:
    """The event that these attributes describe.

    Raises:
        KlaviyoError: the vendor would refuse it.
    """
    name = dig(attributes, "metric", "data", "attributes", "name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("'metric' is a required field.", pointer=f"{pointer}/metric")
    if len(name) >= METRIC_NAME_LENGTH:
        detail = f"'name' must have less than {METRIC_NAME_LENGTH} characters."
        raise invalid(detail, pointer=f"{pointer}/metric/data/attributes/name")
    properties = attributes.get("properties")
    if not isinstance(properties, dict):
        raise invalid("'properties' is a required field.", pointer=f"{pointer}/properties")
    if len(properties) > MAX_PROPERTIES:
        detail = f"At most {MAX_PROPERTIES} properties are allowed."
        raise invalid(detail, pointer=f"{pointer}/properties")
    for key, value in properties.items():
        if _longest(value) > MAX_STRING_BYTES:
            raise invalid("A string exceeds 100KB.", pointer=f"{pointer}/properties/{key}")
    moment = _moment(attributes.get("time"), now, f"{pointer}/time")
    unique_id, value = attributes.get("unique_id"), attributes.get("value")
    currency = attributes.get("value_currency")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise invalid("'value' must be a number.", pointer=f"{pointer}/value")
    for text, field in ((unique_id, "unique_id"), (currency, "value_currency")):
        if text is not None and not isinstance(text, str):
            raise invalid(f"'{field}' must be a string.", pointer=f"{pointer}/{field}")
    worth = {"$value": value, "$currency_code": currency} if value is not None else {}
    kept = properties | {key: part for key, part in worth.items() if part is not None}
    return Event(profile, name, moment, unique_id or str(int(moment.timestamp())), kept)


def _longest(value: Any) -> int:
    """Bytes of the longest string in a JSON value."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, dict):
        value = list(value.values())
    return max(map(_longest, value), default=0) if isinstance(value, list) else 0


def _moment(value: Any, now: datetime, pointer: str) -> datetime:
    """The time to the second: the one given, or that of the receipt."""
    if value is None:
        return now.replace(microsecond=0)
    try:
        given = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise invalid("'time' is no date-time.", pointer=pointer) from error
    moment = given if given.tzinfo else given.replace(tzinfo=UTC)
    if moment.year <= LAST_REFUSED_YEAR or moment > now + FURTHEST:
        raise invalid("'time' is too far in the past or in the future.", pointer=pointer)
    return moment.astimezone(UTC).replace(microsecond=0)


def _record(server: "KlaviyoServer", request: Request, events: list[Event], seen_at: float) -> None:
    """Have the events happen that did not before, and note that all of them came."""
    world = server.world
    profile_ids: dict[int, str] = {}
    last: dict[str, datetime] = {}
    rows = []
    for event in events:
        profile_id = profile_ids.get(id(event.profile))
        if profile_id is None:
            profile_id = profile_ids[id(event.profile)] = _profile_id(server, event.profile)
        metric_id = server.metric_id(event.metric_name)
        is_new = server.first_time((profile_id, metric_id, event.unique_id))
        server.context.events_received.note(
            unique_id=event.unique_id,
            email=world.tables[TABLE][profile_id].get("email"),
            profile_id=profile_id,
            metric=event.metric_name,
            seen_at=seen_at,
            took_effect=is_new,
        )
        if not is_new:
            continue
        row = {
            "profile_id": profile_id,
            "metric_id": metric_id,
            "metric_name": event.metric_name,
            "datetime": event.moment,
            "event_properties": event.properties,
        }
        world.upsert("klaviyo.events", world.next_id("klaviyo"), row, at=event.moment)
        last[profile_id] = max(event.moment, last.get(profile_id, event.moment))
        rows.append({**row, "unique_id": event.unique_id})
    for profile_id, moment in last.items():
        world.upsert(TABLE, profile_id, {"last_event_date": moment})
    if rows:
        server.accepted(request, 202, rows)


def _profile_id(server: "KlaviyoServer", profile: dict[str, Any]) -> str:
    """The profile that an event means, made where it is new, changed where more is said of it."""
    found = find_profile(server.world, profile)
    if found is None or set(profile["attributes"]) - set(IDENTIFIERS):
        return save_profile(server.world, profile)[0]
    return found
