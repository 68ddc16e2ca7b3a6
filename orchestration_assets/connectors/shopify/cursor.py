"""Where the reading of one of Shopify's streams stands, as text that can be stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from orchestration_assets.connectors.kit.position import Position, instant

Change = tuple[str, str | None]
"""Identifier and change time of a record."""


@dataclass(frozen=True, slots=True)
class BulkPlace:
    """Place in a bulk result: the operation, its start, lines done, newest changes so far."""

    operation: str
    started_at: str
    lines: int = 0
    newest: Position = field(default_factory=Position)

    def after_records(self, changes: Iterable[Change], last_line: int) -> "BulkPlace":
        """The place after a page of records that ends with a line of the result."""
        return replace(self, lines=last_line, newest=self.newest.after_page(changes, None))


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a stream stands: in a bulk result, or in its changes and deletions.

    Args:
        changes: what was read of the changes.
        deletions: what was read of the event log.
        bulk: place in a bulk result, None where that is read.
        reached: where changes go on after the pages under way, for a stream that the shop does not
            sort by change.
    """

    changes: Position = field(default_factory=Position)
    deletions: Position = field(default_factory=Position)
    bulk: BulkPlace | None = None
    reached: Position | None = None

    def after_bulk(self) -> "Cursor":
        """Where to go on after a bulk result: from its start, or an earlier newest change.

        What changed while it ran may or may not be in it, so the later of the two would lose
        records.
        """
        if self.bulk is None:
            return self
        newest = self.bulk.newest
        if newest.since is None or instant(newest.since) >= instant(self.bulk.started_at):
            newest = Position(self.bulk.started_at)
        return Cursor(newest, Position(newest.since))

    def after_unsorted_page(self, changes: list[Change], next_page: str | None) -> "Cursor":
        """Where to go on after a page that is not in order of change, newest record first.

        A record that changes behind the pages' back is missed by them, but it changed after the
        first of them was answered. So the newest change on the first page is the latest time from
        which the next read leaves nothing out.
        """
        reached = self.reached
        if reached is None or reached.since is None:
            reached = self.changes.after_page(changes, None)
        else:
            bound = instant(reached.since)
            known = [(key, time) for key, time in changes if time and instant(time) <= bound]
            reached = reached.after_page(known, None)
        if next_page is None:
            return replace(self, changes=reached, reached=None)
        return replace(self, changes=replace(self.changes, page=next_page), reached=reached)

    def to_text(self) -> str:
        """Text that `from_text` reads."""
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
                "reached": self.reached and self.reached.to_json(),
            }
        ).decode()

    @classmethod
    def from_text(cls, text: str) -> "Cursor":
        """Read what `to_text` wrote."""
        value: Mapping[str, Any] = orjson.loads(text)
        place, reached = value.get("bulk"), value.get("reached")
        return cls(
            Position.from_json(value["changes"]),
            Position.from_json(value["deletions"]),
            BulkPlace(**place | {"newest": Position.from_json(place["newest"])}) if place else None,
            Position.from_json(reached) if reached else None,
        )
