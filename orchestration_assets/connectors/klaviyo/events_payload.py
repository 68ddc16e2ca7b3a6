"""From rows to Klaviyo's events, and from events to requests within the vendor's limits.

The limits are those of the vendor's specification (events.json, 2026-07-15): 1,000 events and 5 MB
a request, 400 properties an event, 100 KB a string, less than 128 characters a metric's name. An
event by itself has no limit but the request's.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from orchestration_assets.connectors.klaviyo.payload import identifier_of
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow

MAX_EVENTS = 1_000
MAX_REQUEST_BYTES = 5_000_000
MAX_PROPERTIES = 400
MAX_STRING_BYTES = 100_000
METRIC_NAME_LENGTH = 128
# Room for what surrounds the events in a request, and an event's own profile around it.
_ENVELOPE_BYTES = 2_000
_GROUP_BYTES = 150
_EVENT_POINTER = re.compile(
    r"/events-bulk-create/data/(\d+)(?:/attributes/events/data/(\d+))?(?:/|$)"
)


@dataclass(frozen=True, slots=True)
class EventOptions:
    """What the journey's YAML says about its events.

    Args:
        metric_name: name of the metric, made by Klaviyo where it is new.
        identifier: payload key, and attribute of a profile, that names the profile.
        time: payload key of the time at which it happened (ISO 8601); empty: when it is received.
        value: payload key of the number that the event is worth; empty: none.
        value_currency: payload key of that number's currency (ISO 4217); empty: none.
    """

    metric_name: str
    identifier: str
    time: str
    value: str
    value_currency: str

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "EventOptions":
        """Read them.

        Raises:
            FatalError: one is missing or wrong; names what to write into the journey's YAML.
        """
        metric_name = str(options.get("metric_name") or "").strip()
        if not metric_name:
            raise FatalError(
                "klaviyo: the journey does not say of which metric its events are.",
                'add `metric_name: "<name of the metric>"` to the options in the journey\'s YAML.',
            )
        if len(metric_name) >= METRIC_NAME_LENGTH:
            raise FatalError(
                f"klaviyo: the option metric_name has {len(metric_name)} characters.",
                f"shorten it to less than {METRIC_NAME_LENGTH} in the journey's YAML.",
            )
        names = (str(options.get(name) or "") for name in ("time", "value", "value_currency"))
        return cls(metric_name, identifier_of(options), *names)


class UnfitError(Exception):
    """Klaviyo would refuse the row; the text says why and holds nothing of the person."""


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """A row in Klaviyo's shape.

    Args:
        row: the row as it came.
        profile: attributes that name the profile.
        event: JSON:API object of the event.
        size: bytes that it takes in a request, at the most.
    """

    row: OutgoingRow
    profile: Mapping[str, str]
    event: Mapping[str, Any]
    size: int


def prepare_event(row: OutgoingRow, options: EventOptions) -> PreparedEvent:
    """Sort a row's payload into profile, time, value and properties.

    Args:
        row: payload keys that the options do not name become properties; `target_key` names the
            profile where the payload does not.
        options: what the journey says.

    Raises:
        UnfitError: Klaviyo would refuse the event, and with it all others of its request.
    """
    properties = dict(row.payload)
    profile = {options.identifier: str(properties.pop(options.identifier, None) or row.target_key)}
    time = properties.pop(options.time, None)
    value = properties.pop(options.value, None)
    currency = properties.pop(options.value_currency, None)
    attributes: dict[str, Any] = {
        "properties": properties,
        "metric": {"data": {"type": "metric", "attributes": {"name": options.metric_name}}},
        "unique_id": row.idempotency_key,
    }
    if time is not None:
        attributes["time"] = _instant(time, options.time)
    if value is not None:
        attributes["value"] = _number(value, options.value)
        if currency:
            attributes["value_currency"] = str(currency)
    if len(properties) > MAX_PROPERTIES:
        raise UnfitError(f"too_many_properties: more than {MAX_PROPERTIES}")
    event = {"type": "event", "attributes": attributes}
    written = orjson.dumps(event)
    # Only an event that is as large as that can hold a string that is.
    if len(written) > MAX_STRING_BYTES and _longest(properties) > MAX_STRING_BYTES:
        raise UnfitError(f"string_too_large: a property has more than {MAX_STRING_BYTES} bytes")
    size = len(written) + len(orjson.dumps(profile)) + _GROUP_BYTES
    if size + _ENVELOPE_BYTES > MAX_REQUEST_BYTES:
        raise UnfitError(f"event_too_large: more than a request of {MAX_REQUEST_BYTES} bytes")
    return PreparedEvent(row, profile, event, size)


def event_batches(events: Iterable[PreparedEvent]) -> Iterator[Sequence[PreparedEvent]]:
    """Split events into requests: within the vendor's limits, no `unique_id` twice in one.

    Klaviyo refuses a request that repeats one (events.json, `unique_id` of a bulk entry).
    """
    batch: list[PreparedEvent] = []
    taken: set[str] = set()
    size = _ENVELOPE_BYTES
    for event in events:
        key = event.row.idempotency_key
        full = len(batch) == MAX_EVENTS or size + event.size > MAX_REQUEST_BYTES
        if batch and (full or key in taken):
            yield batch
            batch, taken, size = [], set(), _ENVELOPE_BYTES
        batch.append(event)
        taken.add(key)
        size += event.size
    if batch:
        yield batch


class EventRequest:
    """One request: events grouped by profile, and where each row stands in it.

    Args:
        events: what `event_batches` put together.
    """

    def __init__(self, events: Sequence[PreparedEvent]) -> None:
        groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for index, event in enumerate(events):
            groups.setdefault(tuple(event.profile.items()), []).append(index)
        self._places = list(groups.values())
        self.document = {
            "data": {
                "type": "event-bulk-create-job",
                "attributes": {
                    "events-bulk-create": {
                        "data": [
                            _group([events[index] for index in place]) for place in self._places
                        ]
                    }
                },
            }
        }

    def rows_at(self, pointer: str) -> Sequence[int]:
        """Positions of the rows that a JSON pointer names, all of a profile's where it names one.

        Empty where it names none.
        """
        match = _EVENT_POINTER.search(pointer)
        if not match or int(match[1]) >= len(self._places):
            return ()
        place = self._places[int(match[1])]
        if match[2] is None:
            return place
        return place[int(match[2]) : int(match[2]) + 1]


def _group(events: Sequence[PreparedEvent]) -> dict[str, Any]:
    profile = {"type": "profile", "attributes": events[0].profile}
    return {
        "type": "event-bulk-create",
        "attributes": {
            "profile": {"data": profile},
            "events": {"data": [event.event for event in events]},
        },
    }


def _instant(value: Any, key: str) -> str:
    """The time with its offset, which the vendor's `date-time` wants; UTC where it has none."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise UnfitError(f"time_invalid: {key} holds no ISO 8601 time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _number(value: Any, key: str) -> float | int:
    """The number; a journey's decimals are text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UnfitError(f"value_invalid: {key} holds no number")
    return number


def _longest(value: Any) -> int:
    """Bytes of the longest string in a JSON value."""
    if isinstance(value, str):
        return len(value.encode())
    parts = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping | list | tuple):
        return 0
    return max((_longest(part) for part in parts), default=0)
