"""What the ledger has of a target beside what the journey now says of it.

One target has one row that counts, its last: what differs from it is due, what has no row in the
journey any more is taken back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration_assets.activation.journeys import Journey
from orchestration_assets.activation.payloads import digest_of, hashed, payload_of
from orchestration_assets.state import ledger, ledger_history
from orchestration_assets.state.store import StateStore

# Stands for a target that no row was ever planned for.
_NEVER: Mapping[str, Any] = {"id": None, "state": None, "payload_hash": None, "generation": 0}

# States of rows that end when their customer leaves the journey: one without an answer would be
# sent again, a rejected or given-up one has nothing left to mend.
_TAKEN_BACK = (*ledger.PENDING, "rejected", "dead")
# Of rows that are not on the wire a newer payload takes the place.
REPLACED = ("planned", "reserved", "rejected")


@dataclass(frozen=True, slots=True)
class Due:
    """A row that is to go out.

    Args:
        customer_id: whose cap it counts against.
        new: the row of the ledger; None where a rejected one is planned again.
        last: the newest row of its target, as `ledger_history.last_rows` gives it.
    """

    customer_id: str
    new: Mapping[str, Any] | None
    last: Mapping[str, Any]

    @property
    def replaces(self) -> bool:
        """Whether it takes the place of the last row of its target."""
        return self.new is not None and self.last["state"] in REPLACED

    @property
    def frees(self) -> str | None:
        """The customer against whose cap the replaced row counted."""
        is_counted = self.replaces and self.last["state"] != "rejected"
        return self.last["customer_id"] if is_counted else None


def last_of_targets(
    state: StateStore,
    journey: Journey,
    rows: Sequence[Mapping[str, Any]],
    customers: Sequence[str] | None,
) -> dict[str, dict[str, Any]]:
    """The last row of each target that has a row now, or one that may have to be taken back."""
    place = (journey.destination, journey.object_name, journey.name)
    targets = {str(row[journey.target_key]) for row in rows}
    targets |= ledger_history.open_targets(state, place, customers)
    return ledger_history.last_rows(state, place, targets)


def planned_since(earlier: Mapping[str, Mapping[str, Any]], release_number: int) -> set[str]:
    """Targets whose last row belongs to a newer release."""
    return {
        target for target, row in earlier.items() if (row["release_number"] or 0) > release_number
    }


def taken_back(
    journey: Journey,
    rows: Sequence[Mapping[str, Any]],
    earlier: Mapping[str, Mapping[str, Any]],
    customers: Sequence[str] | None,
) -> list[int]:
    """Ids of open rows whose customer, one of these, has left the journey."""
    targets = {str(row[journey.target_key]) for row in rows}
    among = None if customers is None else set(customers)
    return [
        int(row["id"])
        for target, row in earlier.items()
        if target not in targets
        and row["state"] in _TAKEN_BACK
        and (among is None or row["customer_id"] in among)
    ]


def due_rows(
    journey: Journey,
    rows: Sequence[Mapping[str, Any]],
    earlier: Mapping[str, Mapping[str, Any]],
    stamp: Mapping[str, Any],
    counts: Counter[str],
) -> list[Due]:
    """Compare the payloads with the last row of each target; the others are counted.

    Args:
        journey: the journey.
        rows: those that may be sent.
        earlier: the last row of each target.
        stamp: what every new row has alike: release_number, planned_at, run_id.
        counts: of `unchanged` and `dead`, added to.
    """
    due = []
    for row in rows:
        target = str(row[journey.target_key])
        last = earlier.get(target) or _NEVER
        payload = payload_of(journey, row)
        digest = digest_of(journey, payload)
        if last["payload_hash"] != digest:
            names = (journey.destination, journey.object_name, journey.name, target, digest)
            new = {
                "idempotency_key": hashed([*names, int(last["generation"])]),
                "destination": journey.destination,
                "object": journey.object_name,
                "journey": journey.name,
                "customer_id": row["customer_id"],
                "target_key": target,
                "payload": payload,
                "payload_hash": digest,
                "state": "planned",
                "attempts": 0,
                **stamp,
            }
            due.append(Due(row["customer_id"], new, last))
        elif last["state"] == "dead":
            counts["dead"] += 1
        elif _may_try_again(last, stamp["run_id"]):
            due.append(Due(last["customer_id"], None, last))
        else:
            counts["unchanged"] += 1
    return due


def _may_try_again(row: Mapping[str, Any], run_id: str) -> bool:
    """Whether an earlier run saw the row rejected; within one run it is tried once."""
    return row["state"] == "rejected" and row["run_id"] != run_id
