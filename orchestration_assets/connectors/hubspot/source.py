"""Reading HubSpot: once in full by the list endpoint, then what changed by search.

Living records come first, then the archived ones, as pages of deletions. Search pages are not
counted off: each begins at the modification time at which the last one ended. Offsets would pass
over records whenever one already read is modified, and end at 10,000 results.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestration_assets.connectors.hubspot.client import (
    DEFAULT_SEARCH_LAG_S,
    PAGE_SIZE,
    PAGE_SIZE_WITH_HISTORY,
    SEARCH_PAGE_SIZE,
    HubSpotClient,
)
from orchestration_assets.connectors.hubspot.position import Phase, Position, to_millis
from orchestration_assets.connectors.hubspot.streams import (
    OBJECT_TYPES,
    STREAMS,
    SYSTEM,
    ObjectType,
    requested_properties,
)
from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.identifiers import numbers
from orchestration_assets.connectors.kit.records import get_path
from orchestration_assets.model import Fetched, Page, Stream

if TYPE_CHECKING:
    import httpx

Record = Mapping[str, Any]


class HubSpotSource:
    """Source of the HubSpot streams.

    Args:
        connection: `base_url`, `token`; optionally `requests_per_10s`, `searches_per_s` and
            `search_lag_s`, the seconds that each pass reads again.
        policy: bounds of the retries of one call.
        transport: replaces the network in special cases.
        search_page_size: records a search page, for tests of paging.
    """

    system = SYSTEM
    streams: Mapping[str, Stream] = STREAMS

    def __init__(
        self,
        connection: Mapping[str, str],
        *,
        policy: RetryPolicy | None = None,
        transport: "httpx.BaseTransport | None" = None,
        search_page_size: int = SEARCH_PAGE_SIZE,
    ) -> None:
        self._client = HubSpotClient(connection, policy=policy, transport=transport)
        self._search_page_size = search_page_size
        lag_s = float(connection.get("search_lag_s", DEFAULT_SEARCH_LAG_S))
        self._lag_ms = round(lag_s * 1000)

    def read(self, stream: str, cursor: str | None, *, full: bool = False) -> Iterator[Page]:
        """Yield pages from `cursor` on; see `Source.read`.

        The last page is empty where only the cursor moved on. `updatedAt` of a deleted record is
        the time of its archival, so that the deletion is newer than every version before it.
        """
        kind = OBJECT_TYPES[stream]
        position = Position.parse(None if full else cursor).begun(_now())
        while not position.is_finished:
            deleted = position.phase is Phase.ARCHIVED
            records, position = self._page(kind, position)
            if records or position.is_finished:
                yield Page(records, position.text(), deleted)

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Whether any living record was modified since; archived ones show at the next read."""
        kind = OBJECT_TYPES[stream]
        position = Position.parse(cursor)
        if position.phase is not Phase.INCREMENTAL or not position.is_finished:
            return True
        answer = self._client.search(
            stream,
            [(kind.modified, "GTE", str(position.newest))],
            kind.modified,
            [kind.modified],
            limit=1,
            descending=True,
        )
        if answer["total"] != position.newest_count:
            return True
        return any(_modified(kind, record) > position.newest for record in answer["results"])

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Fetched]:
        """Yield what HubSpot says now of these records; see `Fetches.fetch`.

        The index that search looks into lags behind; this does not look into it.
        """
        kind = OBJECT_TYPES[stream]
        wanted, refused = numbers(ids)
        if refused:
            yield Fetched(refused=refused)
        size = PAGE_SIZE_WITH_HISTORY if kind.history else PAGE_SIZE
        for start in range(0, len(wanted), size):
            yield self._fetched(kind, wanted[start : start + size])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _page(self, kind: ObjectType, position: Position) -> tuple[Sequence[Record], Position]:
        if position.phase is Phase.FULL:
            return self._full_page(kind, position)
        if position.phase is Phase.INCREMENTAL:
            return self._changed_page(kind, position)
        return self._archived_page(kind, position)

    def _full_page(self, kind: ObjectType, position: Position) -> tuple[list[Record], Position]:
        answer = self._client.list_objects(
            kind.stream,
            requested_properties(kind.stream),
            after=position.after,
            history=kind.history,
        )
        records = answer["results"]
        seen = position.with_seen([_modified(kind, record) for record in records])
        after = get_path(answer, "paging.next.after")
        seen = seen.living_read(self._lag_ms) if after is None else replace(seen, after=after)
        return self._with_links(kind, records), seen

    def _changed_page(self, kind: ObjectType, position: Position) -> tuple[list[Record], Position]:
        if position.tied_id is not None:
            return self._tied_page(kind, position)
        found = self._search(kind, [(kind.modified, "GTE", str(position.since))], kind.modified)
        times = [_modified(kind, record) for record in found]
        # The page begins with those of the last one's final millisecond: count them once.
        position = (
            replace(position, newest_count=0) if position.since == position.newest else position
        )
        position = position.with_seen(times)
        if len(found) < self._search_page_size:
            position = position.living_read(self._lag_ms)
        elif times[-1] > position.since:
            position = replace(position, since=times[-1])
        else:
            position = replace(position, tied_id="0")
        return self._complete(kind, found), position

    def _tied_page(self, kind: ObjectType, position: Position) -> tuple[list[Record], Position]:
        """Records of one millisecond, in order of identifier: more than a page holds."""
        found = self._search(
            kind,
            [
                (kind.modified, "EQ", str(position.since)),
                ("hs_object_id", "GT", str(position.tied_id)),
            ],
            "hs_object_id",
        )
        if position.tied_id == "0" and position.since == position.newest:
            position = replace(position, newest_count=0)
        position = position.with_seen([_modified(kind, record) for record in found])
        if len(found) < self._search_page_size:
            position = replace(position, tied_id=None, since=position.since + 1)
        else:
            position = replace(position, tied_id=str(found[-1]["id"]))
        return self._complete(kind, found), position

    def _archived_page(
        self, kind: ObjectType, position: Position
    ) -> tuple[Sequence[Record], Position]:
        answer = self._client.list_objects(
            kind.stream, requested_properties(kind.stream), after=position.after, archived=True
        )
        times = [to_millis(record["archivedAt"]) for record in answer["results"]]
        records = [
            _deletion(record)
            for record, archived_at in zip(answer["results"], times, strict=True)
            if archived_at >= position.archived_since
        ]
        after = get_path(answer, "paging.next.after")
        newest = max([position.newest_archived, *times])
        position = replace(position, after=after, newest_archived=newest, pages=position.pages + 1)
        return records, position.archived_read(self._lag_ms) if after is None else position

    def _fetched(self, kind: ObjectType, ids: list[str]) -> Fetched:
        """The living ones, then the archived ones among the others.

        What is neither is asked for once more before it counts as gone for good: it may have been
        restored between the two calls.
        """
        properties = requested_properties(kind.stream)
        living = self._client.read_objects(kind.stream, ids, properties, kind.history)
        missing = [key for key in ids if key not in living]
        archived = self._client.read_objects(kind.stream, missing, properties, archived=True)
        unknown = [key for key in missing if key not in archived]
        living |= self._client.read_objects(kind.stream, unknown, properties, kind.history)
        gone = [_deletion(archived.get(key, {"id": key})) for key in missing if key not in living]
        return Fetched(self._with_links(kind, list(living.values())), gone)

    def _search(
        self, kind: ObjectType, filters: list[tuple[str, str, str]], sort_by: str
    ) -> list[dict[str, Any]]:
        answer = self._client.search(
            kind.stream,
            filters,
            sort_by,
            requested_properties(kind.stream),
            limit=self._search_page_size,
        )
        return answer["results"]

    def _complete(self, kind: ObjectType, found: list[dict[str, Any]]) -> list[Record]:
        """Add what search leaves out, so that a record looks the same however it was read."""
        if kind.history and found:
            ids = [record["id"] for record in found]
            by_id = self._client.read_objects(
                kind.stream, ids, requested_properties(kind.stream), kind.history
            )
            found = [by_id[key] for key in ids if key in by_id]
        return self._with_links(kind, found)

    def _with_links(self, kind: ObjectType, records: list[dict[str, Any]]) -> list[Record]:
        if not kind.associations or not records:
            return list(records)
        ids = [record["id"] for record in records]
        links: dict[str, dict[str, Any]] = {key: {} for key in ids}
        for to_stream, plain in kind.associations.items():
            by_id = self._client.read_associations(kind.stream, to_stream, ids)
            for key, targets in by_id.items():
                ordered = sorted({str(target["toObjectId"]) for target in targets})
                links[key][to_stream] = {"results": [{"id": to, "type": plain} for to in ordered]}
        return [{**record, "associations": links[record["id"]]} for record in records]


def _modified(kind: ObjectType, record: Record) -> int:
    value = get_path(record, f"properties.{kind.modified}") or record["updatedAt"]
    return to_millis(value)


def _deletion(record: Record) -> Record:
    """An archived record, its archival as its last change."""
    return {**record, "updatedAt": record["archivedAt"]} if "archivedAt" in record else record


def _now() -> int:
    return round(time.time() * 1000)
