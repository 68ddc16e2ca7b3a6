"""What a steward reads: pairs to review, the records of a customer, where they came from."""

from collections.abc import Collection, Sequence
from typing import Any

from orchestration_assets.errors import FatalError
from orchestration_assets.identity.keys import record_key
from orchestration_assets.warehouse.session import Session

Record = tuple[str, str]
_SHOWN = "email, phone, first, last, house, street, postal, city"
_PAIRS = """
select
    r.weight, r.found_at,
    a.system as system_one, a.record_id as record_one,
    b.system as system_other, b.record_id as record_other,
    {sides}
from identity.review r
join identity.people a on a.record_key = r.one
join identity.people b on b.record_key = r.other
order by r.weight desc, r.one, r.other
"""


def pairs_to_review(
    session: Session, decided: Collection[frozenset[Record]], limit: int
) -> list[dict[str, Any]]:
    """Pairs between accepted and rejected, most likely first, without those decided already.

    Returns:
        weight (log2 odds), found_at, one and other (system, record_id and the values compared).
    """
    if not session.table_exists("identity", "review"):
        return []
    names = _SHOWN.split(", ")
    sides = ", ".join(f"{side}.{name} as {side}_{name}" for side in "ab" for name in names)
    known = set(decided)
    found = []
    for row in session.rows(f"{_PAIRS.format(sides=sides)} limit {limit + len(decided)}"):
        pair = {
            which: {
                "system": row[f"system_{which}"],
                "record_id": row[f"record_{which}"],
                **{name: row[f"{side}_{name}"] for name in names},
            }
            for which, side in (("one", "a"), ("other", "b"))
        }
        records = frozenset((one["system"], one["record_id"]) for one in pair.values())
        if records not in known:
            found.append({"weight": row["weight"], "found_at": row["found_at"], **pair})
    return found[:limit]


def customer_of(session: Session, record: Record) -> str:
    """The customer of a record.

    Raises:
        FatalError: the record is not known.
    """
    found = None
    if session.table_exists("identity", "customer_records"):
        found = session.scalar(
            "select customer_id from identity.customer_records where record_key = :key",
            {"key": record_key(*record)},
        )
    if found is None:
        raise FatalError(
            f"{':'.join(record)} is no record that was resolved.",
            "write it as SYSTEM:RECORD_ID, as in core.dim_customer_identities.",
        )
    return str(found)


def members_with(session: Session, record: Record) -> list[Record]:
    """The other records of the customer of a record, in order."""
    rows = session.rows(
        "select system, record_id from identity.customer_records"
        " where customer_id = :customer order by system, record_id",
        {"customer": customer_of(session, record)},
    )
    members = [(row["system"], row["record_id"]) for row in rows]
    return [member for member in members if member != record]


def describe(session: Session, record: Record) -> dict[str, Any]:
    """A record's customer: its records, the links between them, and its history."""
    customer = customer_of(session, record)
    values = {"customer": customer}
    return {
        "customer_id": customer,
        "records": session.rows(
            "select system, record_id, linked_by, first_loaded_at from identity.customer_records"
            " where customer_id = :customer order by first_loaded_at, system, record_id",
            values,
        ),
        "links": session.rows(
            "select a.system as system_one, a.record_id as record_one, b.system as system_other,"
            " b.record_id as record_other, l.strength, l.weight from identity.links l"
            " join identity.customer_records a on a.record_key = l.one"
            " join identity.customer_records b on b.record_key = l.other"
            " where a.customer_id = :customer and b.customer_id = :customer"
            " order by l.strength, l.weight desc",
            values,
        ),
        "history": session.rows(
            "select system, record_id, customer_id_before, customer_id_after, kind, reason,"
            " changed_at from identity.history"
            " where customer_id_before = :customer or customer_id_after = :customer"
            " order by changed_at, system, record_id",
            values,
        ),
    }


def unapplied(session: Session, in_force: Sequence[str]) -> list[str]:
    """Decisions that no run has gone by yet, and those gone by that are in force no more."""
    if not session.table_exists("identity", "decisions"):
        return []
    applied = {row["decision_id"] for row in session.rows("select * from identity.decisions")}
    return sorted(applied.symmetric_difference(in_force))
