"""The raw text of a record and the hash of what counts as its content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Drop:
    """What to leave out of one object of a record: keys, and prefixes of keys."""

    parents: tuple[str, ...]
    keys: tuple[str, ...]
    prefixes: tuple[str, ...]


@lru_cache(maxsize=256)
def _drops(stream: Stream) -> tuple[tuple[_Drop, ...], tuple[_Drop, ...]]:
    """What to drop from every record, and what on top where a prefix may occur."""
    keys: dict[tuple[str, ...], list[str]] = {}
    prefixes: dict[tuple[str, ...], list[str]] = {}
    for path in sorted(stream.volatile):
        *parents, key = path.split(".")
        group = prefixes if key.endswith("*") else keys
        group.setdefault(tuple(parents), []).append(key.removesuffix("*"))
    plain = [_Drop(parents, tuple(names), ()) for parents, names in keys.items()]
    starred = [_Drop(parents, (), tuple(names)) for parents, names in prefixes.items()]
    return tuple(plain), tuple(starred)


def hash_records(stream: Stream, records: Sequence[Record], raws: Sequence[bytes]) -> list[str]:
    """Hash each record without the stream's volatile paths, whatever the order of its keys.

    Args:
        stream: whose volatile paths are left out.
        records: the vendor's JSON objects; they are not changed.
        raws: their texts, as `raw_text` gives them.
    """
    plain, starred = _drops(stream)
    everything = (*plain, *starred)
    signs = [f'"{prefix}'.encode() for drop in starred for prefix in drop.prefixes]
    dumps, sort = orjson.dumps, orjson.OPT_SORT_KEYS
    hashes = []
    for record, raw in zip(records, raws, strict=True):
        drops = everything if any(sign in raw for sign in signs) else plain
        stable = _without(record, drops) if drops else record
        hashes.append(blake2b(dumps(stable, option=sort), digest_size=_DIGEST_BYTES).hexdigest())
    return hashes


def _without(record: Record, drops: Sequence[_Drop]) -> dict[str, Any]:
    """A copy without the volatile paths; what they do not touch is shared with the record."""
    copy = dict(record)
    for drop in drops:
        owner: Any = copy
        for step in drop.parents:
            inner = owner.get(step)
            if not isinstance(inner, dict):
                break
            owner[step] = owner = dict(inner)
        else:
            for key in drop.keys:
                owner.pop(key, None)
            if drop.prefixes:
                for key in [key for key in owner if key.startswith(drop.prefixes)]:
                    del owner[key]
    return copy
