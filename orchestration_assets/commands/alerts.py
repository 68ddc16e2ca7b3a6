"""`accord alerts`: what is broken, who was told, and taking it on."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="alerts",
    help="Incidents: list them, show one, take one on, send the digest.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_alerts(
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 100,
) -> None:
    """Show open incidents, who was told of them and who could not be."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.alerts import overview

    found = overview(Deployment())
    if as_json:
        report = {"alerts": found.alerts, "failing": found.failing}
        typer.echo(json.dumps(report, default=str))
        return
    for name, row in found.failing.items():
        typer.echo(f"Alerts do not reach {name} since {row['failing_since']:%Y-%m-%d %H:%M} UTC")
        typer.echo(f"  {row['error']}")
        typer.echo(f"  tried {row['failures']} times, next at {row['next_attempt_at']:%H:%M:%S}")
    _print(found.alerts[:limit])
    if len(found.alerts) > limit:
        typer.echo(f"and {len(found.alerts) - limit:,} more: --limit shows them.")


@app.command("show")
def show_alert(
    key: Annotated[str, typer.Argument(help="Its key, as the list shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show the newest incident of a key: what broke, what it holds, and each delivery."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.alerts import show

    found = show(Deployment(), key)
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    _print_fields(found)
    _print_deliveries(found)


@app.command("ack")
def acknowledge_alert(
    key: Annotated[str, typer.Argument(help="Its key, as the list shows it.")],
    by: Annotated[str, typer.Option("--by", help="Who takes it on.")],
    note: Annotated[str, typer.Option("--note", help="What others should know.")] = "",
) -> None:
    """Take an open incident on: it is escalated no further, and PagerDuty is told."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.alerts import acknowledge

    count = acknowledge(Deployment(), key, by, note)
    if count:
        typer.echo(f"{count:,} taken on by {by}.")
    else:
        typer.echo("Somebody has taken it on before.")


@app.command("digest")
def digest_alerts(
    send: Annotated[bool, typer.Option("--send", help="Send it, today's once more too.")] = False,
) -> None:
    """Show what the digest says now, or send it where alerts.yml says."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.alerts import digest, send_digest

    deployment = Deployment()
    if send:
        sent = send_digest(deployment, again=True)
        typer.echo("Sent." if sent else "alerts.yml names no digest: nothing was sent.")
        return
    said = digest(deployment)
    typer.echo(said.title)
    for line in said.lines:
        typer.echo(f"- {line}")


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    """Some lines an incident, so that its key can be copied whole."""
    if not rows:
        typer.echo("Nothing is broken.")
        return
    for row in rows:
        state = "resolved" if row["resolved_at"] else row["severity"]
        since = f"{row['opened_at']:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{row['key']}  {state} since {since}, {row['owner'] or 'nobody named'}")
        typer.echo(f"  {row['title']}")
        if row["acknowledged_at"]:
            typer.echo(f"  taken on by {row['acknowledged_by']}")
        told = [*row["told"], *(f"{address} (folded)" for address in row["folded"])]
        typer.echo(f"  told: {', '.join(told) or 'nobody yet'}")
        for address, why in row["waiting"].items():
            typer.echo(f"  still to tell: {address}{': ' if why else ''}{why}")


def _print_fields(found: Mapping[str, Any]) -> None:
    body = found["body"]
    for name in ("key", "severity", "title", "owner"):
        typer.echo(f"{name}: {found[name]}")
    for name in ("opened_at", "resolved_at"):
        if found[name]:
            typer.echo(f"{name}: {found[name]:%Y-%m-%d %H:%M:%S} UTC")
    for name in ("what", "next_step", "rows", "customers"):
        if body.get(name):
            typer.echo(f"{name}: {body[name]}")
    typer.echo(f"held: {', '.join(body.get('held', ())) or 'none'}")
    if found["acknowledged_at"]:
        note = found["acknowledged_note"]
        typer.echo(f"acknowledged: by {found['acknowledged_by']}" + (f": {note}" if note else ""))
    for line in body.get("details", ()):
        typer.echo(f"- {line}")
    for name, address in body.get("links", {}).items():
        typer.echo(f"{name}: {address}")


def _print_deliveries(found: Mapping[str, Any]) -> None:
    for row in found["deliveries"]:
        told = f"told {row['told_at']:%Y-%m-%d %H:%M:%S}" if row["told_at"] else "not told"
        typer.echo(f"{row['address']}: {row['error'] or told}")
    for address, storm in found["folded"].items():
        typer.echo(f"{address}: folded into alert {storm}")
    for member in found["members"]:
        typer.echo(f"tells of {member['key']}")
