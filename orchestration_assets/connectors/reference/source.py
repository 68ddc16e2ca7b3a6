"""Reading reference data: each stream is one file, read in full whenever its content changed."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestration_assets.connectors.reference.rows import FORMAT, Row, read_rows
from orchestration_assets.connectors.reference.streams import (
    LINE,
    RATE_ID_PARTS,
    SPILT,
    STREAMS,
    SYSTEM,
    columns_of,
)
from orchestration_assets.errors import FatalError
from orchestration_assets.model import Page, Stream


class ReferenceSource:
    """Source of the reference streams; `<stream>.csv` in one folder.

    Args:
        connection: `dir`, the folder.
    """

    system = SYSTEM
    streams: Mapping[str, Stream] = STREAMS

    def __init__(self, connection: Mapping[str, str]) -> None:
        self._folder = Path(connection["dir"]).expanduser()

    def read(self, stream: str, cursor: str | None, *, full: bool = False) -> Iterator[Page]:
        """Yield all rows as one page, whatever the cursor; see `Source.read`.

        Raises:
            FatalError: the file is missing, is no CSV in UTF-8, lacks a column, says one thing
                twice, or has lost all its rows, which are not taken for deleted.
        """
        path, content = self._path(stream), self._content(stream)
        records = [_named(stream, row) for row in read_rows(path, content, columns_of(stream))]
        _refuse_twice(path, STREAMS[stream].record_id, records)
        if not records and cursor not in (None, _fingerprint(content)):
            raise FatalError(
                f"{SYSTEM}: {path} has no rows any more; what has landed of it stays.",
                "put the rows back.",
            )
        yield Page(records, _fingerprint(content))

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Whether the file is another one than at the last reading."""
        return _fingerprint(self._content(stream)) != cursor

    def close(self) -> None:
        """Nothing stays open."""

    def _path(self, stream: str) -> Path:
        return self._folder / f"{stream}.csv"

    def _content(self, stream: str) -> bytes:
        path = self._path(stream)
        try:
            return path.read_bytes()
        except OSError as error:
            raise FatalError(
                f"{SYSTEM}: {path} cannot be read ({error.strerror}).",
                f"put the file there ({FORMAT} shows one), or set ACCORD_REFERENCE_DIR to the"
                " folder that holds it.",
            ) from error


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _named(stream: str, row: Row) -> Row:
    """The row with its identifier; a rate is named by its currencies and date.

    Of a row with cells too many only the identifier is kept as such, so that it is rejected.
    """
    record_id = STREAMS[stream].record_id
    if stream == "exchange_rates":
        parts = [row[name] for name in RATE_ID_PARTS]
        row = {record_id: ":".join(map(str, parts)) if all(parts) else None, **row}
    return {name: row[name] for name in (record_id, LINE, SPILT)} if SPILT in row else row


def _refuse_twice(path: Path, record_id: str, records: list[Row]) -> None:
    """Two rows of one identifier: nobody knows which of them counts."""
    first: dict[object, object] = {}
    for record in records:
        name = record.get(record_id)
        if name is not None and first.setdefault(name, record[LINE]) != record[LINE]:
            raise FatalError(
                f"{SYSTEM}: lines {first[name]} and {record[LINE]} of {path} have the same"
                f" {record_id}.",
                "remove one of the two, or give it an identifier of its own.",
            )
