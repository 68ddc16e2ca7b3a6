"""Planning: which rows of a journey are to be sent, and why the others are not.

Only rows that differ from what the destination has, or is about to get, are planned. While the
newest candidate is held nothing is planned, rejected rows included; what is planned already goes
out, since it was planned from released data.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from orchestration_assets.activation.journeys import Journey
from orchestration_assets.activation.limits import (
    CAP_REACHED,
    IN_CONTROL,
    within_cap,
    without_control,
)
from orchestration_assets.activation.payloads import rows_of
from orchestration_assets.activation.targets import (
    due_rows,
    last_of_targets,
    planned_since,
    taken_back,
)
from orchestration_assets.state import ledger
from orchestration_assets.state.restrictions import restricted_subjects
from orchestration_assets.state.store import StateStore
from orchestration_assets.state.verdicts import newest_verdicts
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.release import (
    bound_to,
    last_release,
    model_version,
    payload_version,
)
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.verdicts import unmet

# How long a plan waits for the answers of a delivery under way.
DELIVERY_PATIENCE_S = 900.0


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What planning a journey did; counts are rows.

    Args:
        refused: why nothing new was planned; None when it was.
        planned: new rows.
        retried: rejected rows that are planned again.
        unchanged: rows that the destination already has or is about to get.
        held: rows kept back, by reason.
        dead: rows given up, not planned again until their payload changes.
        withdrawn: rows taken back because their customer left the journey: planned, rejected,
            given-up ones, and ones left without an answer.
    """

    journey: str
    refused: str | None = None
    planned: int = 0
    retried: int = 0
    unchanged: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    dead: int = 0
    withdrawn: int = 0
    model_version: str | None = None
    release_number: int | None = None


def plan(
    warehouse: Warehouse,
    state: StateStore,
    journey: Journey,
    run_id: str,
    required_suites: Sequence[str],
    *,
    customers: Sequence[str] | None = None,
) -> PlanResult:
    """Plan the rows of a journey that are due.

    Args:
        warehouse: the warehouse.
        state: the operational store.
        journey: the journey.
        run_id: who plans; a row rejected in this very run is left for a later one.
        required_suites: suites that must have passed the newest model: those of core and the one
            over this journey's payload.
        customers: ids of the customers to look at, those included that a merge ended; rows of
            others are neither planned nor taken back. None for all.

    Raises:
        FatalError: the journey's table lacks a column; names it.
        RetriableError: a delivery to the same object did not end in time.
    """
    with warehouse.reader() as session:
        seen = _seen(session, state, journey, required_suites)
    if seen.refused:
        return seen
    place = (journey.destination, journey.object_name)
    # Rows in flight get their answers first, so that what is taken back is not on its way; and who
    # waited reads anew, or it would plan from older rows than the plan before it.
    with ledger.delivery_lock(state, *place, timeout_s=DELIVERY_PATIENCE_S):
        with warehouse.reader() as session:
            seen = _seen(session, state, journey, required_suites)
            rows = [] if seen.refused else rows_of(session, journey, customers)
        if seen.refused:
            return seen
        done = _write(state, journey, rows, run_id, seen.release_number, customers)
    return replace(done, model_version=seen.model_version)


def plan_rows(
    state: StateStore,
    journey: Journey,
    rows: Sequence[dict[str, Any]],
    run_id: str,
    *,
    release_number: int,
    customers: Sequence[str],
) -> PlanResult:
    """Plan from rows that were judged and released in the transaction they were read in.

    What a plan from a newer release wrote since they were read stays as it is.

    Args:
        state: the operational store.
        journey: the journey.
        rows: from `payloads.rows_of`, of these customers.
        run_id: who plans.
        release_number: the newest release when they were read; 0 where it is not known, and then
            nothing is taken for newer.
        customers: ids of the customers that were looked at, whether they have a row or not.

    Raises:
        RetriableError: a delivery to the same object did not end in time.
    """
    place = (journey.destination, journey.object_name)
    with ledger.delivery_lock(state, *place, timeout_s=DELIVERY_PATIENCE_S):
        return _write(state, journey, rows, run_id, release_number, customers, may_be_late=True)


