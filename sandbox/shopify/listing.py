"""Pages of the shop's top-level records: search, sort, cursors."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import GraphQLError

from sandbox.keyset import page_of_changes
from sandbox.shopify.records import TABLES, Connection, PageInfo, Record
from sandbox.shopify.search import Reader, parse_search, predicate
from sandbox.world.model import Document, World

MAX_PAGE = 250
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def _column(name: str) -> Reader:
    return lambda _id, document: document.get(name)


def _number(record_id: str, _document: Document) -> int:
    return int(record_id)


def _customer_number(_id: str, document: Document) -> int:
    return int(document.get("customer_id") or 0)


def _columns(*names: str) -> dict[str, Reader]:
    return {name: _column(name) for name in names}


READERS: dict[str, dict[str, Reader]] = {
    "Customer": _columns("updated_at", "email", "phone", "first_name", "last_name", "state")
    | {"id": _number, "customer_date": _column("created_at"), "tag": _column("tags")},
    "Order": _columns(
        "updated_at",
        "created_at",
        "processed_at",
        "name",
        "email",
        "financial_status",
        "fulfillment_status",
    )
    | {"id": _number, "customer_id": _customer_number},
    "Product": _columns(
        "updated_at", "created_at", "title", "vendor", "product_type", "status", "handle"
    )
    | {"id": _number},
    "AbandonedCheckout": _columns("updated_at", "created_at")
    | {
        "id": _number,
        "recovery_state": lambda _id, d: "recovered" if d.get("completed_at") else "not_recovered",
    },
    "SubscriptionContract": _columns("updated_at", "created_at", "status")
    | {"id": _number, "customer_id": _customer_number},
}
SORT_COLUMNS = {
    "CREATED_AT": "created_at",
    "PROCESSED_AT": "processed_at",
    "NAME": "last_name",
    "ORDER_NUMBER": "name",
    "TITLE": "title",
    "VENDOR": "vendor",
    "PRODUCT_TYPE": "product_type",
    "PUBLISHED_AT": "created_at",
    "STATUS": "status",
}


def page_size(args: dict[str, Any]) -> int:
    """The number of nodes asked for.

    Raises:
        GraphQLError: there is none, or it is out of the vendor's range.
    """
    if args.get("last") is not None or args.get("before") is not None:
        raise GraphQLError("The local server pages forward only: use `first` and `after`.")
    first = args.get("first")
    if first is None:
        raise GraphQLError("you must provide one of first or last")
    if not 0 <= first <= MAX_PAGE:
        raise GraphQLError(f"first must be between 0 and {MAX_PAGE}, not {first}")
    return first


def encode_cursor(*parts: Any) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode()


def decode_cursor(cursor: str) -> list[Any]:
    """The parts of a cursor of ours.

    Raises:
        GraphQLError: it is none of ours.
    """
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor))
    except ValueError as error:
        raise GraphQLError("Invalid cursor for current pagination sort.") from error
    if not isinstance(parts, list) or len(parts) != 2:
        raise GraphQLError("Invalid cursor for current pagination sort.")
    return parts


def make_page(
    nodes: list[Any], size: int, cursor_of: Callable[[Any], str], *, has_previous: bool
) -> Connection:
    """A connection out of up to `size + 1` nodes; the surplus one says that there are more."""
    shown = nodes[:size]
    cursors = [cursor_of(node) for node in shown]
    return Connection(
        shown,
        cursors,
        PageInfo(
            cursors[0] if cursors else None,
            cursors[-1] if cursors else None,
            len(nodes) > size,
            has_previous,
        ),
    )


def list_records(world: World, kind: str, args: dict[str, Any], *, whole: bool) -> Connection:
    """One page of a table, or the whole of it for a bulk operation.

    Args:
        world: the documents.
        kind: GraphQL type of the nodes.
        args: arguments of the connection.
        whole: ignore the paging arguments.
    """
    search = parse_search(args.get("query"), READERS[kind].keys() | set())
    keep = predicate(search, READERS[kind])
    table, reverse = TABLES[kind], bool(args.get("reverse"))
    sort_key = args.get("sortKey") or "ID"
    size = len(world.tables[table]) if whole else page_size(args)
    after = None if whole or not args.get("after") else decode_cursor(args["after"])
    if sort_key == "UPDATED_AT":
        since, until = search.bounds("updated_at")
        position = (datetime.fromisoformat(after[0]), after[1]) if after else None
        rows = page_of_changes(
            world,
            table,
            size + 1,
            keep=keep,
            after=position,
            since=since,
            until=until,
            reverse=reverse,
        )
        read = _column("updated_at")
    elif sort_key == "ID" and not reverse:
        read = _number
        rows = _page_by_id(world, table, size + 1, str(after[0]) if after else None, keep)
    else:
        read = _number if sort_key in {"ID", "CHECKOUT_ID", "RELEVANCE"} else _sort_reader(sort_key)
        rows = _sorted_page(world, table, size + 1, keep, read, reverse, after)
    nodes = [Record(kind, record_id, document) for record_id, document in rows]
    page = make_page(
        nodes,
        size,
        lambda node: encode_cursor(_plain(read(node.id, node.document)), node.id),
        has_previous=after is not None,
    )
    page.warnings = search.warnings
    return page


def _page_by_id(
    world: World, table: str, limit: int, after: str | None, keep: Callable[[str, Document], bool]
) -> list[tuple[str, Document]]:
    page: list[tuple[str, Document]] = []
    while len(page) < limit:
        rows = world.page_by_id(table, after, limit)
        if not rows:
            break
        page.extend(row for row in rows if keep(*row))
        after = rows[-1][0]
    return page[:limit]


def _sort_reader(sort_key: str) -> Reader:
    column = SORT_COLUMNS.get(sort_key)
    if column is None:
        raise GraphQLError(f"The local server does not sort by {sort_key}.")
    return _column(column)


def _sorted_page(
    world: World,
    table: str,
    limit: int,
    keep: Callable[[str, Document], bool],
    read: Reader,
    reverse: bool,
    after: list[Any] | None,
) -> list[tuple[str, Document]]:
    """Sort what is left of the table; for the orders that no index serves."""

    def key(row: tuple[str, Document]) -> tuple[Any, int]:
        return _plain(read(*row)) or "", int(row[0])

    rows = [row for row in world.live(table) if keep(*row)]
    if after is not None:
        edge = (after[0] or "", int(after[1]))
        rows = [row for row in rows if (key(row) < edge if reverse else key(row) > edge)]
    rows.sort(key=key, reverse=reverse)
    return rows[:limit]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
