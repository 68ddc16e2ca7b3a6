"""The note that a landing keeps of its reading, for the landing gate to judge."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

from orchestration_assets.model import Stream
from orchestration_assets.warehouse import readings
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.session import Session


class ReadingLog:
    """What one landing says of its reading; nothing where it found nothing new.

    Args:
        stream: that is read.
        warehouse: where the note is kept.
        full: the reading sees all that there is.

    Attributes:
        left_out: loads that count as if they had never landed. What is held counts for a reading of
            changes, which then lands no copy of it; a full reading says anew what differs from the
            loads that passed.
    """

    def __init__(self, stream: Stream, warehouse: Warehouse, *, full: bool) -> None:
        self._stream = stream
        self._warehouse = warehouse
        self._full = full
        self._reading = self._new()
        self._is_noted = False
        self._holds_something = False
        self._has_abandoned = False
        self.left_out: list[str] = []

    def _new(self) -> readings.Reading:
        return readings.Reading(
            uuid.uuid4().hex,
            self._stream.system,
            self._stream.name,
            self._full,
            datetime.now(UTC),
        )

    def look(self, session: Session) -> None:
        """See what of the stream is held, and whether an earlier reading never ended."""
        here = self._stream.system, self._stream.name
        statuses = [readings.DISCARDED, readings.OBSOLETE]
        self._holds_something = readings.holds(session, *here)
        if self._full:
            statuses.append(readings.HELD)
        self.left_out = readings.left_out_loads(session, *here, statuses)
        self._has_abandoned = readings.has_abandoned(session, *here)

    def end_abandoned(self) -> None:
        """End the readings of the stream that a killed process left."""
        if self._has_abandoned:
            with self._warehouse.writer(f"end old readings of {self._stream.key}") as session:
                readings.end_abandoned(session, self._stream.system, self._stream.name)

    def note(self, session: Session) -> str:
        """Note the reading in the transaction that registers a load of it; return its id.

        A reading that was ended meanwhile, by another landing or for its age, may be judged
        already: what comes now is a reading of its own.
        """
        if not readings.is_open(session, self._reading.reading_id):
            self._reading, self._is_noted = self._new(), False
        if not self._is_noted:
            readings.note_reading(session, self._reading)
            self._is_noted = True
        return self._reading.reading_id

    def end(
        self, *, is_complete: bool, rows_read: int, rows_rejected: int, living_seen: int
    ) -> None:
        """Say that the reading is over; one that found nothing and frees nothing has no note."""
        if not (self._is_noted or rows_rejected or (self._full and self._holds_something)):
            return
        with self._warehouse.writer(f"end reading of {self._stream.key}") as session:
            if not readings.is_open(session, self._reading.reading_id):
                return
            reading = replace(
                self._reading,
                ended_at=datetime.now(UTC),
                is_complete=is_complete,
                rows_read=rows_read,
                rows_rejected=rows_rejected,
                living_seen=living_seen,
            )
            readings.note_reading(session, reading)
