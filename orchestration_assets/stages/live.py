"""The live lane: a few records from landing to what may be sent, in one transaction.

It is the path of a refresh with little in scope: the same contracts, models, gates and release, in
the same order. What a refresh spreads over processes happens here on one connection, so that a
batch of events takes well under a second, and either all of it is true or nothing is.

What it cannot vouch for, a row that a gate would hold, a table made anew, weights that changed, it
leaves to a refresh.
"""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestration_assets.activation.journeys import Journey
from orchestration_assets.activation.payloads import rows_of
from orchestration_assets.connectors.catalog import all_streams
from orchestration_assets.deployment import Deployment
from orchestration_assets.identity.refresh import (
    is_everybody_due,
    refresh,
    touch_customers_of_activity,
)
from orchestration_assets.landing.fetched import land_answers
from orchestration_assets.landing.plain_load import PlainLoader
from orchestration_assets.landing.raw_tables import tables_are_ready
from orchestration_assets.model import Fetched, LandingResult, Stream
from orchestration_assets.stages.activate import all_journeys
from orchestration_assets.stages.identity import matching
from orchestration_assets.stages.landing_gate import admit_loads
from orchestration_assets.stages.live_gate import LiveGate
from orchestration_assets.stages.restrict import record_restrictions
from orchestration_assets.state.verdicts import Verdict, record_verdicts
from orchestration_assets.transform.profiles import engine_of
from orchestration_assets.transform.project import ensure_manifest
from orchestration_assets.transform.scoped import ScopedModels, build_scoped, compile_scoped
from orchestration_assets.warehouse import live_rows
from orchestration_assets.warehouse.live_release import (
    LeftToRefresh,
    next_number,
    release_touched,
    touched_rows,
)
from orchestration_assets.warehouse.live_scope import Record, small_scope, take_in
from orchestration_assets.warehouse.scope import filled_kinds
from orchestration_assets.warehouse.session import Session

_CUSTOMERS_OF_RECORDS = """
select s.system, s.stream, s.record_id, c.customer_id from scope.records s
join intermediate.int_activity_records_unioned a
    on a.system = s.system and a.stream = s.stream and a.record_id = s.record_id
join identity.customer_records c on c.system = a.system and c.record_id = a.person_record_id
union
select s.system, s.stream, s.record_id, c.customer_id from scope.records s
join identity.customer_records c on c.system = s.system and c.record_id = s.record_id
where s.system || '.' || s.stream in (select unnest(:people::text[]))
"""
# What the models read of who is who.
_IDENTITIES = ("stg_identity__customer_records", "stg_identity__history")


