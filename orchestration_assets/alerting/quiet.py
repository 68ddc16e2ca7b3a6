"""Quiet hours: when warnings wait. Critical incidents never do."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Quiet:
    """From one time of day to another in a time zone; over midnight where the second is earlier.

    Args:
        start: from when on.
        end: until when; the same as `start` for none at all.
        zone: whose clock counts.
    """

    start: time = time(0)
    end: time = time(0)
    zone: ZoneInfo | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether the moment lies in quiet hours."""
        clock = moment.astimezone(self.zone or UTC).time()
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def end_after(self, moment: datetime) -> datetime:
        """When the quiet hours end that the moment lies in; the moment itself outside of them."""
        if not self.covers(moment):
            return moment
        local = moment.astimezone(self.zone or UTC)
        end = datetime.combine(local.date(), self.end, local.tzinfo)
        if end <= local:
            end = datetime.combine(local.date() + timedelta(days=1), self.end, local.tzinfo)
        return end.astimezone(UTC)
