"""The landing gate: nothing that a system sent broken is taken into a scope.

Readings that have ended are judged before a scope is opened, in the refresh's own process, where
the gates over the model need Great Expectations anyway. What cannot be judged is not let through.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from orchestration_assets.connectors.catalog import all_streams
from orchestration_assets.deployment import Deployment
from orchestration_assets.landing.arrivals import (
    ARRIVED,
    Bounds,
    Facts,
    begin_arrived,
    empty_arrived,
    gather,
)
from orchestration_assets.model import Stream
from orchestration_assets.stages.landing_incidents import tell_of_landings, told_of_landings
from orchestration_assets.state import quarantine
from orchestration_assets.state.verdicts import Verdict, record_verdicts
from orchestration_assets.warehouse import readings
from orchestration_assets.warehouse.session import Session
from quality import history
from quality.rules import Suite, SuiteResult
from quality.runner import run_suites
from quality.suites.landing import Arrival, landing_suite

_BOUNDS = Bounds(
    future=timedelta(hours=history.FUTURE_TOLERANCE_HOURS),
    set_back=timedelta(hours=history.SET_BACK_HOURS),
    few=history.DELETED_ROWS_ALLOWED,
    window=timedelta(hours=history.DELETION_WINDOW_HOURS),
    looked_at=history.READINGS_LOOKED_AT,
    share_rows=history.ROWS_FOR_A_SHARE,
)
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings of one stream that are judged as one."""

    stream: Stream
    readings: tuple[Row, ...]
    again: bool = False

    @property
    def version(self) -> str:
        """What a verdict on it is bound to: exactly these loads."""
        ids = [[one["reading_id"], *one["loads"]] for one in self.readings]
        return f"loads/{hashlib.sha256(repr(ids).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Gathered:
    """A batch, what is known of it, and what the suite is to be told."""

    batch: Batch
    facts: Facts
    arrival: Arrival


def judge_landings(deployment: Deployment, run_id: str = "") -> None:
    """Judge each reading that has ended and has no verdict, and look again at what is held.

    All streams are judged by one run of the suite. Where it does not pass, each stream is judged by
    itself, and where that does not pass, each reading of it. A stream that could not be judged
    stays as it is, and with it what landed of it; all others go on.
    """
    warehouse = deployment.warehouse
    with warehouse.exclusive("landing gate"):
        with warehouse.writer("what arrived") as session:
            readings.end_abandoned(session)
            readings.adopt_loads(session)
            new = _batches(readings.readings_with(session, None))
            held = _batches(readings.readings_with(session, readings.HELD), again=True)
            first = _gather(deployment, session, new) if new else []
        _judge(deployment, first, run_id)
        for batch in held:
            for one in batch.readings:
                _judge_again(deployment, Batch(batch.stream, (one,), again=True), run_id)
    if new or held or told_of_landings(deployment):
        tell_of_landings(deployment, run_id)


def admit_loads(
    deployment: Deployment,
    session: Session,
    loads: Collection[str],
    judge: Callable[[Suite], SuiteResult],
) -> tuple[SuiteResult, list[Verdict]]:
    """Judge the readings of some loads, and no others, in the transaction that landed them.

    Args:
        deployment: the deployment.
        session: that transaction's.
        loads: ids of the loads.
        judge: judges the suite over what the transaction wrote.

    Returns:
        The result, and what is to be kept of it; where it did not pass, nothing is decided.
    """
    landed = set(loads)
    found = readings.readings_with(session, None)
    rows = [reading for reading in found if not landed.isdisjoint(reading["loads"])]
    gathered = _gather(deployment, session, _batches(rows))
    result = judge(landing_suite(ARRIVED, [one.arrival for one in gathered]))
    for one in gathered if result.passed else ():
        _settle(session, one, result)
    empty_arrived(session)
    return result, [_verdict(one.batch, result, "") for one in gathered]


