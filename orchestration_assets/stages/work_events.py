"""What becomes of accepted events: their records are asked for, landed, released and acted on.

The live lane does all of it at once. What it leaves to a refresh is landed here as any reading is,
and the refresh does the rest: either way an event is done when its records are durable.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import structlog

from orchestration_assets.connectors.catalog import SYSTEMS, open_webhook
from orchestration_assets.connectors.kit.webhooks import Told
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError, FatalError, RetriableError
from orchestration_assets.events.leases import Leased
from orchestration_assets.events.worker import Failures
from orchestration_assets.landing.fetched import land_answers
from orchestration_assets.model import Fetched, Fetches, Stream
from orchestration_assets.stages.events import SYSTEMS_WITH_EVENTS
from orchestration_assets.stages.land import prepare_landing
from orchestration_assets.stages.live import LiveLane
from orchestration_assets.stages.live_actions import act_on
from orchestration_assets.warehouse.live_release import LeftToRefresh


@dataclass(slots=True)
class _Batch:
    """Events and what they tell, without those that could not be read."""

    told: list[tuple[Leased, Sequence[Told]]] = field(default_factory=list)
    failures: list[tuple[Leased, Exception]] = field(default_factory=list)

    def streams(self) -> dict[str, Stream]:
        """Contract of every stream that is told of, by its key."""
        found = {}
        for event, told in self.told:
            for one in told:
                stream = SYSTEMS[event.system].streams[one.stream]
                found[stream.key] = stream
        return found

    def records(self) -> list[tuple[str, str, str]]:
        """(system, stream, record id) of all that is told of, each once."""
        named = (
            (event.system, one.stream, one.record_id) for event, told in self.told for one in told
        )
        return list(dict.fromkeys(named))

    def by_event(self) -> list[tuple[Leased, list[tuple[str, str, str]]]]:
        """Each event with the records that it tells of."""
        return [
            (event, [(event.system, one.stream, one.record_id) for one in told])
            for event, told in self.told
        ]

    def fail_stream(self, key: str, error: Exception) -> None:
        """Take out the events that tell of a stream whose system does not answer."""
        kept = []
        for event, told in self.told:
            if any(f"{event.system}.{one.stream}" == key for one in told):
                self.failures.append((event, error))
            else:
                kept.append((event, told))
        self.told = kept


class EventWork:
    """Works off batches of events; what is slow to start is kept. One thread's own.

    Args:
        deployment: the deployment.
        note: is told the figures of every batch that went all the way; holds no data.
    """

    def __init__(
        self,
        deployment: Deployment,
        note: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._deployment = deployment
        self._note = note
        self._lane = LiveLane(deployment)
        self._webhooks = {name: open_webhook(name) for name in SYSTEMS_WITH_EVENTS}

    def warm(self) -> None:
        """Start what is slow to start.

        Raises:
            FatalError: the model was never built: let a refresh end first.
        """
        self._lane.warm()

    def __call__(self, events: Sequence[Leased]) -> Failures:
        """Work off events; returns those that could not be, each with the reason."""
        batch = self._read(events)
        answers = self._ask(batch)
        if not batch.told:
            return batch.failures
        try:
            self._bring(batch, answers)
        except LeftToRefresh as reason:
            if reason.is_of_rows and len(batch.told) > 1:
                # The clean ones need not wait for the others; order stays as it is.
                whole = [event for event, _ in batch.told]
                middle = len(whole) // 2
                parts = (whole[:middle], whole[middle:])
                return [*batch.failures, *(failed for part in parts for failed in self(part))]
            self._leave(batch, answers, str(reason))
        except RetriableError:
            raise
        except Exception as error:
            # Whatever it is, a refresh may get on without it, and tells people where it does not.
            structlog.get_logger(__name__).exception("live_batch_failed")
            self._leave(batch, answers, type(error).__name__)
        return batch.failures

    def _read(self, events: Iterable[Leased]) -> _Batch:
        batch = _Batch()
        for event in events:
            try:
                told = self._webhooks[event.system].tells(event.topic, event.body)
            except AccordError as error:
                batch.failures.append((event, error))
            else:
                batch.told.append((event, told))
        return batch

    def _ask(self, batch: _Batch) -> dict[str, list[Fetched]]:
        """What the systems say of the records now; what an event holds whole is taken from it."""
        answers: dict[str, list[Fetched]] = {}
        for key in list(batch.streams()):
            system, _, stream = key.partition(".")
            told = [
                one
                for event, tells in batch.told
                for one in tells
                if (event.system, one.stream) == (system, stream)
            ]
            whole = [one.record for one in told if one.record is not None]
            ids = list(dict.fromkeys(one.record_id for one in told if one.record is None))
            try:
                fetched = self._fetch(system, stream, ids) if ids else []
            except AccordError as error:
                batch.fail_stream(key, error)
            else:
                # Each by itself, and so with a time of its own: of two that the system dates to the
                # same second the one that was told later is to count.
                answers[key] = [*(Fetched([one]) for one in whole), *fetched]
        return {key: found for key, found in answers.items() if key in batch.streams()}

    def _fetch(self, system: str, stream: str, ids: Sequence[str]) -> list[Fetched]:
        with closing(self._deployment.source(system)) as source:
            if not isinstance(source, Fetches):
                raise FatalError(
                    f"{system} cannot be asked for single records.",
                    f"discard the event; a landing of {system}.{stream} finds what changed.",
                )
            return list(source.fetch(stream, ids))

    def _bring(self, batch: _Batch, answers: Mapping[str, Sequence[Fetched]]) -> None:
        """Through the live lane, and what it released to where it is to go."""
        records = batch.records()
        if not records:
            return
        result = self._lane.run(answers, batch.streams(), records)
        act_on(self._deployment, result, self._lane.journeys, batch.by_event())
        if self._note is None:
            return
        self._note(
            {
                "events": len(batch.told),
                "records": len(records),
                "customers": len(result.customers),
                "release_number": result.release_number,
                "seconds": {name: round(spent, 3) for name, spent in result.seconds.items()},
            }
        )

    def _leave(self, batch: _Batch, answers: Mapping[str, Sequence[Fetched]], reason: str) -> None:
        """Land what the systems said; the next refresh does the rest."""
        structlog.get_logger(__name__).warning(
            "left_to_refresh", events=len(batch.told), reason=reason
        )
        deployment, streams = self._deployment, batch.streams()
        prepare_landing(deployment)
        for key, found in answers.items():
            land_answers(
                streams[key], found, deployment.warehouse, deployment.state, deployment.home
            )
