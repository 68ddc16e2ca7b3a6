"""Planning: which rows of a journey are to be sent, and why the others are not.

Only rows that differ from what the destination has, or is about to get, are planned. While the
newest candidate is held nothing is planned, rejected rows included; what is planned already goes
out, since it was planned from released data.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from orchestration_assets.activation.journeys import Journey
from orchestration_assets.errors import FatalError
from orchestration_assets.state import ledger
from orchestration_assets.state.restrictions import restricted_subjects
from orchestration_assets.state.store import StateStore
from orchestration_assets.state.verdicts import newest_verdicts
from orchestration_assets.warehouse import held_rows
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.release import (
    bound_to,
    last_release,
    model_version,
    payload_version,
)
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier, qualified
from orchestration_assets.warehouse.verdicts import unmet

# Stands for a target that no row was ever planned for.
_NEVER: Mapping[str, Any] = {"id": None, "state": None, "payload_hash": None, "generation": 0}

# States of rows that end when their customer leaves the journey: one without an answer would be
# sent again, a rejected or given-up one has nothing left to mend.
_TAKEN_BACK = (*ledger.PENDING, "rejected", "dead")
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


@dataclass(slots=True)
class _Decisions:
    """What is to be written to the ledger."""

    new: list[dict[str, Any]] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def plan(
    warehouse: Warehouse,
    state: StateStore,
    journey: Journey,
    run_id: str,
    required_suites: Sequence[str],
) -> PlanResult:
    """Plan the rows of a journey that are due.

    Args:
        warehouse: the warehouse.
        state: the operational store.
        journey: the journey.
        run_id: who plans; a row rejected in this very run is left for a later one.
        required_suites: suites that must have passed the newest model: those of core and the one
            over this journey's payload.

    Raises:
        FatalError: the journey's table lacks a column; names it.
        RetriableError: a delivery to the same object did not end in time.
    """
    with warehouse.reader() as session:
        version = model_version(session)
        newest = last_release(session)
        number = int(newest["release_number"]) if newest else None
        refused = _why_refused(state, version, payload_version(session), newest, required_suites)
        rows = [] if refused else _rows(session, journey)
    if refused:
        return PlanResult(journey.name, refused, model_version=version, release_number=number)
    place = (journey.destination, journey.object_name)
    # Rows in flight get their answers first, so that what is taken back is not on its way.
    with ledger.delivery_lock(state, *place, timeout_s=DELIVERY_PATIENCE_S):
        allowed, held = _allowed(state, journey, rows)
        earlier = ledger.last_rows(state, *place, journey.name)
        decisions = _decide(journey, allowed, earlier, run_id, number)
        # Taking back comes first: a crash in between leaves less to send, never more.
        withdrawn = ledger.hold(state, decisions.withdrawn, ledger.LEFT_JOURNEY)
        ledger.hold(state, decisions.superseded, ledger.SUPERSEDED)
        planned = ledger.add_planned(state, decisions.new)
        retried = ledger.plan_again(state, decisions.again, run_id)
    return PlanResult(
        journey=journey.name,
        planned=planned,
        retried=retried,
        unchanged=decisions.counts["unchanged"],
        held=dict(held),
        dead=decisions.counts["dead"],
        withdrawn=withdrawn,
        model_version=version,
        release_number=number,
    )


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


def _rows(session: Session, journey: Journey) -> list[dict[str, Any]]:
    """The rows of the journey with `_granted`, from the released consents, and `_held`."""
    columns = ["customer_id", journey.target_key, *journey.payload.values()]
    present = session.columns("journeys", journey.name)
    missing = sorted(set(columns) - set(present))
    if missing:
        raise FatalError(
            f"The table journeys.{journey.name} lacks {', '.join(missing)}.",
            "build the journey's model, or correct the names in its YAML block.",
        )
    wanted = ", ".join(f"j.{identifier(name)}" for name in dict.fromkeys(columns))
    needed = {"customer_id", "purpose", "channel", "is_granted"}
    known = needed <= set(session.columns("released", "fct_consents"))
    granted = (
        "exists (select 1 from released.fct_consents as c where c.customer_id = j.customer_id "
        "and c.purpose = :purpose and c.channel = :channel and c.is_granted)"
    )
    source = qualified("journeys", journey.name)
    # What its gate holds of the payload, row by row.
    kept = "false"
    if held_rows.any_held(session, journey.name):
        kept = f"j.customer_id in ({held_rows.keys_of(journey.name)})"
    return session.rows(
        f"select {wanted}, {granted if known else 'false'} as _granted, {kept} as _held"
        f" from {source} as j",
        {"purpose": journey.purpose, "channel": journey.channel},
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


def _decide(
    journey: Journey,
    rows: Sequence[Mapping[str, Any]],
    earlier: Mapping[str, Mapping[str, Any]],
    run_id: str,
    release_number: int | None,
) -> _Decisions:
    """Compare the payloads with the last row of each target."""
    decisions = _Decisions()
    now = datetime.now(UTC)
    targets = set()
    for row in rows:
        target = str(row[journey.target_key])
        targets.add(target)
        payload = {name: _json(row[column]) for name, column in journey.payload.items()}
        digest = _hash(payload)
        last = earlier.get(target) or _NEVER
        if last["payload_hash"] != digest:
            if last["state"] in ("planned", "rejected"):
                decisions.superseded.append(int(last["id"]))
            generation = int(last["generation"])
            names = (journey.destination, journey.object_name, journey.name, target, digest)
            decisions.new.append(
                {
                    "idempotency_key": _hash([*names, generation]),
                    "destination": journey.destination,
                    "object": journey.object_name,
                    "journey": journey.name,
                    "customer_id": row["customer_id"],
                    "target_key": target,
                    "payload": payload,
                    "payload_hash": digest,
                    "release_number": release_number,
                    "state": "planned",
                    "attempts": 0,
                    "planned_at": now,
                    "run_id": run_id,
                }
            )
        elif last["state"] == "dead":
            decisions.counts["dead"] += 1
        elif _may_try_again(last, run_id):
            decisions.again.append(last["id"])
        else:
            decisions.counts["unchanged"] += 1
    decisions.withdrawn = [
        row["id"]
        for target, row in earlier.items()
        if target not in targets and row["state"] in _TAKEN_BACK
    ]
    return decisions


def _may_try_again(row: Mapping[str, Any], run_id: str) -> bool:
    """Whether an earlier run saw the row rejected; within one run it is tried once."""
    return row["state"] == "rejected" and row["run_id"] != run_id


def _json(value: Any) -> Any:
    """A value as JSON has it: whole decimals as integers, moments as ISO 8601 in UTC."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _hash(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
