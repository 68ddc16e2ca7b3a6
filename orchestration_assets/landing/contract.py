"""A stream's contract prepared for work on thousands of records at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import pyarrow as pa

from orchestration_assets.model import Field, Kind, Stream

Record = Mapping[str, Any]
UTC_MICROSECONDS = pa.timestamp("us", "UTC")
ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.STRING: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.DECIMAL: pa.decimal128(38, 9),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIMESTAMP: UTC_MICROSECONDS,
    Kind.DATE: pa.date32(),
    Kind.JSON: pa.string(),
}
META_FIELDS: tuple[pa.Field, ...] = (
    pa.field("_record_id", pa.string()),
    pa.field("_source_at", UTC_MICROSECONDS),
    pa.field("_loaded_at", UTC_MICROSECONDS),
    pa.field("_is_deleted", pa.bool_()),
    pa.field("_row_hash", pa.string()),
    pa.field("_raw", pa.string()),
)
LOAD_ID = "_dlt_load_id"
_EMPTY: Mapping[str, Any] = {}


def raw_schema(stream: Stream) -> str:
    """Name of the warehouse schema of the stream's system."""
    return f"raw_{stream.system}"


def arrow_schema(stream: Stream) -> pa.Schema:
    """Columns of the raw table as we write it; dlt adds `_dlt_load_id`."""
    typed = [pa.field(field.name, ARROW_TYPES[field.kind]) for field in stream.fields]
    return pa.schema([*META_FIELDS, *typed])


@dataclass(frozen=True)
class Contract:
    """A stream with its paths taken apart.

    Args:
        stream: the contract.
        containers: dotted path of each JSON object that holds fields ("" is the record itself),
            with the values read from it: (last step of the path, full path).
        expected: for each container, the keys that are no drift.
        prefixes: for each container, the key prefixes that are no drift.
    """

    stream: Stream
    containers: Mapping[str, Sequence[tuple[str, str]]]
    expected: Mapping[str, frozenset[str]]
    prefixes: Mapping[str, tuple[str, ...]]

    @property
    def source_at(self) -> Field:
        """The vendor's time of change as if it were a required column."""
        return Field("_source_at", self.stream.source_at, Kind.TIMESTAMP, required=True)

    @property
    def record_id(self) -> Field:
        """The vendor's identifier as if it were a required column."""
        return Field("_record_id", self.stream.record_id, required=True)


@lru_cache(maxsize=256)
def contract_of(stream: Stream) -> Contract:
    """Prepare a stream's contract; the same stream is prepared once."""
    read = [stream.record_id, stream.source_at, *(field.path for field in stream.fields)]
    containers: dict[str, list[tuple[str, str]]] = {}
    for path in dict.fromkeys(read):
        parent, _, key = path.rpartition(".")
        containers.setdefault(parent, []).append((key, path))
    known = {*read, *stream.known, *(path for path in stream.volatile if not path.endswith("*"))}
    wildcards = [path[:-1] for path in stream.volatile if path.endswith("*")]
    expected: dict[str, set[str]] = {"": set()}
    for path in [*known, *wildcards]:
        steps = path.split(".")
        for depth in range(len(steps)):
            parent = ".".join(steps[:depth])
            if parent and parent in known:
                break
            expected.setdefault(parent, set()).add(steps[depth])
    prefixes: dict[str, tuple[str, ...]] = {}
    for path in wildcards:
        parent, _, prefix = path.rpartition(".")
        if parent not in expected:
            # It lies in a value known as a whole, a JSON column say: nothing there is drift.
            continue
        expected[parent].discard(prefix)
        prefixes[parent] = (*prefixes.get(parent, ()), prefix)
    return Contract(
        stream,
        containers,
        {parent: frozenset(keys) for parent, keys in expected.items()},
        prefixes,
    )


def objects_at(records: Sequence[Record], path: str) -> list[Record]:
    """The JSON object at a dotted path of each record; an empty one where there is none."""
    found = list(records)
    for step in path.split(".") if path else ():
        found = [value if isinstance(value := item.get(step), dict) else _EMPTY for item in found]
    return found


def values_by_path(contract: Contract, records: Sequence[Record]) -> dict[str, Sequence[Any]]:
    """One sequence of values for each path that the contract reads, None where it is absent."""
    top_keys = set().union(*records)
    values: dict[str, Sequence[Any]] = {}
    for parent, wanted in contract.containers.items():
        items = objects_at(records, parent)
        keys = [key for key, _ in wanted]
        for (_, path), column in zip(wanted, _columns(items, keys), strict=True):
            values[path] = column
    for path, nested in list(values.items()):
        # A key that itself holds the dots wins over the nested reading.
        if "." in path and path in top_keys:
            values[path] = [
                record.get(path, value) for record, value in zip(records, nested, strict=True)
            ]
    return values


def _columns(items: Sequence[Record], keys: Sequence[str]) -> list[Sequence[Any]]:
    try:
        if len(keys) == 1:
            return [list(map(itemgetter(keys[0]), items))]
        return list(zip(*map(itemgetter(*keys), items), strict=True))
    except KeyError:
        return [[item.get(key) for item in items] for key in keys]


def find_drift(contract: Contract, records: Sequence[Record]) -> dict[str, int]:
    """Dotted paths that the contract does not know, with the number of records that have them.

    Looks at the record itself and into each object that holds known fields.
    """
    drift: dict[str, int] = {}
    for parent, expected in contract.expected.items():
        if parent in contract.stream.known:
            continue
        items = objects_at(records, parent)
        prefixes = contract.prefixes.get(parent, ())
        for key in set().union(*items) - expected:
            if prefixes and key.startswith(prefixes):
                continue
            path = f"{parent}.{key}" if parent else key
            drift[path] = sum(key in item for item in items)
    return drift
