"""Telling people: which channels there are, what a failed run means, and sending what is due."""

from collections.abc import Sequence

from orchestration_assets.alerting.deliver import Channel, deliver_pending
from orchestration_assets.alerting.incidents import Incident, clear, report
from orchestration_assets.alerting.log import LogChannel
from orchestration_assets.alerting.slack import SlackChannel
from orchestration_assets.deployment import Deployment

# Stands for the step in the incident of a run that died without one.
WHOLE_RUN = "run"


def channels(deployment: Deployment) -> list[Channel]:
    """The log, and Slack where its webhook is set."""
    found: list[Channel] = [LogChannel()]
    webhook = deployment.settings.slack_webhook_url.get_secret_value()
    if webhook:
        found.append(SlackChannel(webhook))
    return found


def tell_people(deployment: Deployment) -> dict[str, int]:
    """Send every alert that people were not told of; counts of `delivered` and `failed`."""
    return deliver_pending(deployment.state, channels(deployment))


def run_link(deployment: Deployment, run_id: str) -> dict[str, str]:
    """Name and address of a run in the Dagster UI."""
    return {"run": f"{deployment.settings.dagster_url.rstrip('/')}/runs/{run_id}"}


def run_failed(
    deployment: Deployment, job: str, run_id: str, failures: Sequence[tuple[str, str]]
) -> None:
    """Open or update one incident for each step that failed.

    Args:
        deployment: the deployment.
        job: name of the job.
        run_id: the failed run.
        failures: step and message of each failure; `WHOLE_RUN` for a run that died without one.
    """
    for step, message in failures:
        report(
            deployment.state,
            Incident(
                key=f"run/{job}/{step}",
                title=f"Run failed: {job}, step {step}",
                what=message,
                next_step="Open the run, mend what its message names; the next scheduled or"
                " sensor-driven run tries again.",
                owner="data-platform",
                links=run_link(deployment, run_id),
            ),
        )


def run_succeeded(deployment: Deployment, job: str, steps: Sequence[str]) -> None:
    """Resolve the incidents of the steps that have succeeded again."""
    for step in steps:
        clear(deployment.state, f"run/{job}/{step}")
