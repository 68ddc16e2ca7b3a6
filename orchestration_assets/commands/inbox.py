"""`accord inbox`: the events that wait or were set aside, and a person's decision on them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration_assets.errors import FatalError

if TYPE_CHECKING:
    from orchestration_assets.events.inbox import Inbox

app = typer.Typer(
    name="inbox",
    help="Events that came in: list them, replay or discard what was set aside.",
    no_args_is_help=True,
)

_MOST = 100_000
Events = Annotated[
    list[int] | None, typer.Argument(metavar="EVENT...", help="The events' numbers, as listed.")
]
By = Annotated[str, typer.Option("--by", help="Who decides; it is kept.")]
AllPoison = Annotated[bool, typer.Option("--all-poison", help="Every event that was set aside.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_events(
    system: Annotated[str | None, typer.Argument(help="SYSTEM; all when left out.")] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="waiting, leased, poison, done or discarded; the first three by default."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """Show events in order of acceptance, without their content."""
    with _inbox() as inbox:
        events = inbox.list(status or ("waiting", "leased", "poison"), system, limit)
        counted = inbox.waiting()
    if as_json:
        counts = {"waiting": counted.count, "ready": counted.ready, "poison": counted.poison}
        typer.echo(json.dumps({**counts, "events": events}, default=str))
    elif events:
        _print(events)
        typer.echo(f"{counted.count} events wait, {counted.poison} were set aside.")
    else:
        typer.echo("The inbox has no such event.")


@app.command("latency")
def latency(
    hours: Annotated[float, typer.Option(min=0.01, help="Events received so many hours ago.")] = 24,
    as_json: Json = False,
) -> None:
    """Show how long events took from their arrival to the request that they led to."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.latency import latencies_since

    deployment = Deployment()
    found = latencies_since(deployment, timedelta(hours=hours))
    deployment.close()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    if not found:
        typer.echo("No event led to a request in that time.")
    for one in found:
        spent = ", ".join(f"p{percent} {seconds:.2f} s" for percent, seconds in one.seconds.items())
        typer.echo(f"{one.journey} to {one.destination}: {one.events} events, {spent}")
        if one.objective:
            typer.echo(f"  {one.objective.in_words}")


@app.command("show")
def show(
    event: Annotated[int, typer.Argument(help="The event's number, as listed.")],
    with_body: Annotated[
        bool, typer.Option("--body", help="Its content too: it may hold personal data.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print all that is known of one event."""
    with _inbox() as inbox:
        found = inbox.show(event, with_body=with_body)
    if found.get("body") is not None:
        found["body"] = bytes(found["body"]).decode("utf-8", errors="replace")
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    for name, value in found.items():
        typer.echo(f"{name}: {'' if value is None else value}")


@app.command("replay")
def replay(by: By, events: Events = None, all_poison: AllPoison = False) -> None:
    """Have events worked on once more that were set aside, discarded or done."""
    with _inbox() as inbox:
        wanted = _wanted(inbox, events, all_poison=all_poison)
        _say("will be worked on once more", wanted, inbox.replay(wanted, by=by))


@app.command("discard")
def discard(
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")],
    events: Events = None,
    all_poison: AllPoison = False,
) -> None:
    """Give up events that are not done; a copy of one is still known and not taken again."""
    with _inbox() as inbox:
        wanted = _wanted(inbox, events, all_poison=all_poison)
        _say("discarded", wanted, inbox.discard(wanted, by=by, because=reason))


@contextmanager
def _inbox() -> Iterator["Inbox"]:
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.events import open_inbox

    inbox = open_inbox(Deployment())
    try:
        yield inbox
    finally:
        inbox.close()


def _wanted(inbox: "Inbox", events: Sequence[int] | None, *, all_poison: bool) -> list[int]:
    if bool(events) == all_poison:
        raise FatalError(
            "It is not clear which events are meant.", "name their numbers, or say --all-poison."
        )
    return list(events or [one["id"] for one in inbox.list(["poison"], limit=_MOST)])


def _say(done: str, wanted: Sequence[int], changed: Sequence[int]) -> None:
    typer.echo(f"{len(changed)} of {len(wanted)} events {done}.")
    if len(changed) < len(wanted):
        raise typer.Exit(1)


def _print(events: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("event", "system", "topic", "status", "attempts", "accepted (UTC)", "last error")
    for event in events:
        error = ": ".join(filter(None, (event["error_class"], event["error_text"])))
        table.add_row(
            str(event["id"]),
            escape(event["system"]),
            escape(event["topic"]),
            event["status"],
            str(event["attempts"]),
            f"{event['accepted_at']:%Y-%m-%d %H:%M:%S}",
            escape(error),
        )
    Console().print(table)
