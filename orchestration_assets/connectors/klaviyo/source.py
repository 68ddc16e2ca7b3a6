"""Reading Klaviyo: profiles, events and lists, oldest change first, from a change time on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.position import Position, instant
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.connectors.klaviyo.client import (
    POLICY,
    READ_LIMITS,
    KlaviyoClient,
    next_cursor,
)
from orchestration_assets.connectors.klaviyo.streams import STREAMS
from orchestration_assets.errors import FatalError
from orchestration_assets.model import Page, Stream


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
    """

    path: str
    sort: str
    page_size: int
    inclusive: bool = False
    params: Mapping[str, str] = field(default_factory=dict)


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
}


class KlaviyoSource:
    """Reads profiles, events and lists of one account.

    Args:
        connection: `base_url`, `token`; optionally `revision`, `requests_per_second`,
            `requests_per_minute`.
        policy: bounds of the retries of one call.
    """

    system = "klaviyo"
    streams: Mapping[str, Stream] = STREAMS

    def __init__(self, connection: Mapping[str, str], policy: RetryPolicy = POLICY) -> None:
        self._client = KlaviyoClient(connection, READ_LIMITS, policy)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read(self, stream: str, cursor: str | None, *, full: bool = False) -> Iterator[Page]:
        """Yield pages from `cursor` on, or everything where there is none or `full` is set.

        Klaviyo publishes no deletions: no page is one of deletions.

        Raises:
            FatalError: wrong credentials, missing scope or unknown stream.
            RetriableError: the account stayed unavailable after bounded retries.
        """
        listing = _listing(stream)
        source_at = STREAMS[stream].source_at
        position = Position() if full or not cursor else Position.from_json(orjson.loads(cursor))
        start = position
        more = True
        while more:
            document = self._page(listing, position)
            records = _records(document)
            following = next_cursor(document)
            position = position.after_page(_changes(records, source_at), following)
            more = following is not None
            if records or start == Position():
                yield Page(records, orjson.dumps(position.to_json()).decode())

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Ask for the newest records and compare them with the newest that was read."""
        listing = _listing(stream)
        if not cursor:
            return True
        position = Position.from_json(orjson.loads(cursor))
        size = min(len(position.seen or ()) + 1, listing.page_size)
        document = self._client.get(
            listing.path, {"sort": f"-{listing.sort}", "page[size]": str(size)}
        )
        return position.is_behind(_changes(document["data"], STREAMS[stream].source_at))

    def _page(self, listing: _Listing, position: Position) -> dict[str, Any]:
        params = {
            **listing.params,
            "sort": listing.sort,
            "page[size]": str(listing.page_size),
        }
        if position.since:
            params["filter"] = _from(listing, position.since)
        if position.page:
            params["page[cursor]"] = position.page
        return self._client.get(listing.path, params)


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


def _records(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of a page; an event also gets the name of its metric."""
    names = {
        item["id"]: get_path(item, "attributes.name")
        for item in document.get("included") or ()
        if item.get("type") == "metric"
    }
    records = []
    for item in document["data"]:
        record = dict(item)
        if record.get("type") == "event":
            record["metric_name"] = names.get(get_path(record, "relationships.metric.data.id"))
        records.append(record)
    return records


def _changes(records: list[dict[str, Any]], source_at: str) -> list[tuple[str, str | None]]:
    return [(record["id"], get_path(record, source_at)) for record in records]


def _listing(stream: str) -> _Listing:
    if stream not in _LISTINGS:
        raise FatalError(
            f"klaviyo: there is no stream named {stream}.",
            f"use one of {', '.join(_LISTINGS)}.",
        )
    return _LISTINGS[stream]
