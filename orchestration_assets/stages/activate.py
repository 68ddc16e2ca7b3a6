"""Activation: plan the rows of every journey, and deliver what is planned for one destination."""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta

from orchestration_assets.activation.decide import PlanResult, plan
from orchestration_assets.activation.deliver import DeliveryResult, deliver
from orchestration_assets.activation.journeys import Journey, read_journeys
from orchestration_assets.alerting.incidents import sync_deliveries
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.gate import REQUIRED_FOR_RELEASE
from orchestration_assets.stages.tell import run_link, tell_people_if_possible
from orchestration_assets.state.ledger import waiting
from orchestration_assets.transform.project import PROJECT_DIR
from quality.catalog import PAYLOAD_SUITES

JOURNEYS_FOLDER = PROJECT_DIR / "models" / "marts" / "journeys"


def all_journeys() -> Mapping[str, Journey]:
    """Every journey of the deployment by name, the first to go out first."""
    return read_journeys(JOURNEYS_FOLDER)


def required_suites(journey: str) -> tuple[str, ...]:
    """Suites without whose pass a journey plans nothing: those of core and of its payload."""
    payload = PAYLOAD_SUITES.get(journey)
    return (*REQUIRED_FOR_RELEASE, *((payload.name,) if payload else ()))


def plan_journeys(deployment: Deployment, run_id: str) -> list[PlanResult]:
    """Plan every journey from released data; a held model plans nothing and says why."""
    return [
        plan(deployment.warehouse, deployment.state, journey, run_id, required_suites(journey.name))
        for journey in all_journeys().values()
    ]


def deliver_to(
    deployment: Deployment, destination: str, object_name: str, run_id: str
) -> DeliveryResult:
    """Send what is planned for one object of one destination; every row gets its own result.

    People are told of rows that the destination rejects, and once it takes them.

    Raises:
        FatalError: the destination's settings are missing.
        RetriableError: another delivery to the same object is running.
    """
    journeys = all_journeys()
    with closing(deployment.writer(destination, object_name)) as writer:
        result = deliver(deployment.state, writer, journeys.values(), run_id)
    owners = {name: journey.owner for name, journey in journeys.items()}
    sync_deliveries(deployment.state, owners, run_link(deployment, run_id))
    tell_people_if_possible(deployment)
    return result


def unsettled_rows(deployment: Deployment, *, older_than_s: float) -> tuple[int, int]:
    """Planned or unanswered rows older than so many seconds, and the newest of their ids."""
    return waiting(deployment.state, datetime.now(UTC) - timedelta(seconds=older_than_s))
