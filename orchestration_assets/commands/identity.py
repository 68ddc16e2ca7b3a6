"""`accord identity`: what a steward sees of who is who, and decides."""

import getpass
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration_assets.commands.identity_evaluate import evaluate
from orchestration_assets.errors import FatalError

app = typer.Typer(
    name="identity",
    help="Who is who: review pairs, undo links, see a customer's records, train and measure.",
    no_args_is_help=True,
)
review = typer.Typer(
    name="review",
    help="Pairs that are likely to be one person: look and decide.",
    no_args_is_help=True,
)
app.add_typer(review)
app.command("evaluate")(evaluate)

RecordArgument = Annotated[str, typer.Argument(help="A record, as SYSTEM:RECORD_ID.")]
ReasonOption = Annotated[
    str, typer.Option("--reason", help="Why, in your words; no personal data, it is kept.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@review.command("list")
def list_pairs(
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the pairs that wait for a decision, most likely ones first."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.identity import review_list

    pairs = review_list(Deployment(), limit)
    if as_json:
        typer.echo(json.dumps({"pairs": pairs}, default=str))
        return
    if not pairs:
        typer.echo("No pair waits for a decision.")
        return
    for pair in pairs:
        typer.echo(f"weight {pair['weight']:.1f}")
        for side in ("one", "other"):
            values = dict(pair[side])
            name = f"{values.pop('system')}:{values.pop('record_id')}"
            shown = ", ".join(str(value) for value in values.values() if value)
            typer.echo(f"  {name}  {shown}")


@review.command("accept")
def accept(one: RecordArgument, other: RecordArgument, reason: ReasonOption) -> None:
    """Say that two records are one person."""
    _judge(one, other, same=True, reason=reason)


@review.command("reject")
def reject(one: RecordArgument, other: RecordArgument, reason: ReasonOption) -> None:
    """Say that two records are two people."""
    _judge(one, other, same=False, reason=reason)


@app.command()
def unlink(
    record: RecordArgument,
    reason: ReasonOption,
    away_from: Annotated[
        str | None,
        typer.Option("--from", help="Only from this record; from all it is with when left out."),
    ] = None,
) -> None:
    """Undo a link: the record is not the person it was taken for."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.identity import unlink as keep_unlink

    names = keep_unlink(
        Deployment(),
        _record(record),
        _record(away_from) if away_from else None,
        reason=reason,
        by=getpass.getuser(),
    )
    _say_kept(names)


@app.command()
def decisions(
    everything: Annotated[
        bool, typer.Option("--all", help="Show decisions that were taken back as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what stewards decided, oldest first."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.state.identity_decisions import decisions as kept

    rows = kept(Deployment().state, withdrawn_too=everything)
    if as_json:
        typer.echo(json.dumps({"decisions": rows}, default=str))
        return
    for row in rows:
        back = f" (taken back by {row['withdrawn_by']})" if row["withdrawn_at"] else ""
        typer.echo(
            f"{row['decision_id']}  {row['system_one']}:{row['record_one']} {row['kind']}"
            f" {row['system_other']}:{row['record_other']}  {row['reason']}"
            f"  {row['decided_by']} {row['decided_at']:%Y-%m-%d}{back}"
        )
    if not rows:
        typer.echo("No decision was made.")


@app.command()
def restore(
    decision: Annotated[str, typer.Argument(help="Id from accord identity decisions.")],
    reason: ReasonOption,
) -> None:
    """Take a decision back: the records are compared as if it had never been made."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.identity import take_back

    take_back(Deployment(), decision, reason=reason, by=getpass.getuser())
    typer.echo(f"{decision} is taken back; the next refresh goes by it.")


@app.command()
def show(record: RecordArgument, as_json: AsJson = False) -> None:
    """Show the customer of a record: its records, what links them, and its history."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.identity.clusters import STRENGTHS
    from orchestration_assets.identity.stewardship import describe

    with Deployment().warehouse.reader() as session:
        found = describe(session, _record(record))
    for link in found["links"]:
        link["evidence"] = STRENGTHS[link.pop("strength")]
    if as_json:
        typer.echo(json.dumps(found, default=str))
    else:
        _print_customer(found)


@app.command("train")
def train_weights(
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write; config/identity_weights.json when left out."),
    ] = None,
) -> None:
    """Learn match weights from the records that have landed; people review the file."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.identity import train_weights as learn
    from orchestration_assets.stages.identity import weights_path

    deployment = Deployment()
    path = out or weights_path(deployment)
    result = learn(deployment, path)
    typer.echo(
        f"Weights {result['version']} learnt from {result['records']} records: {path}."
        " The next refresh resolves everybody anew with them."
    )


def _judge(one: str, other: str, *, same: bool, reason: str) -> None:
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.stages.identity import judge_pair

    name = judge_pair(
        Deployment(), _record(one), _record(other), same=same, reason=reason, by=getpass.getuser()
    )
    _say_kept([name])


def _say_kept(names: list[str]) -> None:
    typer.echo(f"Kept as {', '.join(names)}; the next refresh goes by it.")


def _record(text: str) -> tuple[str, str]:
    system, _, record_id = text.partition(":")
    if not system or not record_id:
        raise FatalError(f"{text!r} names no record.", "write it as SYSTEM:RECORD_ID.")
    return system, record_id


def _print_customer(found: dict[str, Any]) -> None:
    typer.echo(found["customer_id"])
    for row in found["records"]:
        linked = f"linked by {row['linked_by']}" if row["linked_by"] else "alone"
        typer.echo(f"  {row['system']}:{row['record_id']}  {linked}")
    for link in found["links"]:
        typer.echo(
            f"  {link['system_one']}:{link['record_one']} = {link['system_other']}:"
            f"{link['record_other']}  {link['evidence']}, weight {link['weight']:.1f}"
        )
    for move in found["history"]:
        typer.echo(
            f"  {move['changed_at']:%Y-%m-%d %H:%M} {move['system']}:{move['record_id']} from"
            f" {move['customer_id_before']} to {move['customer_id_after']}: {move['kind']},"
            f" {move['reason']}"
        )
