"""The raw text of a record and the hash of what counts as its content."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from orchestration_assets.model import Stream

_DIGEST_BYTES = 16
Record = Mapping[str, Any]


def raw_text(record: Record) -> bytes:
    """The record as JSON, keys in the vendor's order."""
    return orjson.dumps(record)


@lru_cache(maxsize=256)
def hasher_of(stream: Stream) -> Callable[[Sequence[Record]], list[str]]:
    """Return the function that hashes records of a stream without its volatile paths.

    The hash does not depend on the order of keys.
    """
    exact: dict[tuple[str, ...], list[str]] = {}
    prefixes: dict[tuple[str, ...], list[str]] = {}
    for path in sorted(stream.volatile):
        *parents, key = path.split(".")
        group = prefixes if key.endswith("*") else exact
        group.setdefault(tuple(parents), []).append(key.removesuffix("*"))
    # Deeper objects first: a parent that is itself dropped afterwards costs nothing more.
    targets = [
        (parents, tuple(exact.get(parents, ())), tuple(prefixes.get(parents, ())))
        for parents in sorted({*exact, *prefixes}, key=len)
    ]

    def hash_records(records: Sequence[Record]) -> list[str]:
        dumps, sort = orjson.dumps, orjson.OPT_SORT_KEYS
        return [
            blake2b(
                dumps(_stable(record, targets), option=sort), digest_size=_DIGEST_BYTES
            ).hexdigest()
            for record in records
        ]

    return hash_records


def _stable(
    record: Record,
    targets: Sequence[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]],
) -> dict[str, Any]:
    """A copy without the volatile paths; what they do not touch is shared with the record."""
    copy = dict(record)
    for parents, keys, prefixes in targets:
        owner: Any = copy
        for step in parents:
            inner = owner.get(step)
            if not isinstance(inner, dict):
                break
            owner[step] = owner = dict(inner)
        else:
            for key in keys:
                owner.pop(key, None)
            if prefixes:
                for key in [key for key in owner if key.startswith(prefixes)]:
                    del owner[key]
    return copy
