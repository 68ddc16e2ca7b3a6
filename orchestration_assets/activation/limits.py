"""Who is left out although nothing forbids it: the control group, and whoever had enough.

Both are called under the delivery lock of the journey's object, so that what they count and record
cannot change before the plan is written.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from orchestration_assets.activation.journeys import Journey
from orchestration_assets.activation.targets import Due
from orchestration_assets.state import assignments, ledger_history
from orchestration_assets.state.store import StateStore

IN_CONTROL = "in the control group"
CAP_REACHED = "its cap is reached"


def falls_in_control(salt: str, customer_id: str, share: float) -> bool:
    """Where the salted hash of a customer lies: in the first `share` of all hashes, or not."""
    digest = hashlib.sha256(f"{salt}/{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def without_control(
    state: StateStore, journey: Journey, rows: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], int]:
    """The rows whose customers are not in the control group, and how many are.

    The first assignment of a customer is recorded and counts from then on, whatever the share is
    changed to. It goes by the customer id: of customers that are merged, the one whose id survives
    keeps its own assignment; a new salt draws everybody anew.
    """
    holdout = journey.holdout
    if holdout is None or not rows:
        return list(rows), 0
    drawn = {
        row["customer_id"]: falls_in_control(holdout.salt, row["customer_id"], holdout.share)
        for row in rows
    }
    control = assignments.assign(state, journey.name, holdout.salt, drawn)
    treated = [row for row in rows if row["customer_id"] not in control]
    return treated, len(rows) - len(treated)


def within_cap(
    state: StateStore, journey: Journey, due: Sequence[Due], now: datetime
) -> tuple[list[Due], int]:
    """What the journey's cap lets through, and how many rows it does not.

    Rows of the ledger count that are to go out, went out, or may have: see
    `ledger_history.sends_by_customer`. A row that takes another's place counts once.
    """
    cap = journey.cap
    if cap is None or not due:
        return list(due), 0
    customers = {one.customer_id for one in due} | {one.frees for one in due if one.frees}
    sends = ledger_history.sends_by_customer(
        state,
        (journey.destination, journey.object_name, journey.name),
        sorted(customers),
        now - timedelta(days=cap.days),
    )
    passed = []
    for one in due:
        if sends[one.customer_id] - (one.frees == one.customer_id) >= cap.sends:
            continue
        if one.frees:
            sends[one.frees] -= 1
        sends[one.customer_id] += 1
        passed.append(one)
    return passed, len(due) - len(passed)
