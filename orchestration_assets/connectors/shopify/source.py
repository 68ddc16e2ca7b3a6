"""Reading Shopify: everything by a bulk operation, then what changed by pages, then deletions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.position import Position, instant
from orchestration_assets.connectors.shopify import bulk, queries
from orchestration_assets.connectors.shopify.client import (
    POLICY,
    GraphQLClient,
    QueryTooExpensiveError,
)
from orchestration_assets.connectors.shopify.records import (
    deletion,
    join_bulk_lines,
    with_nested,
)
from orchestration_assets.connectors.shopify.streams import STREAMS
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import Page, Stream

BULK_PAGE_SIZE = 1000
PAGE_SIZE = 100
NESTED_PAGE_SIZE = 20
NESTED_NEXT_SIZE = 100
EVENTS_PAGE_SIZE = 100
DEFAULT_PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _BulkPlace:
    """Place in a bulk result: the operation, its start, lines done, newest changes so far."""

    operation: str
    started_at: str
    lines: int = 0
    newest: Position = field(default_factory=Position)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a stream stands: in a bulk result, or in its changes and deletions."""

    changes: Position = field(default_factory=Position)
    deletions: Position = field(default_factory=Position)
    bulk: _BulkPlace | None = None

    def to_text(self) -> str:
        place = self.bulk
        return orjson.dumps(
            {
                "changes": self.changes.to_json(),
                "deletions": self.deletions.to_json(),
                "bulk": place
                and {
                    "operation": place.operation,
                    "started_at": place.started_at,
                    "lines": place.lines,
                    "newest": place.newest.to_json(),
                },
            }
        ).decode()

    @classmethod
    def from_text(cls, text: str) -> "_Cursor":
        value = orjson.loads(text)
        place = value.get("bulk")
        return cls(
            Position.from_json(value["changes"]),
            Position.from_json(value["deletions"]),
            _BulkPlace(**place | {"newest": Position.from_json(place["newest"])})
            if place
            else None,
        )


