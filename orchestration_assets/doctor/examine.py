"""The whole examination, in the order in which a reader would repair things."""

from pathlib import Path

from orchestration_assets.doctor import governance, machine, stores
from orchestration_assets.doctor.alerting import alerting
from orchestration_assets.doctor.finding import Finding, Level
from orchestration_assets.doctor.systems import systems
from orchestration_assets.settings import Settings


def examine(settings: Settings, names: tuple[str, ...], manifest_folder: Path) -> list[Finding]:
    """Run every check; none changes a store, none shows a secret.

    Args:
        settings: of the deployment.
        names: systems of the catalogue.
        manifest_folder: where dbt keeps `manifest.json`.
    """
    of_systems, ahead = systems(settings, names)
    return [
        machine.python(),
        *machine.packages(),
        machine.home(settings),
        machine.clock(ahead),
        machine.telemetry(),
        machine.dagster_home(settings),
        *stores.warehouse(settings),
        stores.state(settings),
        stores.manifest(machine.REPOSITORY / "dbt_project", manifest_folder),
        governance.raci(settings, manifest_folder),
        alerting(settings),
        *of_systems,
    ]


def has_failed(findings: list[Finding]) -> bool:
    """Whether anything stops the deployment from working."""
    return any(finding.level is Level.FAIL for finding in findings)
