"""Check of `raci.yml`: readable, and complete as far as the project is parsed."""

from pathlib import Path

from orchestration_assets.doctor.finding import Finding, fail, ok
from orchestration_assets.errors import AccordError
from orchestration_assets.settings import Settings
from orchestration_assets.stages.governance import raci_problems


def raci(settings: Settings, target: Path) -> Finding:
    """Everything has exactly one accountable team; without one its assets do not load.

    Args:
        settings: of the deployment.
        target: folder that holds `manifest.json`; where it is missing, connectors alone are looked
            for.
    """
    try:
        found, problems = raci_problems(settings, target / "manifest.json")
    except AccordError as error:
        return fail("raci", error.message, error.next_step)
    if problems:
        return fail("raci", "; ".join(problems), "write what each of them says.")
    entries = sum(len(found.section(kind)) for kind in ("connectors", "audiences", "journeys"))
    return ok("raci", f"{len(found.teams)} teams; {entries} connectors, audiences and journeys")