class ShopifySource:
    """Reads customers, orders and products of one shop.

    Args:
        connection: `base_url`, `token`, `api_version`; optionally `bulk_patience_s`, the longest
            wait for a bulk operation in seconds (an hour by default).
        policy: bounds of the retries of one call.
    """

    system = "shopify"
    streams: Mapping[str, Stream] = STREAMS

    def __init__(self, connection: Mapping[str, str], policy: RetryPolicy = POLICY) -> None:
        self._client = GraphQLClient(connection, policy)
        self._patience_s = float(connection.get("bulk_patience_s") or DEFAULT_PATIENCE_S)
        self._page_sizes: dict[str, int] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read(self, stream: str, cursor: str | None, *, full: bool = False) -> Iterator[Page]:
        """Yield pages from `cursor` on: the rest of a bulk result, or changes, then deletions.

        Without a cursor, or with `full`, a bulk operation exports everything; its last cursor
        makes the next read incremental. Boundaries are inclusive.

        Raises:
            FatalError: wrong credentials, missing scope, unknown API version or stream.
            RetriableError: the shop, or a bulk operation, did not answer within bounds.
        """
        documents = _documents(stream)
        state = _Cursor.from_text(cursor) if cursor and not full else None
        if state is None:
            yield from self._read_bulk(documents, None)
        elif state.bulk is not None:
            yield from self._read_bulk(documents, state.bulk)
        else:
            yield from self._read_changes(documents, state)

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Ask for the newest change, and where there is none for the newest deletion."""
        documents = _documents(stream)
        state = _Cursor.from_text(cursor) if cursor else None
        if state is None or state.bulk is not None:
            return True
        variables = {"first": _enough(state.changes)}
        newest = self._client.execute(documents.newest, variables)[documents.connection]["nodes"]
        if state.changes.is_behind(
            (node["legacyResourceId"], node["updatedAt"]) for node in newest
        ):
            return True
        events = self._deletion_events(
            documents, state.deletions, first=_enough(state.deletions), reverse=True
        )["nodes"]
        return state.deletions.is_behind((event["id"], event["createdAt"]) for event in events)

    def _read_bulk(self, documents: queries.Documents, place: _BulkPlace | None) -> Iterator[Page]:
        result = None
        if place is not None:
            try:
                result = bulk.wait_for(self._client, place.operation, self._patience_s)
                yield from self._bulk_pages(documents, result, place)
                return
            except bulk.ResultGoneError:
                pass  # the result is no longer kept: begin again with a new operation
        try:
            operation = bulk.start(self._client, documents, self._patience_s)
            result = bulk.wait_for(self._client, operation, self._patience_s)
            yield from self._bulk_pages(documents, result, _BulkPlace(result.id, result.started_at))
        except bulk.ResultGoneError:
            raise RetriableError(
                "shopify: the bulk operation was cancelled, or its result is gone.",
                "run the full read again; a new bulk operation is started.",
            ) from None

    def _bulk_pages(
        self, documents: queries.Documents, result: bulk.BulkResult, place: _BulkPlace
    ) -> Iterator[Page]:
        records: list[dict[str, Any]] = []
        last_line = place.lines
        joined = join_bulk_lines(bulk.read_lines(result, place.lines), documents.nested)
        for line, record in joined:
            if len(records) == BULK_PAGE_SIZE:
                place = _after_records(place, records, last_line)
                yield Page(records, _Cursor(bulk=place).to_text())
                records = []
            records.append(record)
            last_line = line
        place = _after_records(place, records, last_line)
        yield Page(records, _after_bulk(place).to_text())

    def _read_changes(self, documents: queries.Documents, state: _Cursor) -> Iterator[Page]:
        more = True
        while more:
            connection = self._changed(documents, state.changes)
            records = [self._complete(documents, node) for node in connection["nodes"]]
            more, after = _next_page(connection)
            state = replace(state, changes=state.changes.after_page(_changes(records), after))
            if records:
                yield Page(records, state.to_text())
        more = True
        while more:
            connection = self._deletion_events(
                documents, state.deletions, first=EVENTS_PAGE_SIZE, reverse=False
            )
            events = connection["nodes"]
            more, after = _next_page(connection)
            deletions = state.deletions.after_page(
                ((event["id"], event["createdAt"]) for event in events), after
            )
            state = replace(state, deletions=deletions)
            gone = [deletion(event) for event in events if event.get("subjectId")]
            if gone:
                yield Page(gone, state.to_text(), deleted=True)

    def _changed(self, documents: queries.Documents, position: Position) -> dict[str, Any]:
        """A page of changed records; its size shrinks where Shopify finds it too expensive."""
        size = self._page_sizes.get(documents.connection, PAGE_SIZE)
        while True:
            variables: dict[str, Any] = {
                "first": size,
                "after": position.page,
                "query": f"updated_at:>='{position.since}'" if position.since else None,
            }
            if documents.nested:
                variables["inner"] = min(NESTED_PAGE_SIZE, size)
            try:
                return self._client.execute(documents.page, variables)[documents.connection]
            except QueryTooExpensiveError as error:
                if size == 1:
                    raise FatalError(
                        f"shopify: one record alone costs more than a query may ({error}).",
                        "check the limit of a single query's cost for this shop's plan.",
                    ) from None
                size = max(1, size // 2)
                self._page_sizes[documents.connection] = size

    def _complete(self, documents: queries.Documents, node: Mapping[str, Any]) -> dict[str, Any]:
        """The record with all pages of its nested connection."""
        if documents.nested is None or documents.more is None:
            return with_nested(node, None, ())
        connection = node[documents.nested]
        inner = list(connection["nodes"])
        more, after = _next_page(connection)
        while more:
            variables = {"id": node["id"], "first": NESTED_NEXT_SIZE, "after": after}
            parent = next(iter(self._client.execute(documents.more, variables).values()))
            if parent is None:  # deleted meanwhile: the event log will say so
                break
            connection = parent[documents.nested]
            inner.extend(connection["nodes"])
            more, after = _next_page(connection)
        return with_nested(node, documents.nested, inner)

    def _deletion_events(
        self, documents: queries.Documents, position: Position, *, first: int, reverse: bool
    ) -> dict[str, Any]:
        terms = ["action:destroy", f"subject_type:{documents.subject}"]
        if position.since:
            terms.append(f"created_at:>='{position.since}'")
        variables = {
            "first": first,
            "after": None if reverse else position.page,
            "query": " AND ".join(terms),
            "reverse": reverse,
        }
        events = self._client.execute(queries.DELETIONS, variables)["events"]
        return events or {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


def _after_records(place: _BulkPlace, records: list[dict[str, Any]], last_line: int) -> _BulkPlace:
    return replace(place, lines=last_line, newest=place.newest.after_page(_changes(records), None))


def _after_bulk(place: _BulkPlace) -> _Cursor:
    """Where to go on after a bulk result: from its start, or from an earlier newest change.

    What changed while it ran may or may not be in it, so the later of the two would lose records.
    """
    newest = place.newest
    if newest.since is None or instant(newest.since) >= instant(place.started_at):
        newest = Position(place.started_at)
    return _Cursor(newest, Position(newest.since))


def _changes(records: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(record["legacyResourceId"], record["updatedAt"]) for record in records]


def _next_page(connection: Mapping[str, Any]) -> tuple[bool, str | None]:
    info = connection["pageInfo"]
    return bool(info["hasNextPage"]), info["endCursor"] if info["hasNextPage"] else None


def _enough(position: Position) -> int:
    """How many of the newest show whether one of them is not among those seen."""
    return len(position.seen or ()) + 1


def _documents(stream: str) -> queries.Documents:
    if stream not in queries.DOCUMENTS:
        raise FatalError(
            f"shopify: there is no stream named {stream}.",
            f"use one of {', '.join(queries.DOCUMENTS)}.",
        )
    return queries.DOCUMENTS[stream]
