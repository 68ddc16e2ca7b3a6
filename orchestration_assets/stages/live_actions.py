"""Acting on what the live lane released: plan for the customers in scope, and send."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from orchestration_assets.activation.decide import plan_rows
from orchestration_assets.activation.journeys import Journey
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.events.leases import Leased
from orchestration_assets.stages.activate import deliver_to
from orchestration_assets.stages.live import LiveResult
from orchestration_assets.state.event_times import ledger_rows, record
from orchestration_assets.warehouse.live_scope import Record

_LED_TO = ("journey", "destination", "ledger_id")


Told = Sequence[tuple[Leased, Sequence[Record]]]
"""Events, each with the records, (system, stream, record id), that it is about."""


def act_on(
    deployment: Deployment, result: LiveResult, journeys: Mapping[str, Journey], told: Told
) -> None:
    """Plan the rows that were released, note what each event led to, and deliver.

    A destination that does not answer fails nothing: the rows wait in the ledger for the next
    delivery, whoever makes it.
    """
    places: dict[tuple[str, str], None] = {}
    for name, rows in result.rows.items():
        journey = journeys[name]
        with result.step("plan"):
            plan_rows(
                deployment.state,
                journey,
                rows,
                result.candidate,
                release_number=result.release_number,
                customers=result.customers,
            )
        places[journey.destination, journey.object_name] = None
    with result.step("times"):
        _note_times(deployment, result, journeys, told)
    for destination, object_name in places:
        with result.step("deliver"):
            try:
                deliver_to(deployment, destination, object_name, result.candidate)
            except AccordError as error:
                structlog.get_logger(__name__).warning(
                    "delivery_waits", destination=destination, reason=str(error)
                )


def _note_times(
    deployment: Deployment, result: LiveResult, journeys: Mapping[str, Journey], told: Told
) -> None:
    """Write down how far each event has come; the rest of its way stands in the ledger."""
    now = datetime.now(UTC)
    planned = {
        name: ledger_rows(deployment.state, name, result.candidate, result.customers)
        for name in result.rows
    }
    rows: list[dict[str, Any]] = []
    for event, records in told:
        times = {
            "system": event.system,
            "topic": event.topic,
            "event_id": event.event_id,
            "occurred_at": event.occurred_at,
            "received_at": event.received_at,
            "accepted_at": event.accepted_at,
            "landed_at": result.landed_at,
            "released_at": result.released_at,
            "decided_at": now,
        }
        customers = {customer for one in records for customer in result.customers_of.get(one, ())}
        led_to = [
            {"journey": name, "destination": journeys[name].destination, "ledger_id": of[customer]}
            for name, of in planned.items()
            for customer in sorted(customers & of.keys())
        ]
        rows += [times | one for one in led_to or [dict.fromkeys(_LED_TO)]]
    record(deployment.state, rows)
