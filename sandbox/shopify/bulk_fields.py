"""What the fields of a bulk operation answer, and the queries that find one."""

from typing import Any

from sandbox.shopify.listing import decode_cursor, encode_cursor, make_page, page_size
from sandbox.shopify.records import Connection, iso
from sandbox.shopify.runtime import Resolver, Runtime
from sandbox.shopify.search import matches, parse_search

SEARCH_FIELDS = frozenset({"status", "operation_type", "created_at", "id"})


def _list(_source: Any, args: dict[str, Any], runtime: Runtime) -> Connection:
    search = parse_search(args.get("query"), SEARCH_FIELDS)
    found = list(runtime.bulk.operations.values())
    readers = {
        "status": lambda o: o.status,
        "operation_type": lambda _o: "query",
        "created_at": lambda o: o.created_at,
        "id": lambda o: o.number,
    }
    for term in search.terms:
        found = [o for o in found if matches(readers[term.field](o), term)]
    newest_first = not args.get("reverse")
    found.sort(key=lambda o: o.number, reverse=newest_first)
    if args.get("after"):
        edge = decode_cursor(args["after"])[0]
        found = [o for o in found if (o.number < edge if newest_first else o.number > edge)]
    size = page_size(args)
    return make_page(
        found[: size + 1],
        size,
        lambda o: encode_cursor(o.number, ""),
        has_previous=bool(args.get("after")),
    )


QUERY: dict[str, Resolver] = {
    "bulkOperation": lambda _s, a, r: r.bulk.get(a["id"]),
    "bulkOperations": _list,
    "currentBulkOperation": lambda _s, a, r: (
        r.bulk.latest() if a.get("type", "QUERY") == "QUERY" else None
    ),
}
BULK_OPERATION: dict[str, Resolver] = {
    "id": lambda s, _a, _r: s.id,
    "query": lambda s, _a, _r: s.query,
    "status": lambda s, _a, _r: s.status,
    "type": lambda _s, _a, _r: "QUERY",
    "errorCode": lambda s, _a, _r: s.error_code,
    "createdAt": lambda s, _a, _r: iso(s.created_at),
    "completedAt": lambda s, _a, _r: iso(s.completed_at),
    "objectCount": lambda s, _a, _r: str(s.object_count),
    "rootObjectCount": lambda s, _a, _r: str(s.root_count),
    "fileSize": lambda s, _a, _r: None if s.file_size is None else str(s.file_size),
    "url": lambda s, _a, _r: s.url,
    "partialDataUrl": lambda s, _a, _r: s.partial_url,
}
