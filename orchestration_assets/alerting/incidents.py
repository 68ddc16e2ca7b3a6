"""Incidents: what broke, since when, what it holds, who mends it and how.

They are derived from verdicts and the ledger, so that a missed moment is made up for by the next
look. No personal data: counts, names of suites, journeys and systems only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration_assets.alerting.routing import NOT_TO
from orchestration_assets.masking import without_personal_data
from orchestration_assets.state import alerts
from orchestration_assets.state.rejections import rejections
from orchestration_assets.state.store import StateStore
from orchestration_assets.state.verdicts import Verdict

CRITICAL = "critical"
WARNING = "warning"
# Whose gates judge the common model; raci.yml says who answers for it.
CORE = "layers.core"


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that is broken.

    Args:
        key: the same for the same trouble, `gate/<suite>`; one alert is open for a key.
        title: one line.
        what: what broke, in a sentence or two.
        next_step: what the owner should do now.
        owner: short name of the team that mends it; left out, the accountable of `subject`.
        severity: `critical` or `warning`.
        rows: how many rows are concerned, where that is known.
        customers: how many customers are, where that is known.
        held: journeys that plan nothing new meanwhile.
        links: name to address of the run, the check.
        details: further lines, counts only.
        subject: entry of raci.yml that it is about, such as `layers.core`.
        domain: whose data it is about; left out, the owner.
        not_to: addresses of channels that are not told.
    """

    key: str
    title: str
    what: str
    next_step: str
    owner: str = ""
    severity: str = CRITICAL
    rows: int | None = None
    customers: int | None = None
    held: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    details: Sequence[str] = ()
    subject: str = ""
    domain: str = ""
    not_to: Sequence[str] = ()


def report(state: StateStore, incident: Incident) -> bool:
    """Open the incident or update the open one; returns whether people are to be told."""
    return alerts.open_or_update(state, *_row(incident))


def report_all(state: StateStore, incidents: Sequence[Incident]) -> None:
    """Open or update many incidents at once."""
    alerts.open_or_update_all(state, [_row(incident) for incident in incidents])


def clear(state: StateStore, key: str) -> bool:
    """Resolve the incident of a key; False when none was open."""
    return alerts.resolve(state, key)


def gate_failed(
    state: StateStore,
    verdict: Verdict,
    held: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
    owner: str = "",
    *,
    domain: str = "",
    customers: int | None = None,
    subject: str = CORE,
) -> bool:
    """Open or update the incident of a suite that failed; returns whether people are to be told.

    Args:
        state: the operational store.
        verdict: the failed verdict.
        held: journeys that plan nothing new until it passes.
        links: name to address of the run, the check.
        owner: who mends the data; left out, who answers for the core model.
        domain: whose data it is: the group of the table that was judged.
        customers: how many customers the broken rows belong to.
        subject: entry of raci.yml whose gate it is: of a payload, `journeys.<name>`.
    """
    incident = _gate_incident(verdict, held, links or {}, owner)
    known = replace(incident, domain=domain, customers=customers, subject=subject)
    return report(state, known)


def gate_passed(state: StateStore, suite: str) -> bool:
    """Resolve the incident of a suite; False when none was open."""
    return clear(state, f"gate/{suite}")


def sync_deliveries(
    state: StateStore,
    owners: Mapping[str, str],
    links: Mapping[str, str] | None = None,
) -> int:
    """Open an incident for each journey with rejected or given-up rows, resolve the others.

    Only the newest row of each target counts: what came after it has taken its place.

    Args:
        state: the operational store.
        owners: owner by journey; every journey named here is looked at.
        links: name to address of the run.

    Returns:
        How many journeys have an open incident now.
    """
    found: dict[str, list[tuple[str, str, int]]] = {}
    for row in rejections(state):
        entry = (row["state"], without_personal_data(row["reason"] or ""), row["rows"])
        found.setdefault(row["journey"], []).append(entry)
    for journey in owners:
        if journey not in found:
            clear(state, f"delivery/{journey}")
    for journey, entries in found.items():
        rows = sum(count for _, _, count in entries)
        incident = Incident(
            key=f"delivery/{journey}",
            title=f"{journey}: the destination rejects rows",
            what=f"The destination of {journey} rejected rows; every other row went out.",
            next_step=(
                "Mend the rows at their source or the journey's payload. Rejected rows are tried "
                "again by every run, given-up ones once their payload changes."
            ),
            owner=owners.get(journey, ""),
            severity=WARNING,
            rows=rows,
            subject=f"journeys.{journey}",
            links=links or {},
            details=[f"{state_}: {reason} ({count} rows)" for state_, reason, count in entries],
        )
        report(state, incident)
    return len(found)


def _gate_incident(
    verdict: Verdict, held: Sequence[str], links: Mapping[str, str], owner: str
) -> Incident:
    blocking = verdict.severity == "blocking"
    consequence = (
        "The release is held and nothing new is planned" if blocking else "The data passes"
    )
    return Incident(
        key=f"gate/{verdict.suite}",
        title=f"Gate failed: {verdict.suite}",
        what=f"{verdict.table or 'The model'} does not keep its rules. {consequence}.",
        next_step=(
            "Look at the broken rules, mend the source or the model, and let the model be built "
            "again: its gates run with it."
        ),
        owner=owner,
        severity=CRITICAL if blocking else WARNING,
        rows=verdict.rows_failed,
        held=held if blocking else (),
        links=links,
        details=list(verdict.failed_rules) or [verdict.reason],
    )


def _row(incident: Incident) -> alerts.Row:
    """The incident as the store keeps it, without personal data."""
    body = {
        "what": without_personal_data(incident.what),
        "next_step": without_personal_data(incident.next_step),
        "owner": incident.owner,
        "rows": incident.rows,
        "customers": incident.customers,
        "held": sorted(incident.held),
        "links": dict(incident.links),
        "details": [without_personal_data(line) for line in incident.details],
        "subject": incident.subject,
        "domain": incident.domain,
        NOT_TO: sorted(incident.not_to),
    }
    title = without_personal_data(incident.title)
    return alerts.Row(incident.key, incident.severity, title, body)
