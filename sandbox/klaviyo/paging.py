"""Pages in the vendor's form: `page[size]`, an opaque `page[cursor]`, `links.next`."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request

from sandbox.keyset import page_of_changes
from sandbox.klaviyo.errors import invalid
from sandbox.klaviyo.filters import Condition, parse_filter, time_bounds
from sandbox.klaviyo.rules import Rule
from sandbox.world.model import Document, World

Row = tuple[str, Document]
Read = Callable[[str, Document], Any]


@dataclass(slots=True)
class Asked:
    """What a request for a collection asks for, checked against the endpoint's rule."""

    conditions: list[Condition]
    sort: str
    reverse: bool
    size: int
    after: list[Any] | None
    include: frozenset[str]


def read_query(request: Request, rule: Rule, default_sort: str) -> Asked:
    """Read and check the query parameters.

    Raises:
        KlaviyoError: one is out of what the vendor allows.
    """
    query = request.query_params
    size = query.get("page[size]") or str(rule.default_page or rule.max_page or 200)
    limit = rule.max_page or 200
    if not size.isdigit() or not 1 <= int(size) <= limit:
        raise invalid(
            f"Page size must be an integer between 1 and {limit}.", parameter="page[size]"
        )
    sort = query.get("sort") or default_sort
    if sort.lstrip("-") not in rule.sorts and query.get("sort"):
        allowed = ", ".join(sorted(rule.sorts)) or "none"
        raise invalid(f"Invalid sort field '{sort}'. Allowed: {allowed}.", parameter="sort")
    include = frozenset(filter(None, (query.get("include") or "").split(",")))
    if not include <= rule.includes:
        wrong = ", ".join(sorted(include - rule.includes))
        raise invalid(f"'{wrong}' is not a valid include.", parameter="include")
    return Asked(
        parse_filter(query.get("filter"), rule),
        sort.lstrip("-"),
        sort.startswith("-"),
        int(size),
        _decode(query.get("page[cursor]")),
        include,
    )


def _decode(cursor: str | None) -> list[Any] | None:
    if not cursor:
        return None
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor))
    except ValueError as error:
        raise invalid("Invalid page cursor.", parameter="page[cursor]") from error
    if not isinstance(parts, list) or len(parts) != 2:
        raise invalid("Invalid page cursor.", parameter="page[cursor]")
    return parts


def encode(position: Any, record_id: str) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(orjson.dumps([position, record_id])).decode()


def collection_links(request: Request, base_url: str, cursor: str | None) -> dict[str, str]:
    """`self`, and `next` where there is more: the vendor's file allows no null for it."""
    path = f"{base_url}{request.url.path}"
    query = request.url.query
    links = {"self": f"{path}?{query}" if query else path}
    if cursor is not None:
        pairs = [(k, v) for k, v in request.query_params.multi_items() if k != "page[cursor]"]
        links["next"] = f"{path}?{urlencode([*pairs, ('page[cursor]', cursor)])}"
    return links


def page_of_table(
    world: World, table: str, asked: Asked, readers: dict[str, Read], time_field: str
) -> tuple[list[Row], str | None]:
    """One page of a table, by index where there is one.

    Args:
        world: the documents.
        table: which.
        asked: what the request asks for.
        readers: how to read each field that can be filtered or sorted by.
        time_field: the field that is the documents' `updated_at`.
    """

    def keep(record_id: str, document: Document) -> bool:
        return all(
            condition.holds(readers[condition.field](record_id, document))
            for condition in asked.conditions
        )

    few = _few(world, table, asked.conditions)
    if few is None and asked.sort == time_field:
        since, until = time_bounds(asked.conditions, time_field)
        after = asked.after
        rows = page_of_changes(
            world,
            table,
            asked.size + 1,
            keep=keep,
            after=(datetime.fromisoformat(after[0]), after[1]) if after else None,
            since=since,
            until=until,
            reverse=asked.reverse,
        )
    elif few is None and asked.sort == "id" and not asked.reverse:
        rows = _by_id(world, table, asked, keep)
    else:
        rows = [row for row in (few if few is not None else world.live(table)) if keep(*row)]
        return slice_rows(rows, asked, readers[asked.sort])
    return _cut(rows, asked, readers[asked.sort])


def slice_rows(rows: list[Row], asked: Asked, read: Read) -> tuple[list[Row], str | None]:
    """Sort rows and take the page after the cursor."""

    def key(row: Row) -> tuple[str, str]:
        return str(_plain(read(*row)) or ""), row[0]

    if asked.after is not None:
        edge = (str(asked.after[0] or ""), asked.after[1])
        rows = [row for row in rows if (key(row) < edge if asked.reverse else key(row) > edge)]
    rows.sort(key=key, reverse=asked.reverse)
    return _cut(rows[: asked.size + 1], asked, read)


def _cut(rows: list[Row], asked: Asked, read: Read) -> tuple[list[Row], str | None]:
    page = rows[: asked.size]
    has_more = len(rows) > asked.size
    return page, encode(_plain(read(*page[-1])), page[-1][0]) if has_more else None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _by_id(
    world: World, table: str, asked: Asked, keep: Callable[[str, Document], bool]
) -> list[Row]:
    page: list[Row] = []
    after = asked.after[1] if asked.after else None
    while len(page) <= asked.size:
        rows = world.page_by_id(table, after, asked.size + 1)
        if not rows:
            break
        page.extend(row for row in rows if keep(*row))
        after = rows[-1][0]
    return page[: asked.size + 1]


INDEXED = frozenset({"email", "phone_number", "external_id", "profile_id", "name"})


def _few(world: World, table: str, conditions: list[Condition]) -> list[Row] | None:
    """The few documents that an equality leaves, None where there is none on an indexed field."""
    rows = world.tables[table]
    for condition in conditions:
        if condition.operator not in {"equals", "any"}:
            continue
        if condition.field == "id":
            found = [value for value in condition.values if value in rows]
        elif condition.field in INDEXED:
            found = [
                record_id
                for value in dict.fromkeys(condition.values)
                for record_id in world.find(table, condition.field, value)
            ]
        else:
            continue
        return [
            (record_id, rows[record_id])
            for record_id in dict.fromkeys(found)
            if rows[record_id]["archived_at"] is None
        ]
    return None
