"""Pages of documents in order of a time, found without sorting the table for each page."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from sandbox.world.model import Document, World

FIRST_WINDOW = timedelta(hours=6)
BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)
MARGIN = timedelta(days=3650)

Position = tuple[datetime, str]
Keep = Callable[[str, Document], bool]


def iterate_changes(
    world: World, table: str, since: datetime | None, until: datetime | None, reverse: bool
) -> Iterator[tuple[str, Document]]:
    """Documents in order of (updated_at, id), read in windows that double while they are sparse."""
    low = max(since or BEGINNING, BEGINNING)
    high = until or world.clock() + MARGIN
    window, tick = FIRST_WINDOW, timedelta(microseconds=1)
    while low <= high:
        if reverse:
            start, stop = max(low, high - window), high
            high = start - tick
        else:
            start, stop = low, min(high, low + window)
            low = stop + tick
        found = world.changed_since(table, start, stop)
        yield from reversed(found) if reverse else found
        window *= 2 if len(found) < 500 else 1


def page_of_changes(
    world: World,
    table: str,
    limit: int,
    *,
    keep: Keep,
    after: Position | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    reverse: bool = False,
) -> list[tuple[str, Document]]:
    """Up to `limit` living documents after a position, in order of (updated_at, id)."""
    if after is not None and reverse:
        until = after[0] if until is None else min(until, after[0])
    elif after is not None:
        since = after[0] if since is None else max(since, after[0])
    page: list[tuple[str, Document]] = []
    for record_id, document in iterate_changes(world, table, since, until, reverse):
        position = (document["updated_at"], record_id)
        if after is not None and (position >= after if reverse else position <= after):
            continue
        if document["archived_at"] is None and keep(record_id, document):
            page.append((record_id, document))
            if len(page) == limit:
                break
    return page
