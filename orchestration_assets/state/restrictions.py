"""Withdrawals, suppressions and erasures: what forbids a sending, whatever the model says."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from orchestration_assets.state.schema import restrictions
from orchestration_assets.state.store import StateStore

# A restriction with this purpose or channel forbids all of them.
EVERYTHING = "*"
_CHUNK = 1_000
# Past so many subjects one reading of the whole table costs less than asking for each.
_READ_ALL_ABOVE = 5_000


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
        source: who said so (a system, an erasure request).
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
    keys = ["subject", "subject_kind", "purpose", "channel", "source"]
    with state.begin() as connection:
        state.upsert(connection, restrictions, [row], keys, update=[])


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
    hashes = {identifier_hash(address): address for address in addresses if address}
    customers = _found(state, "customer", list(set(customer_ids)), purpose, channel)
    hashed = _found(state, "identifier", list(hashes), purpose, channel)
    return customers, {hashes[item] for item in hashed}


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
