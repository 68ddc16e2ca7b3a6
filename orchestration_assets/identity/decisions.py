"""What a steward decided about two records: that they are one person, or two."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from orchestration_assets.identity.keys import record_key
from orchestration_assets.identity.tables import TABLES
from orchestration_assets.warehouse.session import Session

TOGETHER, APART = "together", "apart"

_STEWARD_WEIGHT = 99.0
_STEWARD_STRENGTH = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Args:
        decision_id: names it in the operational store.
        kind: `together` or `apart`.
        one: record key of the first record.
        other: record key of the second one.
        reason: in the steward's words; holds no personal data.
    """

    decision_id: str
    kind: str
    one: int
    other: int
    reason: str


def make_decision(
    decision_id: str, kind: str, one: tuple[str, str], other: tuple[str, str], reason: str
) -> Decision:
    """A decision about two records, each named by its system and record id."""
    return Decision(decision_id, kind, record_key(*one), record_key(*other), reason)


def newly_decided(session: Session, decisions: Sequence[Decision]) -> list[Decision]:
    """Decisions that the last run did not know, and those of the last run that were withdrawn."""
    rows = session.rows("select decision_id, kind, one, other, reason from identity.decisions")
    known = {row["decision_id"]: Decision(**row) for row in rows}
    current = {decision.decision_id: decision for decision in decisions}
    added = [decision for name, decision in current.items() if name not in known]
    return added + [decision for name, decision in known.items() if name not in current]


def remember(session: Session, decisions: Sequence[Decision]) -> None:
    """Keep the decisions that this run went by."""
    columns = TABLES["decisions"].names
    rows = [{name: getattr(item, name) for name in columns} for item in decisions]
    session.replace("identity", "decisions", pa.Table.from_pylist(rows, TABLES["decisions"]))


def steward_links(decisions: Iterable[Decision], known: pa.Array) -> pa.Table:
    """Links of the decisions that two records are one person, where both are there."""
    there = set(known.to_pylist()) if decisions else set()
    rows = [
        {
            "one": min(item.one, item.other),
            "other": max(item.one, item.other),
            "strength": _STEWARD_STRENGTH,
            "is_strong": True,
            "weight": _STEWARD_WEIGHT,
        }
        for item in decisions
        if item.kind == TOGETHER and item.one in there and item.other in there
    ]
    return pa.Table.from_pylist(rows, TABLES["links"])


def kept_apart(decisions: Iterable[Decision]) -> list[tuple[int, int]]:
    """Pairs of record keys that are two people."""
    return [(item.one, item.other) for item in decisions if item.kind == APART]
