"""Where a read of one stream stands, kept as JSON text in the cursor.

A pass has two phases: `full` or `incremental` for living records, then `archived` for deleted ones.
All times are milliseconds since 1970 by HubSpot's clock, except `started`, which is by ours.
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from orchestration_assets.errors import FatalError

# Archived records cannot be searched, only listed as a whole. Listing them costs no more than ten
# calls a minute: with one page they are listed by every pass, with a thousand every 100 minutes.
PAUSE_FOR_EACH_ARCHIVED_PAGE_MS = 6_000


class Phase(StrEnum):
    """What the next call reads."""

    FULL = "full"
    INCREMENTAL = "incremental"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Position:
    """State after a page.

    Args:
        phase: what comes next.
        started: when the pass began; None between passes.
        after: the list endpoint's cursor (`full`, `archived`).
        since: living records modified from here on are still to be read.
        tied_id: while the records modified in the very millisecond `since` fill more than a page,
            the identifier after which to go on among them.
        newest: latest modification seen so far.
        newest_count: records seen with that modification time; it tells, between passes, whether
            one more has come in the same millisecond.
        archived_since: records archived from here on are still to be read.
        newest_archived: latest archival seen so far.
        archived_read_at: when the pass began that last listed the archived records.
        archived_pages: how many pages they were.
        pages: archived pages listed so far in this pass.
    """

    phase: Phase = Phase.FULL
    started: int | None = None
    after: str | None = None
    since: int = 0
    tied_id: str | None = None
    newest: int = 0
    newest_count: int = 0
    archived_since: int = 0
    newest_archived: int = 0
    archived_read_at: int = 0
    archived_pages: int = 0
    pages: int = 0

    @classmethod
    def parse(cls, cursor: str | None) -> "Position":
        """Read a cursor; None is the beginning.

        Raises:
            FatalError: the text is no cursor of this connector.
        """
        if cursor is None:
            return cls()
        try:
            values: dict[str, Any] = orjson.loads(cursor)
            return cls(**{**values, "phase": Phase(values["phase"])})
        except (TypeError, KeyError, ValueError) as error:
            raise FatalError(
                "hubspot: the stored cursor cannot be read.",
                "read the stream in full once; this stores a new cursor.",
            ) from error

    def text(self) -> str:
        """The cursor: what differs from the beginning, as JSON."""
        beginning = asdict(Position())
        values = {
            name: value
            for name, value in asdict(self).items()
            if name == "phase" or value != beginning[name]
        }
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()

    def begun(self, now: int) -> "Position":
        """The same position in a pass that began now, unless one is under way.

        The pass meets the newest records of the last one again, and counts them anew.
        """
        if self.started is not None:
            return self
        return replace(self, started=now, newest_count=0)

    def with_seen(self, times: list[int]) -> "Position":
        """Take note of the modification times of a page."""
        if not times:
            return self
        newest = max(times)
        if newest < self.newest:
            return self
        count = times.count(newest)
        if newest == self.newest:
            count += self.newest_count
        return replace(self, newest=newest, newest_count=count)

    @property
    def is_finished(self) -> bool:
        """No pass is under way."""
        return self.started is None

    def living_read(self, lag_ms: int) -> "Position":
        """The living records are read: the archived ones are next, where they are due.

        Args:
            lag_ms: how far the next pass reaches back behind the start of this one. Search learns
                of a change only after some seconds, and the two clocks differ.
        """
        pause = max(self.archived_pages - 1, 0) * PAUSE_FOR_EACH_ARCHIVED_PAGE_MS
        if (self.started or 0) - self.archived_read_at < pause:
            return self._finished(lag_ms)
        return replace(self, phase=Phase.ARCHIVED, after=None)

    def archived_read(self, lag_ms: int) -> "Position":
        """The archived records are read too; `lag_ms` as in `living_read`."""
        done = self._finished(lag_ms)
        return replace(
            done,
            archived_since=min(self.newest_archived, (self.started or 0) - lag_ms),
            archived_read_at=self.started or 0,
            archived_pages=self.pages,
        )

    def _finished(self, lag_ms: int) -> "Position":
        """Where the next pass begins: no later than this one began, less the lag."""
        return replace(
            self,
            phase=Phase.INCREMENTAL,
            started=None,
            after=None,
            tied_id=None,
            since=min(self.newest, (self.started or 0) - lag_ms),
            pages=0,
        )


def to_millis(text: str) -> int:
    """Milliseconds since 1970 of a vendor's time: ISO 8601, or the milliseconds themselves."""
    if text.lstrip("-").isdigit():
        return int(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
