"""Acting on what the live lane released: plan for the customers in scope, and send."""

from collections.abc import Mapping

import structlog

from orchestration_assets.activation.decide import plan_rows
from orchestration_assets.activation.journeys import Journey
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.activate import deliver_to
from orchestration_assets.stages.live import LiveResult


def act_on(deployment: Deployment, result: LiveResult, journeys: Mapping[str, Journey]) -> None:
    """Plan the rows that were released, and deliver what that adds.

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
    for destination, object_name in places:
        with result.step("deliver"):
            try:
                deliver_to(deployment, destination, object_name, result.candidate)
            except AccordError as error:
                structlog.get_logger(__name__).warning(
                    "delivery_waits", destination=destination, reason=str(error)
                )
