"""What people are told of the landing gate: an incident a stream while something of it waits."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration_assets.alerting.incidents import Incident, clear, report
from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.stages.tell import run_link, tell_people_if_possible
from orchestration_assets.state.alerts import open_alerts
from orchestration_assets.transform.downstream import made_of
from orchestration_assets.transform.profiles import engine_of
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.warehouse import readings

_PREFIX = "landing/"
Row = Mapping[str, Any]


def waiting_readings(deployment: Deployment) -> dict[str, list[Row]]:
    """By stream, the readings that the gate holds or could not judge, oldest first."""
    with deployment.warehouse.reader() as session:
        if not session.table_exists("landing", "readings"):
            return {}
        found = [
            *readings.readings_with(session, readings.HELD),
            *readings.readings_with(session, None),
        ]
    waiting: dict[str, list[Row]] = {}
    for row in sorted(found, key=lambda one: one["started_at"]):
        waiting.setdefault(f"{row['system']}.{row['stream']}", []).append(row)
    return waiting


def told_of_landings(deployment: Deployment) -> set[str]:
    """Keys of the open incidents of the landing gate."""
    return {alert["dedup_key"] for alert in open_alerts(deployment.state, _PREFIX)}


def tell_of_landings(deployment: Deployment, run_id: str = "") -> None:
    """Open or update an incident for each stream of which something waits, resolve the others."""
    waiting = waiting_readings(deployment)
    over = sorted(told_of_landings(deployment) - {f"{_PREFIX}{stream}" for stream in waiting})
    if not waiting and not over:
        return
    for key in over:
        clear(deployment.state, key)
    for stream, rows in waiting.items():
        report(deployment.state, _incident(deployment, stream, rows, run_id))
    tell_people_if_possible(deployment)


def _incident(deployment: Deployment, stream: str, rows: Sequence[Row], run_id: str) -> Incident:
    system, _, name = stream.partition(".")
    held = [row for row in rows if row["status"] == readings.HELD]
    loads = sum(len(row["loads"]) for row in rows)
    what = (
        f"What arrived of {stream} does not keep its rules, so {loads} loads of it wait"
        if held
        else f"What arrived of {stream} could not be judged, so {loads} loads of it wait"
    )
    return Incident(
        key=f"{_PREFIX}{stream}",
        title=f"Landing held: {stream}" if held else f"Landing not judged: {stream}",
        what=f"{what}. Nothing of them reaches the model; everything else goes on.",
        next_step=_next_step(stream) if held else _judge_again(stream),
        owner=raci_of(deployment.settings).accountable("connectors", system),
        rows=sum(row["rows"] for row in rows),
        links=run_link(deployment, run_id) if run_id else {},
        details=[*_reasons(rows), *_concerned(deployment, system, name)],
    )


def _next_step(stream: str) -> str:
    return (
        f"Look at {stream} at its source. Mend it there and let `accord land {stream} --full` read"
        " it again: what is sound passes, and takes the place of what is held. If it is meant,"
        f" `accord quarantine release load {stream} --reason ... --by ...`; if it never shall"
        f" count, `accord quarantine discard load {stream} --reason ... --by ...`."
    )


def _judge_again(stream: str) -> str:
    return (
        f"See in the log why the suite over {stream} could not run; `accord doctor` tells what is"
        " wrong with the warehouse. The next refresh judges it again by itself."
    )


def _reasons(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in rows:
        why = row["rule"] or "it could not be judged"
        when = f"{row['started_at']:%Y-%m-%d %H:%M} UTC"
        lines.append(f"Read {when}: {row['rows']} rows, {row['rows_rejected']} rejected: {why}")
    return lines


def _concerned(deployment: Deployment, system: str, name: str) -> list[str]:
    """Core tables and journeys that do without it meanwhile."""
    nodes = load_nodes(ensure_manifest(engine_of(deployment.warehouse.url)))
    below = made_of(nodes, f"raw_{system}", name)
    tables = [node.name for node in below if node.schema == "core"]
    journeys = [node.name for node in below if node.meta.get("journey")]
    return [
        f"{title} that do without it: {', '.join(names)}"
        for title, names in (("Tables", tables), ("Journeys", journeys))
        if names
    ]