def _batches(rows: Iterable[Row], *, again: bool = False) -> list[Batch]:
    """Readings by stream; those of streams that are in the catalogue no more stay as they are."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["system"], row["stream"]), []).append(row)
    return [
        Batch(stream, tuple(found[stream.system, stream.name]), again)
        for stream in all_streams()
        if (stream.system, stream.name) in found
    ]


def _gather(deployment: Deployment, session: Session, batches: Sequence[Batch]) -> list[Gathered]:
    """Put what arrived in the batches, and nothing else, into the table that is judged."""
    begin_arrived(session)
    gathered = []
    for batch in batches:
        facts = gather(session, batch.stream, batch.readings, _BOUNDS, again=batch.again)
        gathered.append(Gathered(batch, facts, _arrival(deployment, session, batch, facts)))
    return gathered


def _judge(deployment: Deployment, gathered: Sequence[Gathered], run_id: str) -> None:
    """Judge what was gathered together, in parts where that does not pass."""
    if not gathered:
        return
    warehouse = deployment.warehouse
    suite = landing_suite(ARRIVED, [one.arrival for one in gathered])
    result = run_suites([suite], warehouse.url, {})[0]
    parts = _parts([one.batch for one in gathered])
    is_final = result.passed or not parts
    if is_final:
        verdicts = [_verdict(one.batch, result, run_id) for one in gathered]
        record_verdicts(deployment.state, verdicts)
    with warehouse.writer("landing verdicts") as session:
        if is_final:
            for one in gathered:
                _settle(session, one, result)
        empty_arrived(session)
    for part in () if is_final else parts:
        with warehouse.writer("what arrived") as session:
            smaller = _gather(deployment, session, [part])
        _judge(deployment, smaller, run_id)


def _parts(batches: Sequence[Batch]) -> list[Batch]:
    """One batch a stream, or one a reading; none where there is one reading only."""
    if len(batches) > 1:
        return list(batches)
    (batch,) = batches
    several = len(batch.readings) > 1
    return [replace(batch, readings=(one,)) for one in batch.readings] if several else []


def _judge_again(deployment: Deployment, batch: Batch, run_id: str) -> None:
    """Judge a held reading by what of it did not arrive anew, unless a full one replaced it."""
    with deployment.warehouse.writer("what is held") as session:
        reading_id = batch.readings[0]["reading_id"]
        if not readings.is_held(session, reading_id):
            return
        gathered = _gather(deployment, session, [batch])
        if gathered[0].facts.is_obsolete:
            reason = "all of it arrived anew and passed"
            readings.decide(session, [reading_id], readings.OBSOLETE, reason=reason)
            empty_arrived(session)
            return
    _judge(deployment, gathered, run_id)


def _arrival(deployment: Deployment, session: Session, batch: Batch, facts: Facts) -> Arrival:
    read, rejected = _rejected(deployment, session, batch)
    known = facts.known
    return Arrival(
        stream=batch.stream.key,
        read=read,
        rejected=rejected,
        new_allowed=None if known is None else history.new_allowed(known, facts.grown_before),
        deleted_allowed=history.deleted_allowed(facts.living + facts.deleted_before),
        deleted_before=facts.deleted_before,
        found_nothing=facts.found_nothing,
        filled=history.filled_allowed(facts.history_rows, facts.filled),
        places={name: place for place, name in enumerate(facts.filled, 1)},
    )


def _rejected(deployment: Deployment, session: Session, batch: Batch) -> tuple[int, int]:
    """Records read, and those that broke the contract and still wait, readings before included."""
    latest = history.Counts(
        sum(one["rows_read"] or 0 for one in batch.readings),
        sum(one["rows_rejected"] or 0 for one in batch.readings),
    )
    if not latest.rejected:
        return latest.read, 0
    since, rejected, read = batch.readings[0]["started_at"], latest.rejected, latest.read
    if not any(one["is_full"] for one in batch.readings):
        before = readings.readings_before(session, batch.stream, since, _BOUNDS.window)
        counts = [history.Counts(one["rows_read"], one["rows_rejected"]) for one in before]
        number, read = history.rejected_together(latest, counts)
        if number:
            since = before[number - 1]["started_at"]
            rejected += sum(one.rejected for one in counts[:number])
    waiting = quarantine.held_since(deployment.state, batch.stream.system, batch.stream.name, since)
    return read, min(waiting, rejected)


def _settle(session: Session, gathered: Gathered, result: SuiteResult) -> None:
    """Decide on the readings of a batch; one that could not be judged stays without a decision."""
    batch = gathered.batch
    ids = [one["reading_id"] for one in batch.readings]
    if result.passed:
        readings.decide(session, ids, readings.PASSED, verdict=batch.version)
    elif result.error:
        return
    else:
        rule = "; ".join(failure.rule for failure in result.failures)
        readings.decide(
            session, ids, readings.HELD, verdict=batch.version, rule=rule, reason=result.reason
        )
    # A full reading says all that there is: it takes the place of what was held before.
    full = [one for one in batch.readings if one["is_full"] and one["is_complete"]]
    if full and not batch.again:
        readings.replace_held(session, batch.stream, full[-1]["started_at"])


def _verdict(batch: Batch, result: SuiteResult, run_id: str) -> Verdict:
    return Verdict(
        suite=result.suite,
        model_version=batch.version,
        candidate_id="",
        passed=result.passed,
        severity=result.severity.value,
        evaluated=result.evaluated,
        expected=result.expected,
        failed_rules=[failure.rule for failure in result.failures],
        rows_failed=0 if result.passed else sum(one["rows"] for one in batch.readings),
        rows=sum(one["rows"] for one in batch.readings),
        table=f"raw_{batch.stream.system}.{batch.stream.name}",
        reason=result.reason,
        details=[
            {"rule": failure.rule, "rows": failure.unexpected_count} for failure in result.failures
        ],
        run_id=run_id or None,
    )
