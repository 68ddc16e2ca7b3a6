"""What people are told of gates: an incident for a suite that failed, one for rows it holds."""

from collections.abc import Collection, Sequence

from orchestration_assets.alerting.incidents import (
    CORE,
    WARNING,
    Incident,
    clear,
    gate_failed,
    gate_passed,
    report,
)
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.tell import check_link, run_link, tell_people_if_possible
from orchestration_assets.state.verdicts import Verdict
from orchestration_assets.transform.profiles import engine_of
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from quality.catalog import PAYLOAD_SUITES


def tell_of_gates(
    deployment: Deployment, verdicts: Sequence[Verdict], required: Collection[str]
) -> None:
    """Open, update or resolve the incidents of these suites, and tell people now.

    Args:
        deployment: the deployment.
        verdicts: what was just decided.
        required: suites without whose pass nothing is released.
    """
    domains = _domains(deployment) if _any_trouble(verdicts) else {}
    for verdict in verdicts:
        table = verdict.table.partition(".")[2]
        check = check_link(deployment, ["marts", table], verdict.suite)
        links = run_link(deployment, verdict.run_id or "") | check
        domain = domains.get(table, "")
        subject = f"journeys.{table}" if table in PAYLOAD_SUITES else CORE
        if verdict.passed:
            gate_passed(deployment.state, verdict.suite)
        else:
            stopped = _held_by(verdict.suite, required)
            customers = _customers(verdict)
            gate_failed(
                deployment.state,
                verdict,
                stopped,
                links,
                domain=domain,
                customers=customers,
                subject=subject,
            )
        for kind, incident in (
            ("held", _held_incident(verdict, links, domain, subject)),
            ("warning", _warning_incident(verdict, links, domain, subject)),
        ):
            if incident and verdict.passed:
                report(deployment.state, incident)
            else:
                clear(deployment.state, f"{kind}/{verdict.suite}")
    tell_people_if_possible(deployment)


def _any_trouble(verdicts: Sequence[Verdict]) -> bool:
    return any(verdict.details or not verdict.passed for verdict in verdicts)


def _warning_incident(
    verdict: Verdict, links: dict[str, str], domain: str, subject: str
) -> Incident | None:
    broken = [one["rule"] for one in verdict.details if one.get("severity") == WARNING]
    if not broken:
        return None
    return Incident(
        key=f"warning/{verdict.suite}",
        title=f"Unusual figures: {verdict.suite}",
        what=f"{verdict.table} is not as it usually is; it was released all the same.",
        next_step="Look at the check whether the change is meant; if not, mend its source.",
        severity=WARNING,
        links=links,
        details=broken,
        subject=subject,
        domain=domain,
    )


def _held_incident(
    verdict: Verdict, links: dict[str, str], domain: str, subject: str
) -> Incident | None:
    if not verdict.held:
        return None
    return Incident(
        key=f"held/{verdict.suite}",
        title=f"Rows held: {verdict.suite}",
        what=f"Rows of {verdict.table} break rules and are held back; all others went on.",
        next_step="See accord quarantine list, and mend the rows at their source: they leave by"
        " themselves then. A row that is meant is let through by accord quarantine release row.",
        severity=WARNING,
        rows=verdict.held,
        customers=_customers(verdict),
        links=links,
        details=list(verdict.failed_rules),
        subject=subject,
        domain=domain,
    )


def _customers(verdict: Verdict) -> int | None:
    """Customers of the rows that break a rule, the worst rule counted."""
    counts = [entry.get("customers") for entry in verdict.details]
    return max((count for count in counts if count is not None), default=None)


def _held_by(suite: str, required: Collection[str]) -> list[str]:
    """Journeys that plan nothing new while the suite fails."""
    if suite in required:
        return sorted(PAYLOAD_SUITES)
    return [journey for journey, payload in PAYLOAD_SUITES.items() if payload.name == suite]


def _domains(deployment: Deployment) -> dict[str, str]:
    """Group that each model belongs to, by the model's name."""
    nodes = load_nodes(ensure_manifest(engine_of(deployment.warehouse.url)))
    return {node.name: node.group or "" for node in nodes if node.resource_type == "model"}
