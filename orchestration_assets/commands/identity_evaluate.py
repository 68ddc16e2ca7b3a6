"""`accord identity evaluate`: precision and recall on a sample whose true pairs are known."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    left: Annotated[Path, typer.Option(help="CSV file of records, with a header.")],
    truth: Annotated[
        Path,
        typer.Option(
            help="CSV file of the true pairs, two columns of ids: of the left and the right file,"
            " or both of the left one. The matcher never sees it."
        ),
    ],
    sample_map: Annotated[
        Path, typer.Option("--map", help="YAML file: which column is what, and how strict to be.")
    ],
    right: Annotated[
        Path | None,
        typer.Option(help="A second CSV file; without it pairs are sought within the first."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure who is who on a sample of your own whose true pairs you know."""
    from orchestration_assets.identity.sample import evaluate_sample
    from orchestration_assets.identity.sample_map import read_map

    result = evaluate_sample(left, right, truth, read_map(sample_map))
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(result)))
        return
    typer.echo(
        f"precision {result.precision:.4f}, recall {result.recall:.4f}, F1 {result.f1:.4f}\n"
        f"{result.true_pairs} true pairs, {result.found_pairs} found, {result.correct_pairs} of"
        f" them true; {result.pairs_to_review} wait for a steward\n"
        f"{result.records} records in {result.seconds} s, {result.peak_memory_mib:.0f} MiB at most,"
        f" weights {result.weights_version} ({result.weights_from})"
    )
