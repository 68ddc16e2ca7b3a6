"""Reading Klaviyo's streams, oldest change first, from a change time on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.position import Position, instant
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.connectors.klaviyo.client import (
    CAMPAIGN_LIMITS,
    POLICY,
    READ_LIMITS,
    KlaviyoClient,
    Limits,
    next_cursor,
)
from orchestration_assets.connectors.klaviyo.streams import STREAMS
from orchestration_assets.errors import FatalError
from orchestration_assets.model import Page, Stream

Change = tuple[str, str | None]
"""Identifier and change time of a record."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a collection that is asked for by itself.

    Args:
        conditions: filters that make it.
        adds: what the records lack and the part tells.
    """

    conditions: tuple[str, ...] = ()
    adds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Listing:
    """How one stream is asked for.

    Args:
        path: the collection.
        sort: field that is sorted and filtered by.
        page_size: the largest that the vendor grants.
        inclusive: whether the vendor filters by `greater-or-equal`; else `greater-than` is asked
            for one unit earlier, so that the boundary itself is read again.
        params: further parameters.
        parts: what the collection is asked for in; a record is in one of them.
        limits: what the vendor grants.
    """

    path: str
    sort: str
    page_size: int
    inclusive: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[_Part, ...] = (_Part(),)
    limits: Limits = READ_LIMITS


# Campaigns are listed by channel only, and which one a campaign is on stands nowhere else.
_CAMPAIGNS = tuple(
    _Part(
        (f"equals(messages.channel,'{channel}')", f"equals(archived,{archived})"),
        {"channel": channel},
    )
    for channel in ("email", "sms", "mobile_push")
    for archived in ("false", "true")
)
_LISTINGS = {
    "profiles": _Listing(
        "/api/profiles", "updated", 100, params={"additional-fields[profile]": "subscriptions"}
    ),
    # The parameter's schema would allow 1,000, its description says 200.
    "events": _Listing(
        "/api/events",
        "datetime",
        200,
        inclusive=True,
        params={"include": "metric", "fields[metric]": "name"},
    ),
    "lists": _Listing("/api/lists", "updated", 10),
    "campaigns": _Listing(
        "/api/campaigns",
        "updated_at",
        100,
        inclusive=True,
        parts=_CAMPAIGNS,
        limits=CAMPAIGN_LIMITS,
    ),
}


class KlaviyoSource:
    """Reads profiles, events, lists and campaigns of one account.

    Args:
        connection: `base_url`, `token`; optionally `revision`, `requests_per_second`,
            `requests_per_minute`.
        policy: bounds of the retries of one call.
    """

    system = "klaviyo"
    streams: Mapping[str, Stream] = STREAMS

    def __init__(self, connection: Mapping[str, str], policy: RetryPolicy = POLICY) -> None:
        self._clients = {
            limits: KlaviyoClient(connection, limits, policy)
            for limits in dict.fromkeys(listing.limits for listing in _LISTINGS.values())
        }

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()

    def read(self, stream: str, cursor: str | None, *, full: bool = False) -> Iterator[Page]:
        """Yield pages from `cursor` on, or everything where there is none or `full` is set.

        Klaviyo publishes no deletions: no page is one of deletions.

        Raises:
            FatalError: wrong credentials, missing scope or unknown stream.
            RetriableError: the account stayed unavailable after bounded retries.
        """
        listing = _listing(stream)
        source_at = STREAMS[stream].source_at
        positions = _positions(listing, None if full else cursor)
        for place, part in enumerate(listing.parts):
            more = True
            while more:
                is_fresh = all(position == Position() for position in positions)
                document = self._page(listing, part, positions[place])
                records = _records(document, part)
                following = next_cursor(document)
                positions[place] = positions[place].after_page(
                    _changes(records, source_at), following
                )
                more = following is not None
                if records or is_fresh:
                    yield Page(records, _to_text(positions))

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Ask for the newest records and compare them with the newest that was read."""
        listing = _listing(stream)
        if not cursor:
            return True
        positions = _positions(listing, cursor)
        return any(
            position.is_behind(self._newest(listing, part, position, STREAMS[stream].source_at))
            for part, position in zip(listing.parts, positions, strict=True)
        )

    def _newest(
        self, listing: _Listing, part: _Part, position: Position, source_at: str
    ) -> list[Change]:
        size = min(len(position.seen or ()) + 1, listing.page_size)
        params = {"sort": f"-{listing.sort}", "page[size]": str(size)}
        if part.conditions:
            params["filter"] = _all_of(part.conditions)
        return _changes(self._clients[listing.limits].get(listing.path, params)["data"], source_at)

    def _page(self, listing: _Listing, part: _Part, position: Position) -> dict[str, Any]:
        params = {
            **listing.params,
            "sort": listing.sort,
            "page[size]": str(listing.page_size),
        }
        conditions = part.conditions
        if position.since:
            conditions = (*conditions, _from(listing, position.since))
        if conditions:
            params["filter"] = _all_of(conditions)
        if position.page:
            params["page[cursor]"] = position.page
        return self._clients[listing.limits].get(listing.path, params)


def _positions(listing: _Listing, cursor: str | None) -> list[Position]:
    """Where each part of a collection stands; a cursor of one part is that part's alone."""
    if not cursor:
        return [Position() for _ in listing.parts]
    value = orjson.loads(cursor)
    entries = value if isinstance(value, list) else [value]
    return [Position.from_json(entry) for entry in entries]


def _to_text(positions: list[Position]) -> str:
    entries = [position.to_json() for position in positions]
    return orjson.dumps(entries if len(entries) > 1 else entries[0]).decode()


def _all_of(conditions: tuple[str, ...]) -> str:
    return conditions[0] if len(conditions) == 1 else f"and({','.join(conditions)})"


def _from(listing: _Listing, since: str) -> str:
    """The filter that finds records changed at `since` or later."""
    at = instant(since)
    if listing.inclusive:
        return f"greater-or-equal({listing.sort},{_format(at.isoformat())})"
    # Without a fraction the vendor counts in seconds: one microsecond less would be no less.
    unit = timedelta(microseconds=1) if at.microsecond else timedelta(seconds=1)
    return f"greater-than({listing.sort},{_format((at - unit).isoformat())})"


def _format(time: str) -> str:
    return time.replace("+00:00", "Z")


def _records(document: Mapping[str, Any], part: _Part) -> list[dict[str, Any]]:
    """The records of a page; an event also gets the name of its metric, a campaign its channel."""
    names = {
        item["id"]: get_path(item, "attributes.name")
        for item in document.get("included") or ()
        if item.get("type") == "metric"
    }
    records = []
    for item in document["data"]:
        record = {**item, **part.adds}
        if record.get("type") == "event":
            record["metric_name"] = names.get(get_path(record, "relationships.metric.data.id"))
        records.append(record)
    return records


def _changes(records: list[dict[str, Any]], source_at: str) -> list[Change]:
    return [(record["id"], get_path(record, source_at)) for record in records]


def _listing(stream: str) -> _Listing:
    if stream not in _LISTINGS:
        raise FatalError(
            f"klaviyo: there is no stream named {stream}.",
            f"use one of {', '.join(_LISTINGS)}.",
        )
    return _LISTINGS[stream]
