"""Telling people: what a failed run means, and sending what is due."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from orchestration_assets.alerting.config import AlertsConfig
from orchestration_assets.alerting.deliver import Desk, deliver_pending
from orchestration_assets.alerting.failing import SUBJECT
from orchestration_assets.alerting.incidents import Incident, clear, report, report_all
from orchestration_assets.alerting.routing import Directory
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.alert_channels import (
    Web,
    checked_config,
    directory_of,
    outlets_of,
    routing_of,
)
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.stages.steps import subject_of
from orchestration_assets.state.alerts import open_alerts

# Stands for the step in the incident of a run that died without one.
WHOLE_RUN = "run"
_CONFIGURATION = "configuration/alerts"


@contextmanager
def desk(deployment: Deployment) -> Iterator[Desk]:
    """Everything that telling people takes; a broken `alerts.yml` or `raci.yml` silences nobody.

    Without them the log and the shared Slack channel are told, of the broken file too.
    """
    settings, web = deployment.settings, Web()
    config, directory = AlertsConfig(), Directory()
    try:
        raci = raci_of(settings)
        directory = directory_of(raci)
        config = checked_config(settings, raci)
    except AccordError as error:
        report(
            deployment.state,
            Incident(
                key=_CONFIGURATION,
                title="Alerts go to the log and the shared Slack channel only",
                what=error.message,
                next_step=error.next_step,
                subject=SUBJECT,
            ),
        )
    else:
        # A look first: a write would wait its turn at every tick.
        if open_alerts(deployment.state, _CONFIGURATION):
            clear(deployment.state, _CONFIGURATION)
    outlets = outlets_of(settings, config, directory, web)
    try:
        yield Desk(deployment.state, outlets, routing_of(config, directory, outlets))
    finally:
        web.close()


def tell_people(deployment: Deployment) -> dict[str, int]:
    """Send every alert that people were not told of.

    Returns:
        Counts of `delivered`, `failed` and `folded`.

    Raises:
        RetriableError: another process has been telling people for a third of a minute.
    """
    with desk(deployment) as opened:
        return deliver_pending(opened)


def run_link(deployment: Deployment, run_id: str) -> dict[str, str]:
    """Name and address of a run in the Dagster UI."""
    return {"run": f"{deployment.settings.dagster_url.rstrip('/')}/runs/{run_id}"}


def tell_people_if_possible(deployment: Deployment) -> None:
    """The same after a step's work is done: whoever tells next makes up for what fails here."""
    try:
        tell_people(deployment)
    except AccordError as error:
        structlog.get_logger(__name__).warning("people_not_told", error=error.message)


def check_link(deployment: Deployment, asset: Sequence[str], check: str) -> dict[str, str]:
    """Name and address of an asset check in the Dagster UI."""
    base = deployment.settings.dagster_url.rstrip("/")
    return {"check": f"{base}/assets/{'/'.join(asset)}?view=checks&checkDetail={check}"}


@dataclass(frozen=True, slots=True)
class FailedStep:
    """A step that failed; `WHOLE_RUN` stands for a run that died without one."""

    job: str
    run_id: str
    step: str
    message: str


def steps_failed(deployment: Deployment, failures: Sequence[FailedStep]) -> None:
    """Open or update one incident for each step that failed."""
    report_all(
        deployment.state,
        [
            Incident(
                key=f"run/{failed.job}/{failed.step}",
                title=f"Run failed: {failed.job}, step {failed.step}",
                what=failed.message,
                next_step="Open the run, mend what its message names; the next scheduled or"
                " sensor-driven run tries again.",
                subject=subject_of(failed.job, failed.step),
                links=run_link(deployment, failed.run_id),
            )
            for failed in failures
        ],
    )


def run_succeeded(deployment: Deployment, job: str, steps: Sequence[str]) -> None:
    """Resolve the incidents of the steps that have succeeded again."""
    good = {f"run/{job}/{step}" for step in steps}
    if not good:
        return
    for alert in open_alerts(deployment.state, f"run/{job}/"):
        if alert["dedup_key"] in good:
            clear(deployment.state, alert["dedup_key"])
