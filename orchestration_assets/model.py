"""The vocabulary that every layer shares: streams, pages and rows on their way out.

Holds plain values only. Nothing here imports another module of Accord, opens a file or a socket.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class Kind(StrEnum):
    """Type of a landed column. `JSON` is kept as text; `TIMESTAMP` is UTC with microseconds."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"
    JSON = "json"


class PersonalData(StrEnum):
    """Personal-data class of a column; it drives masking and erasure."""

    NONE = "none"
    IDENTIFIER = "identifier"
    CONTACT = "contact"
    PROFILE = "profile"
    BEHAVIOUR = "behaviour"


@dataclass(frozen=True, slots=True)
class Field:
    """One typed column of a stream's contract.

    Args:
        name: column name in the raw table, snake case.
        path: where the value stands in the vendor's record, dotted (`properties.email`).
        kind: type it must have; a value that cannot be converted makes the record malformed.
        required: a missing or null value makes the record malformed.
        personal_data: class of the column.
    """

    name: str
    path: str
    kind: Kind = Kind.STRING
    required: bool = False
    personal_data: PersonalData = PersonalData.NONE


@dataclass(frozen=True, slots=True)
class Stream:
    """The contract of one stream of records of one system.

    Args:
        system: `hubspot`, `shopify`, ...
        name: `contacts`, `orders`, ...; the raw table is `raw_<system>.<name>`.
        description: one sentence that starts with the grain.
        record_id: dotted path of the vendor's identifier.
        source_at: dotted path of the vendor's own time of the last change (ISO 8601 text).
        fields: typed columns.
        known: dotted paths that are expected but not typed. A field that is in neither `fields`
            nor `known` is reported as drift (and always kept in the raw record).
            A known path covers all below it.
        volatile: dotted paths left out of the content hash: modification times and the properties
            that Accord itself writes, so that reading our own writes back is no change.
            A trailing `*` matches a prefix.
        feeds_identity: true where a record is a person.
        reads_all: true where each reading yields every living record, so that one which is missing
            from it was deleted.
        place: key of where a record stands at its source (`line`); it is named where the
            record is rejected. Empty: nowhere that would help.
    """

    system: str
    name: str
    description: str
    record_id: str
    source_at: str
    fields: tuple[Field, ...]
    known: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    feeds_identity: bool = False
    reads_all: bool = False
    place: str = ""

    @property
    def key(self) -> str:
        """`<system>.<name>`, the name used in logs, cursors and errors."""
        return f"{self.system}.{self.name}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page as the vendor answered it.

    Args:
        records: the vendor's JSON objects, unchanged.
        cursor: opaque text; reading from it again continues right after this page. It is stored
            only after the page is durable.
        deleted: every record of this page is a deletion or an archive.
    """

    records: Sequence[Mapping[str, Any]]
    cursor: str
    deleted: bool = False


class Source(Protocol):
    """A system that can be read. Knows the vendor's JSON, nothing of warehouses or Dagster."""

    system: str
    streams: Mapping[str, Stream]

    def read(self, stream: str, cursor: str | None, *, full: bool = False) -> Iterator[Page]:
        """Yield pages from `cursor` on (from the beginning where it is None or `full` is set).

        The last page's cursor makes the next call incremental. Boundaries are inclusive: a record
        may come twice, none is left out.

        Raises:
            FatalError: wrong credentials or scope, naming the setting.
            RetriableError: the system stayed unavailable after bounded retries.
        """
        ...

    def has_changed(self, stream: str, cursor: str | None) -> bool:
        """Ask with one cheap call whether `read` from `cursor` would find anything new."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a system answered about some of the identifiers that it was asked for.

    Each identifier is in one of the three. A record that was merged into another is gone, and the
    other one is among the records.

    Args:
        records: those that live, as `Source.read` yields them.
        gone: those that do not, as deletions of `Source.read`; with the identifier alone where the
            system tells no more.
        refused: identifiers that are none of the system's, and why.
    """

    records: Sequence[Mapping[str, Any]] = ()
    gone: Sequence[Mapping[str, Any]] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Fetches(Protocol):
    """A source that can also be asked for single records of its streams."""

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Fetched]:
        """Yield what the system says now of these records, in as many parts as it takes calls.

        Args:
            stream: name of the stream.
            ids: values of the stream's `record_id`, any number of them. One that comes twice is
                asked for once; one that the system could not have given is not asked for.

        Raises:
            FatalError: wrong credentials or scope, naming the setting.
            RetriableError: the system stayed unavailable after bounded retries.
        """
        ...


class RowStatus(StrEnum):
    """What the vendor said about one row."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OutgoingRow:
    """One row on its way to a destination.

    Args:
        idempotency_key: the same for every attempt to bring about this very effect.
        target_key: the vendor's upsert key (for instance an e-mail address).
        payload: vendor property name to JSON value.
    """

    idempotency_key: str
    target_key: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowResult:
    """The vendor's own answer for one row.

    `UNKNOWN` means that the vendor's answer was lost or the call never went out; it is sent again.
    """

    idempotency_key: str
    status: RowStatus
    reason: str | None = None
    vendor_reference: str | None = None


class Writer(Protocol):
    """One object of a destination that can be written (upserted)."""

    system: str
    object_name: str

    def write(self, rows: Sequence[OutgoingRow], options: Mapping[str, Any]) -> list[RowResult]:
        """Upsert the rows and return one result a row, in any order.

        Args:
            rows: at most 10,000; the writer splits them into the vendor's batches.
            options: what the journey's YAML says for this destination (a list's name, ...).

        Raises:
            FatalError: nothing was or will be accepted (credentials, scope, unknown property).
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True)
class LandingResult:
    """What one landing of one stream did; counts are rows, `rows_total` those of the raw table."""

    system: str
    stream: str
    rows_read: int = 0
    rows_landed: int = 0
    rows_deleted: int = 0
    rows_unchanged: int = 0
    rows_total: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    drift: tuple[str, ...] = ()
    load_ids: tuple[str, ...] = ()
    watermark: str | None = None
