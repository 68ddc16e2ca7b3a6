"""Where a reader stands in a stream sorted by time of change, so that nothing is left out.

Knows nothing of any vendor: it compares times and remembers who was seen at the newest one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# More records than this at one instant (a bulk import) are not remembered one by one.
SEEN_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a stream that is read in ascending order of change time, boundaries included.

    Reading goes on from the newest time seen rather than from a page number, because records that
    change while they are read move to the end and shift what follows. A vendor's page cursor is
    kept only while a whole page lies at or before that time.

    Args:
        since: newest change time seen, as the vendor wrote it; None at the beginning.
        page: vendor's cursor of the next page of the request made with `since`.
        seen: identifiers whose change time is `since`; None where there are too many.
    """

    since: str | None = None
    page: str | None = None
    seen: frozenset[str] | None = frozenset()

    def after_page(
        self, changes: Iterable[tuple[str, str | None]], next_page: str | None
    ) -> "Position":
        """The position after a page of `(identifier, change time)` pairs.

        Args:
            changes: what the page held.
            next_page: the vendor's cursor of the page that follows, None where there is none.
        """
        timed = [(key, time) for key, time in changes if time]
        newest = max((time for _, time in timed), key=instant, default=None)
        if newest is None or (self.since is not None and instant(newest) < instant(self.since)):
            return Position(self.since, next_page, self.seen)
        at_newest = frozenset(key for key, time in timed if instant(time) == instant(newest))
        if self.since is None or instant(newest) > instant(self.since):
            return Position(newest, None, _bounded(at_newest))
        seen = None if self.seen is None else _bounded(self.seen | at_newest)
        return Position(self.since, next_page, seen)

    def is_behind(self, newest_first: Iterable[tuple[str, str | None]]) -> bool:
        """Whether any of the newest `(identifier, change time)` pairs has not been read."""
        for key, time in newest_first:
            if not time:
                continue
            if self.since is None or instant(time) > instant(self.since):
                return True
            same = instant(time) == instant(self.since)
            if same and self.seen is not None and key not in self.seen:
                return True
        return False

    def to_json(self) -> dict[str, Any]:
        """JSON value that `from_json` reads."""
        seen = None if self.seen is None else sorted(self.seen)
        return {"since": self.since, "page": self.page, "seen": seen}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Position":
        """Read what `to_json` wrote."""
        seen = value.get("seen")
        return cls(value.get("since"), value.get("page"), None if seen is None else frozenset(seen))


def instant(time: str) -> datetime:
    """ISO 8601 text as a UTC time; text without a zone is UTC."""
    parsed = datetime.fromisoformat(time)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _bounded(keys: frozenset[str]) -> frozenset[str] | None:
    return keys if len(keys) <= SEEN_LIMIT else None
