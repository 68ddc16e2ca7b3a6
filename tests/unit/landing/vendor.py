"""A small vendor in memory, and the contract of its one stream."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestration_assets.errors import RetriableError
from orchestration_assets.model import Fetched, Field, Kind, Page, Stream

PEOPLE = Stream(
    system="acme",
    name="people",
    description="One row for each person and version of it.",
    record_id="id",
    source_at="updatedAt",
    fields=(
        Field("email", "properties.email"),
        Field("age", "properties.age", Kind.INTEGER),
        Field("balance", "properties.balance", Kind.DECIMAL),
        Field("opted_out", "properties.opted_out", Kind.BOOLEAN),
        Field("born_on", "properties.born_on", Kind.DATE),
        Field("created_at", "createdAt", Kind.TIMESTAMP, required=True),
        Field("history", "history", Kind.JSON),
    ),
    known=frozenset({"url", "properties.hs_object_id"}),
    volatile=frozenset({"updatedAt", "properties.accord_*"}),
    feeds_identity=True,
)


def person(number: int, *, minute: int = 0, **properties: Any) -> dict[str, Any]:
    """A record; `minute` moves its time of change."""
    return {
        "id": str(number),
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": f"2026-02-01T{minute // 60:02d}:{minute % 60:02d}:00.000Z",
        "properties": {
            "email": f"person{number}@example.org",
            "age": str(20 + number % 60),
            "balance": "12.50",
            "opted_out": "false",
            "born_on": "1990-05-17",
            **properties,
        },
        "history": [{"value": "a", "at": 0}],
    }


class Vendor:
    """Serves records in pages; a cursor is the number of change-log entries already read."""

    system = "acme"
    streams: Mapping[str, Stream] = {"people": PEOPLE}

    def __init__(self, page_size: int = 100) -> None:
        self.page_size = page_size
        self.log: list[tuple[Any, bool]] = []
        self.now: dict[str, Any] = {}
        self.fail_after_pages: int | None = None

    def put(self, *records: Any, deleted: bool = False) -> None:
        """Add versions (or deletions) to the change log."""
        for record in records:
            self.log.append((record, deleted))
            if isinstance(record, dict):
                self.now.pop(str(record.get("id")), None)
                if not deleted:
                    self.now[str(record.get("id"))] = record

    def forget(self, *numbers: int) -> None:
        """Lose records without telling: only a full reading can find out."""
        for number in numbers:
            del self.now[str(number)]

    def read(self, stream: str, cursor: str | None, *, full: bool = False) -> Iterator[Page]:
        """Pages from the cursor on; boundaries are inclusive."""
        end = str(len(self.log))
        if full:
            living = list(self.now.values())
            for start in range(0, len(living), self.page_size):
                yield Page(living[start : start + self.page_size], f"sweep-{start}")
            yield Page([], end)
            return
        start = max(int(cursor or 0) - 1, 0) if (cursor or "0").isdigit() else 0
        pages = 0
        while start < len(self.log):
            if pages == self.fail_after_pages:
                raise RetriableError("acme: it broke.", "wait.")
            pages += 1
            deleted = self.log[start][1]
            stop = start
            while (
                stop < len(self.log)
                and stop - start < self.page_size
                and self.log[stop][1] == deleted
            ):
                stop += 1
            yield Page([record for record, _ in self.log[start:stop]], str(stop), deleted)
            start = stop

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Fetched]:
        """One answer for each page of identifiers; what is no number is refused."""
        for start in range(0, len(ids), self.page_size):
            part = ids[start : start + self.page_size]
            known = [key for key in part if key.isdigit()]
            yield Fetched(
                [self.now[key] for key in known if key in self.now],
                [self._deletion(key) for key in known if key not in self.now],
                {key: "no number" for key in part if key not in known},
            )
            if self.fail_after_pages is not None:
                raise RetriableError("acme: it broke.", "wait.")

    def _deletion(self, key: str) -> Mapping[str, Any]:
        """As the change log tells it; the identifier alone where it does not."""
        told = [one for one, deleted in self.log if deleted and one["id"] == key]
        return told[-1] if told else {"id": key}

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Whether the log has grown."""
        return int(cursor or 0) < len(self.log)