@dataclass(slots=True)
class LiveResult:
    """What one small batch did.

    Attributes:
        candidate: names it, in verdicts and as the run of what is planned.
        landed: what landed of each stream.
        release_number: the release that the rows are from; its own where anything changed.
        changed: rows inserted or replaced, by released table.
        rows: rows to plan from, by journey; released and judged.
        customers: ids of the customers in scope.
        customers_of: customers by (system, stream, record id) of what was in scope.
        seconds: time that each step took.
        landed_at: when all of it had been written to the raw tables.
        released_at: when it was committed.
    """

    candidate: str
    landed: list[LandingResult] = field(default_factory=list)
    release_number: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    customers: list[str] = field(default_factory=list)
    customers_of: dict[Record, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    landed_at: datetime | None = None
    released_at: datetime | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


class LiveLane:
    """Runs small batches one after the other; keeps what is slow to start. One thread's own.

    Args:
        deployment: the deployment; its model must have been built and released once.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._gate = LiveGate(deployment)
        self._models: ScopedModels | None = None
        self._version = 0
        self.journeys: Mapping[str, Journey] = {
            name: journey for name, journey in all_journeys().items() if journey.live
        }

    def warm(self) -> ScopedModels:
        """Compile the model; repeating it costs nothing while the project stays as it is.

        Raises:
            FatalError: the model was never built, or does not compile.
        """
        deployment = self._deployment
        manifest = ensure_manifest(engine_of(deployment.warehouse.url))
        version = manifest.stat().st_mtime_ns
        if self._models is None or version != self._version:
            warehouse, home = deployment.warehouse, deployment.home
            self._models = compile_scoped(warehouse, home, list(self.journeys))
            self._version = version
        return self._models

    def run(
        self,
        answers: Mapping[str, Sequence[Fetched]],
        streams: Mapping[str, Stream],
        records: Sequence[Record],
    ) -> LiveResult:
        """Land these records and bring them all the way to released rows of the live journeys.

        Args:
            answers: what the systems say of the records, by `<system>.<stream>`.
            streams: contract of each of these.
            records: (system, stream, record id) of all of them, landed before or not.

        Raises:
            LeftToRefresh: nothing was written; a refresh has to do it.
            RetriableError: the warehouse stayed unavailable; nothing was written.
        """
        models = self.warm()
        result = LiveResult(f"live/{uuid.uuid4().hex}")
        began = time.perf_counter()
        with self._deployment.warehouse.writer("live batch") as session:
            result.seconds["lock"] = time.perf_counter() - began
            verdicts = self._write(session, models, answers, streams, records, result)
            commit = time.perf_counter()
        result.seconds["commit"] = time.perf_counter() - commit
        result.released_at = datetime.now(UTC)
        with result.step("verdicts"):
            record_verdicts(self._deployment.state, verdicts)
        return result

    def _write(
        self,
        session: Session,
        models: ScopedModels,
        answers: Mapping[str, Sequence[Fetched]],
        streams: Mapping[str, Stream],
        records: Sequence[Record],
        result: LiveResult,
    ) -> list[Verdict]:
        """Everything that becomes true together; returns the verdicts that it rests on."""
        inner = self._deployment.inside(session)
        self._gate.refuse_while_held(session)
        number = next_number(session)
        verdicts: list[Verdict] = []
        with result.step("land"):
            if not tables_are_ready(streams.values(), session):
                raise LeftToRefresh("a raw table is missing")
            for key, found in answers.items():
                loader = PlainLoader(streams[key], inner.warehouse)
                result.landed.append(
                    land_answers(
                        streams[key], found, inner.warehouse, inner.state, inner.home, loader=loader
                    )
                )
        result.landed_at = datetime.now(UTC)
        loads = [(one.system, one.stream, load) for one in result.landed for load in one.load_ids]
        with result.step("landing gate"):
            if loads:
                ids = [load_id for _, _, load_id in loads]
                verdicts += self._gate.admit(inner, session, ids, admit_loads)
                take_in(session, loads, number)
        with small_scope(session, records):
            built = self._build(session, inner, models, streams, result)
            with result.step("touched"):
                scopes = {m.name: m.scope for m in models.core if m.name in built}
                touched = touched_rows(session, scopes)
            with result.step("gates"):
                judged = self._gate.judge_core(session, touched, result.candidate)
                verdicts += judged.values()
            with result.step("release"):
                live_rows.note(session, built)
                result.release_number = number if touched else number - 1
                if touched:
                    result.changed = release_touched(
                        session, number, result.candidate, touched, judged
                    )
            verdicts += self._decide(session, models, result)
        return verdicts

    def _build(
        self,
        session: Session,
        inner: Deployment,
        models: ScopedModels,
        streams: Mapping[str, Stream],
        result: LiveResult,
    ) -> dict[str, int]:
        """Staging, identity and core of what is in scope; how many rows each core table grew by."""
        with result.step("staging"):
            staged = build_scoped(session, models.staging, filled_kinds(session))
        changed = set(staged)
        with result.step("identity"):
            if any(stream.feeds_identity for stream in streams.values()):
                matched = matching(inner)
                if is_everybody_due(session, matched):
                    raise LeftToRefresh("everybody is to be resolved anew")
                refresh(inner.warehouse, matched)
                record_restrictions(inner)
                changed.update(_IDENTITIES)
            else:
                touch_customers_of_activity(session)
        with result.step("core"):
            return build_scoped(session, models.core, filled_kinds(session), changed)

    def _decide(self, session: Session, models: ScopedModels, result: LiveResult) -> list[Verdict]:
        """Build the live journeys of the customers in scope, judge them, and take out the rows."""
        verdicts: list[Verdict] = []
        found = session.rows("select customer_id from scope.customers order by 1")
        result.customers = [row["customer_id"] for row in found]
        if not result.customers:
            return verdicts
        for name, journey in self.journeys.items():
            with result.step("journeys"):
                models.journeys[name].build(session)
            with result.step("payload gate"):
                verdicts += self._gate.judge_payload(session, name, result.candidate)
            with result.step("journeys"):
                result.rows[name] = rows_of(session, journey, result.customers)
        people = [stream.key for stream in all_streams() if stream.feeds_identity]
        for row in session.rows(_CUSTOMERS_OF_RECORDS, {"people": people}):
            record = (row["system"], row["stream"], row["record_id"])
            result.customers_of.setdefault(record, []).append(row["customer_id"])
        return verdicts