def _seen(
    session: Session, state: StateStore, journey: Journey, required_suites: Sequence[str]
) -> PlanResult:
    """The model that a plan would go by, and why it must not; nothing is counted yet."""
    version = model_version(session)
    newest = last_release(session)
    number = int(newest["release_number"]) if newest else None
    refused = _why_refused(state, version, payload_version(session), newest, required_suites)
    return PlanResult(journey.name, refused, model_version=version, release_number=number)


def _why_refused(
    state: StateStore,
    version: str | None,
    payload: str | None,
    newest: Mapping[str, Any] | None,
    required_suites: Sequence[str],
) -> str | None:
    """Why the newest candidate is held; None when it passed and is released."""
    if not required_suites:
        return "No suite is required for this journey, and ungated data is never sent."
    if version is None:
        return "There is no finished build of the model. Build it, run its gates and release it."
    # Suites over core are judged on its version, those over payloads on the journeys' build too.
    built = bound_to(version, payload) if payload else None
    judged = newest_verdicts(state, version, required_suites)
    if built:
        judged |= newest_verdicts(state, built, required_suites)
    reasons = unmet(required_suites, judged, version, built)
    if newest is None or newest["model_version"] != version:
        reasons.append(f"version {version} is not released")
    if not reasons:
        return None
    return (
        f"The newest model is held: {'; '.join(reasons)}. Mend what failed, build the model again "
        "and run its gates; nothing new is planned until then."
    )


def _allowed(
    state: StateStore, journey: Journey, rows: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Rows that may be sent, and how many may not, by reason."""
    key = journey.target_key
    customers, addresses = restricted_subjects(
        state,
        [row["customer_id"] for row in rows],
        [str(row[key]) for row in rows if row[key]],
        (journey.purpose, journey.channel),
    )
    seen: set[str] = set()
    held: Counter[str] = Counter()
    allowed = []
    for row in rows:
        target = row[key]
        if not row["_granted"]:
            held["no granted consent"] += 1
        elif row["_held"]:
            held["held by its gate"] += 1
        elif not target:
            held["no key at the destination"] += 1
        elif row["customer_id"] in customers or str(target) in addresses:
            held["restricted"] += 1
        elif str(target) in seen:
            held["the key belongs to another row"] += 1
        else:
            seen.add(str(target))
            allowed.append(row)
    return allowed, held


def _write(
    state: StateStore,
    journey: Journey,
    rows: Sequence[dict[str, Any]],
    run_id: str,
    release_number: int | None,
    customers: Sequence[str] | None,
    *,
    may_be_late: bool = False,
) -> PlanResult:
    """Decide on the rows and write the ledger. Call it under the delivery lock."""
    now = datetime.now(UTC)
    allowed, held = _allowed(state, journey, rows)
    allowed, held[IN_CONTROL] = without_control(state, journey, allowed)
    earlier = last_of_targets(state, journey, allowed, customers)
    counts: Counter[str] = Counter()
    if may_be_late and release_number:
        late = planned_since(earlier, release_number)
        earlier = {target: row for target, row in earlier.items() if target not in late}
        counts["unchanged"] = len(allowed)
        allowed = [row for row in allowed if str(row[journey.target_key]) not in late]
        counts["unchanged"] -= len(allowed)
    # Taking back comes first: a crash in between leaves less to send, never more.
    gone = taken_back(journey, allowed, earlier, customers)
    withdrawn = ledger.hold(state, gone, ledger.LEFT_JOURNEY)
    stamp = {"release_number": release_number, "planned_at": now, "run_id": run_id}
    due = due_rows(journey, allowed, earlier, stamp, counts)
    due, held[CAP_REACHED] = within_cap(state, journey, due, now)
    replaced = [int(one.last["id"]) for one in due if one.replaces]
    ledger.hold(state, replaced, ledger.SUPERSEDED)
    planned = ledger.add_planned(state, [one.new for one in due if one.new])
    again = [int(one.last["id"]) for one in due if not one.new]
    return PlanResult(
        journey=journey.name,
        planned=planned,
        retried=ledger.plan_again(state, again, run_id),
        unchanged=counts["unchanged"],
        held=dict(+held),
        dead=counts["dead"],
        withdrawn=withdrawn,
        release_number=release_number,
    )
