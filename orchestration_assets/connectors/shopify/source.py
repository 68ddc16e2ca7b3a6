"""Reading Shopify: everything by a bulk operation, then what changed by pages, then deletions.

A stream that no bulk operation can export is read by pages from its beginning.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from orchestration_assets.connectors.kit.http import RetryPolicy
from orchestration_assets.connectors.kit.identifiers import numbers
from orchestration_assets.connectors.kit.position import Position
from orchestration_assets.connectors.shopify import bulk, queries
from orchestration_assets.connectors.shopify.client import (
    POLICY,
    GraphQLClient,
    QueryTooExpensiveError,
)
from orchestration_assets.connectors.shopify.cursor import BulkPlace, Change, Cursor
from orchestration_assets.connectors.shopify.records import (
    absent,
    deletion,
    join_bulk_lines,
    local_id,
    with_nested,
)
from orchestration_assets.connectors.shopify.streams import STREAMS
from orchestration_assets.errors import FatalError, RetriableError
from orchestration_assets.model import Fetched, Page, Stream

BULK_PAGE_SIZE = 1000
PAGE_SIZE = 100
NESTED_PAGE_SIZE = 20
NESTED_NEXT_SIZE = 100
EVENTS_PAGE_SIZE = 100
DEFAULT_PATIENCE_S = 3600.0

_Answer = TypeVar("_Answer")


class ShopifySource:
    """Reads one shop: its customers, orders, products, carts and subscription contracts.

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

        Without a cursor, or with `full`, a bulk operation exports everything where it can; its
        last cursor makes the next read incremental. Boundaries are inclusive.

        Raises:
            FatalError: wrong credentials, missing scope, unknown API version or stream.
            RetriableError: the shop, or a bulk operation, did not answer within bounds.
        """
        documents = _documents(stream)
        state = Cursor.from_text(cursor) if cursor and not full else None
        if state is not None and state.bulk is None:
            yield from self._read_changes(documents, state)
        elif documents.bulk is None:
            yield from self._read_changes(documents, Cursor())
        else:
            place = state.bulk if state else None
            yield from self._read_bulk(documents, documents.bulk, place)

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Ask for the newest change, and where there is none for the newest deletion."""
        documents = _documents(stream)
        state = Cursor.from_text(cursor) if cursor else None
        if state is None or state.bulk is not None or state.changes.page is not None:
            return True
        variables: dict[str, Any] = {"first": _enough(state.changes)}
        if not documents.sorted_by_change:
            variables["query"] = _since(state.changes)
        newest = self._client.execute(documents.newest, variables)[documents.connection]["nodes"]
        if state.changes.is_behind((local_id(node["id"]), node["updatedAt"]) for node in newest):
            return True
        if documents.subject is None:
            return False
        events = self._deletion_events(
            documents.subject, state.deletions, first=_enough(state.deletions), reverse=True
        )["nodes"]
        return state.deletions.is_behind((event["id"], event["createdAt"]) for event in events)

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Fetched]:
        """Yield what the shop says now of these records; see `Fetches.fetch`."""
        documents = _documents(stream)
        wanted, refused = numbers(ids)
        if refused:
            yield Fetched(refused=refused)
        while wanted:
            fetched, number = self._fetched(documents, wanted)
            yield fetched
            wanted = wanted[number:]

    def _read_bulk(
        self, documents: queries.Documents, query: str, place: BulkPlace | None
    ) -> Iterator[Page]:
        result = None
        if place is not None:
            try:
                result = bulk.wait_for(self._client, place.operation, self._patience_s)
                yield from self._bulk_pages(documents, result, place)
                return
            except bulk.ResultGoneError:
                pass  # the result is no longer kept: begin again with a new operation
        try:
            grouped = documents.nested is not None
            operation = bulk.start(self._client, query, self._patience_s, grouped=grouped)
            result = bulk.wait_for(self._client, operation, self._patience_s)
            yield from self._bulk_pages(documents, result, BulkPlace(result.id, result.started_at))
        except bulk.ResultGoneError:
            raise RetriableError(
                "shopify: the bulk operation was cancelled, or its result is gone.",
                "run the full read again; a new bulk operation is started.",
            ) from None

    def _bulk_pages(
        self, documents: queries.Documents, result: bulk.BulkResult, place: BulkPlace
    ) -> Iterator[Page]:
        records: list[dict[str, Any]] = []
        last_line = place.lines
        joined = join_bulk_lines(bulk.read_lines(result, place.lines), documents.nested)
        for line, record in joined:
            if len(records) == BULK_PAGE_SIZE:
                place = place.after_records(_changes(records), last_line)
                yield Page(records, Cursor(bulk=place).to_text())
                records = []
            records.append(record)
            last_line = line
        place = place.after_records(_changes(records), last_line)
        yield Page(records, Cursor(bulk=place).after_bulk().to_text())

    def _read_changes(self, documents: queries.Documents, state: Cursor) -> Iterator[Page]:
        is_first = state == Cursor()
        more = True
        while more:
            connection = self._changed(documents, state.changes)
            records = [self._complete(documents, node) for node in connection["nodes"]]
            more, after = _next_page(connection)
            if documents.sorted_by_change:
                position = state.changes.after_page(_changes(records), after)
                state = replace(state, changes=position)
            else:
                state = state.after_unsorted_page(_changes(records), after)
            if records or is_first:
                yield Page(records, state.to_text())
            is_first = False
        if documents.subject is not None:
            yield from self._read_deletions(documents.subject, state)

    def _read_deletions(self, subject: str, state: Cursor) -> Iterator[Page]:
        more = True
        while more:
            connection = self._deletion_events(
                subject, state.deletions, first=EVENTS_PAGE_SIZE, reverse=False
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
        """A page of changed records."""
        variables = {"after": position.page, "query": _since(position)}

        def ask(size: int) -> dict[str, Any]:
            sizes = {"first": size, **_nested_size(documents, size)}
            return self._client.execute(documents.page, variables | sizes)[documents.connection]

        return self._affordable(documents.page, ask)

    def _fetched(self, documents: queries.Documents, wanted: Sequence[str]) -> tuple[Fetched, int]:
        """What Shopify says of the first of these records, and of how many."""

        def ask(size: int) -> tuple[Sequence[str], list[dict[str, Any] | None]]:
            ids = [f"gid://shopify/{documents.type}/{number}" for number in wanted[:size]]
            variables = {"ids": ids, **_nested_size(documents, size)}
            return ids, self._client.execute(documents.by_id, variables)["nodes"]

        ids, nodes = self._affordable(documents.by_id, ask)
        records = [self._complete(documents, node) for node in nodes if node is not None]
        gone = [absent(key) for key, node in zip(ids, nodes, strict=True) if node is None]
        return Fetched(records, gone), len(ids)

    def _affordable(self, document: str, ask: Callable[[int], _Answer]) -> _Answer:
        """An answer about so many records; fewer where Shopify finds them too expensive."""
        size = self._page_sizes.get(document, PAGE_SIZE)
        while True:
            try:
                return ask(size)
            except QueryTooExpensiveError as error:
                if size == 1:
                    raise FatalError(
                        f"shopify: one record alone costs more than a query may ({error}).",
                        "check the limit of a single query's cost for this shop's plan.",
                    ) from None
                size = max(1, size // 2)
                self._page_sizes[document] = size

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
        self, subject: str, position: Position, *, first: int, reverse: bool
    ) -> dict[str, Any]:
        terms = ["action:destroy", f"subject_type:{subject}"]
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


def _changes(records: list[dict[str, Any]]) -> list[Change]:
    return [(record["legacyResourceId"], record["updatedAt"]) for record in records]


def _next_page(connection: Mapping[str, Any]) -> tuple[bool, str | None]:
    info = connection["pageInfo"]
    return bool(info["hasNextPage"]), info["endCursor"] if info["hasNextPage"] else None


def _since(position: Position) -> str | None:
    return f"updated_at:>='{position.since}'" if position.since else None


def _nested_size(documents: queries.Documents, size: int) -> dict[str, int]:
    """How many nested nodes of each of so many records the first call asks for."""
    return {"inner": min(NESTED_PAGE_SIZE, size)} if documents.nested else {}


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
