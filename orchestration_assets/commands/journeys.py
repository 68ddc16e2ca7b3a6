"""`accord journeys`: what journeys there are, and who is in the control group of one."""

import csv
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration_assets.errors import FatalError

if TYPE_CHECKING:
    from orchestration_assets.activation.journeys import Journey

app = typer.Typer(
    name="journeys",
    help="Journeys: list them with their limits, export who is in the control group of one.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
CONTROL, TREATED = "control", "treated"


@app.command("list")
def list_journeys(as_json: Json = False) -> None:
    """Show every journey, the first to go out first: where it goes, its cap and its holdout."""
    from orchestration_assets.stages.activate import all_journeys

    journeys = [_described(journey) for journey in all_journeys().values()]
    if as_json:
        typer.echo(json.dumps({"journeys": journeys}))
        return
    for journey in journeys:
        typer.echo(
            f"{journey['name']}  {journey['destination']}.{journey['object']}"
            f"  {journey['purpose']} by {journey['channel']}"
            f"  cap: {journey['cap'] or 'none'}  holdout: {journey['holdout'] or 'none'}"
            f"{'  live' if journey['live'] else ''}"
        )


@app.command("assignments")
def assignments(
    name: Annotated[str, typer.Argument(help="The journey, jrn_...")],
    salt: Annotated[
        str | None, typer.Option(help="Of an earlier draw; that of the journey when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Export who is in the control group of a journey and who is not, as CSV, first ones first."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.state.assignments import assigned

    journey = _journey(name)
    if salt is None and journey.holdout is None:
        raise FatalError(
            f"The journey {name} holds nobody out.",
            "add `holdout: {share: ..., salt: ...}` to its YAML, or name an earlier --salt.",
        )
    drawn = salt or (journey.holdout.salt if journey.holdout else "")
    rows = [
        {
            "customer_id": row["customer_id"],
            "group": CONTROL if row["in_control"] else TREATED,
            "assigned_at": row["assigned_at"].isoformat(),
        }
        for row in assigned(Deployment().state, name, drawn)
    ]
    if as_json:
        typer.echo(json.dumps({"journey": name, "salt": drawn, "assignments": rows}))
        return
    writer = csv.DictWriter(sys.stdout, ["customer_id", "group", "assigned_at"])
    writer.writeheader()
    writer.writerows(rows)


def _journey(name: str) -> "Journey":
    from orchestration_assets.stages.activate import all_journeys

    journeys = all_journeys()
    if name not in journeys:
        raise FatalError(f"No journey is called {name!r}.", f"name one of {', '.join(journeys)}.")
    return journeys[name]


def _described(journey: "Journey") -> dict[str, object]:
    cap, holdout = journey.cap, journey.holdout
    return {
        "name": journey.name,
        "destination": journey.destination,
        "object": journey.object_name,
        "purpose": journey.purpose,
        "channel": journey.channel,
        "priority": journey.priority,
        "cap": f"{cap.sends} in {cap.days} days" if cap else "",
        "holdout": f"{holdout.share:g} by {holdout.salt}" if holdout else "",
        "live": journey.live,
        "owner": journey.owner,
    }
