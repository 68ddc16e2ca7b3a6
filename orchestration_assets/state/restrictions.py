"""Withdrawals, suppressions and erasures: what forbids a sending, whatever the model says."""

import hashlib
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import restrictions
from orchestration_assets.state.store import StateStore

# A restriction with this purpose or channel forbids all of them.
EVERYTHING = "*"
_CHUNK = 1_000
# Past so many subjects one reading of the whole table costs less than asking for each.
_READ_ALL_ABOVE = 5_000
_KEYS = ("subject", "subject_kind", "purpose", "channel", "source")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a source record speaks about.

    Args:
        purpose: purpose.
        channel: channel.
        source: the record, `<system>:<record id>`.
    """

    purpose: str
    channel: str
    source: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A consent that a source record withdraws by its newest statement.

    Args:
        statement: what was withdrawn.
        since: when, in the source's time.
        address: e-mail address of the record, where it has one.
        customer_id: customer that the record belongs to, where it is known.
    """

    statement: Statement
    since: datetime
    address: str | None
    customer_id: str | None


def identifier_hash(identifier: str) -> str:
    """SHA-256 of an e-mail address or phone number, blanks and case ignored."""
    return hashlib.sha256(identifier.strip().lower().encode()).hexdigest()


def record_restriction(
    state: StateStore,
    subject: str,
    kind: str,
    purpose: str,
    channel: str,
    source: str,
    since: datetime,
) -> None:
    """Note that somebody must not be addressed; noting it again changes nothing.

    Args:
        state: the operational store.
        subject: customer id, or `identifier_hash` of an address.
        kind: `customer` or `identifier`.
        purpose: purpose, or `EVERYTHING`.
        channel: channel, or `EVERYTHING`.
        source: who said so (a source record, an erasure request).
        since: when it was said, in the source's time.
    """
    row = {
        "subject": subject,
        "subject_kind": kind,
        "purpose": purpose,
        "channel": channel,
        "source": source,
        "since": since,
        "recorded_at": datetime.now(UTC),
    }
    with state.begin() as connection:
        state.upsert(connection, restrictions, [row], _KEYS, update=[])


def sync_restrictions(
    state: StateStore, withdrawn: Sequence[Withdrawal], granted: AbstractSet[Statement]
) -> tuple[int, int]:
    """Note what source records withdrew, and lift what they grant again.

    A record that states nothing any more, or is gone, lifts nothing. An address that a record
    withdrew stays restricted when the record's address changes; its customer does not when the
    record now belongs to another one.

    Args:
        state: the operational store.
        withdrawn: what records withdraw by their newest statements.
        granted: what records grant by their newest statements.

    Returns:
        How many restrictions were written or noted again, and how many lifted.
    """
    now = datetime.now(UTC)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for item in withdrawn:
        for kind, subject in (("customer", item.customer_id), ("identifier", item.address)):
            if subject:
                name = identifier_hash(subject) if kind == "identifier" else subject
                row = {"subject": name, "subject_kind": kind, **_stated(item.statement)}
                row |= {"since": item.since, "recorded_at": now}
                rows[tuple(row[key] for key in _KEYS)] = row
    customers = {item.statement: item.customer_id for item in withdrawn if item.customer_id}
    with state.begin() as connection:
        known = connection.execute(sa.select(*(restrictions.c[key] for key in _KEYS))).all()
        lifted = [
            dict(zip(_KEYS, key, strict=True))
            for key in known
            if (stated := Statement(key.purpose, key.channel, key.source)) in granted
            or (
                key.subject_kind == "customer" and customers.get(stated, key.subject) != key.subject
            )
        ]
        if lifted:
            same = (restrictions.c[key] == sa.bindparam(f"old_{key}") for key in _KEYS)
            bound = [{f"old_{key}": value for key, value in row.items()} for row in lifted]
            connection.execute(sa.delete(restrictions).where(*same), bound)
        state.upsert(connection, restrictions, rows.values(), _KEYS, update=["since"])
    return len(rows), len(lifted)


def _stated(statement: Statement) -> dict[str, str]:
    return {
        "purpose": statement.purpose,
        "channel": statement.channel,
        "source": statement.source,
    }


def restricted_subjects(
    state: StateStore, customer_ids: Iterable[str], addresses: Iterable[str], use: Sequence[str]
) -> tuple[set[str], set[str]]:
    """Who among these must not be addressed now.

    Args:
        state: the operational store.
        customer_ids: customers about to be addressed.
        addresses: addresses about to be written to.
        use: purpose and channel of the sending.

    Returns:
        The restricted customer ids, and the restricted addresses as they were handed in.
    """
    purpose, channel = use
    spellings: dict[str, set[str]] = {}
    for address in addresses:
        if address:
            spellings.setdefault(identifier_hash(address), set()).add(address)
    customers = _found(state, "customer", list(set(customer_ids)), purpose, channel)
    hashed = _found(state, "identifier", list(spellings), purpose, channel)
    return customers, {address for item in hashed for address in spellings[item]}


def _found(
    state: StateStore, kind: str, subjects: Sequence[str], purpose: str, channel: str
) -> set[str]:
    table = restrictions.c
    use = sa.select(table.subject).where(
        table.subject_kind == kind,
        table.purpose.in_([purpose, EVERYTHING]),
        table.channel.in_([channel, EVERYTHING]),
    )
    if len(subjects) > _READ_ALL_ABOVE:
        return {row["subject"] for row in state.rows(use)} & set(subjects)
    found: set[str] = set()
    for start in range(0, len(subjects), _CHUNK):
        part = use.where(table.subject.in_(subjects[start : start + _CHUNK]))
        found.update(row["subject"] for row in state.rows(part))
    return found
