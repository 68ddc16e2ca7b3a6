"""What the vendor tells about deleted records: `events` with the action `destroy`.

`deletionEvents`, which the vendor deprecates, covers products only. Events are derived from the
documents: one `create` for each, one `destroy` for each archived one.
"""

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sandbox.shopify.listing import decode_cursor, encode_cursor, make_page, page_size
from sandbox.shopify.records import TABLES, Connection, gid, iso
from sandbox.shopify.runtime import Resolver, Runtime
from sandbox.shopify.search import Search, matches, parse_search

# The vendor's `EventSubjectType` has no word for carts and subscription contracts.
EVENT_KINDS = ("Customer", "Order", "Product")
EVENT_FIELDS = frozenset({"action", "created_at", "id", "subject_type"})
DELETION_FIELDS = frozenset({"id", "occurred_at"})


class StoreEvent(NamedTuple):
    """One event: `id` rises with time, so that both sort keys give the same order."""

    id: int
    action: str
    kind: str
    subject: str
    at: datetime

    @property
    def type_name(self) -> str:
        """Concrete type behind the `Event` interface."""
        return "BasicEvent"


def _event(action: str, kind: str, subject: str, at: datetime) -> StoreEvent:
    mark = zlib.crc32(f"{action}{kind}{subject}".encode()) % 65_536
    return StoreEvent(int(at.timestamp() * 1000) * 65_536 + mark, action, kind, subject, at)


def _events(
    runtime: Runtime, kinds: list[str], action: str | None, since: datetime | None
) -> Iterator[StoreEvent]:
    world = runtime.context.world
    for kind in kinds:
        for subject, document in world.changed_since(TABLES[kind], since):
            archived_at = document["archived_at"]
            if archived_at is not None and action in {None, "destroy"}:
                yield _event("destroy", kind, subject, archived_at)
            if action in {None, "create"}:
                yield _event("create", kind, subject, document["created_at"])


def _page(
    found: list[StoreEvent], search: Search, args: dict[str, Any], *, whole: bool
) -> Connection:
    for term in search.terms:
        values = {
            "action": lambda e: e.action,
            "created_at": lambda e: e.at,
            "occurred_at": lambda e: e.at,
            "id": lambda e: e.id,
            "subject_type": lambda e: e.kind,
        }
        read = values[term.field]
        found = [event for event in found if matches(read(event), term)]
    reverse = bool(args.get("reverse"))
    found.sort(reverse=reverse)
    if args.get("after") and not whole:
        edge = decode_cursor(args["after"])[0]
        found = [e for e in found if (e.id < edge if reverse else e.id > edge)]
    size = len(found) if whole else page_size(args)
    return make_page(
        found[: size + 1],
        size,
        lambda event: encode_cursor(event.id, event.subject),
        has_previous=bool(args.get("after")),
    )


def list_events(_source: Any, args: dict[str, Any], runtime: Runtime) -> Connection:
    """The `events` connection: customers, orders and products, created and destroyed."""
    search = parse_search(args.get("query"), EVENT_FIELDS)
    since, _until = search.bounds("created_at")
    wanted = search.equals("subject_type")
    kinds = [
        kind
        for kind in EVENT_KINDS
        if wanted is None or kind.casefold() in wanted.casefold().replace(" ", "").split(",")
    ]
    found = list(_events(runtime, kinds, search.equals("action"), since))
    return _page(found, search, args, whole=runtime.whole)


def list_deletion_events(_source: Any, args: dict[str, Any], runtime: Runtime) -> Connection:
    """The deprecated `deletionEvents` connection: products only."""
    search = parse_search(args.get("query"), DELETION_FIELDS)
    since, _until = search.bounds("occurred_at")
    subject_types = args.get("subjectTypes")
    kinds = [] if subject_types and "PRODUCT" not in subject_types else ["Product"]
    found = list(_events(runtime, kinds, "destroy", since))
    return _page(found, search, args, whole=runtime.whole)


EVENT: dict[str, Resolver] = {
    "id": lambda s, _a, _r: gid("BasicEvent", s.id),
    "action": lambda s, _a, _r: s.action,
    "appTitle": lambda _s, _a, _r: None,
    "attributeToApp": lambda _s, _a, _r: False,
    "attributeToUser": lambda _s, _a, _r: True,
    "createdAt": lambda s, _a, _r: iso(s.at),
    "criticalAlert": lambda _s, _a, _r: False,
    "message": lambda s, _a, _r: f"{s.kind} {s.subject}: {s.action}",
    "subjectId": lambda s, _a, _r: gid(s.kind, s.subject),
    "subjectType": lambda s, _a, _r: s.kind.upper(),
}
DELETION_EVENT: dict[str, Resolver] = {
    "occurredAt": lambda s, _a, _r: iso(s.at),
    "subjectId": lambda s, _a, _r: gid(s.kind, s.subject),
    "subjectType": lambda s, _a, _r: s.kind.upper(),
}
