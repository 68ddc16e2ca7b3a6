"""`accord bench NAME`: runs one benchmark and prints what it measured as one JSON object."""

import os
import pkgutil
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, TextIO

import typer

from orchestration_assets.errors import FatalError

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark: a module of benchmarks/.")],
    rows: Annotated[int | None, typer.Option(min=1, help="How many rows to work on.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON instead of a table.")
    ] = False,
) -> None:
    """Run one benchmark. Its figures go to standard output, all else to standard error."""
    run = _find(name.replace("-", "_"))
    options: dict[str, Any] = {} if rows is None else {"rows": rows}
    with _only_results_on_stdout() as stdout:
        figures = run(**options)
        if as_json:
            import orjson

            text = orjson.dumps(figures, option=orjson.OPT_NON_STR_KEYS, default=str).decode()
            print(text, file=stdout)
        else:
            _print_table(name, figures, stdout)


def _find(name: str) -> Any:
    try:
        package = import_module("benchmarks")
    except ModuleNotFoundError as error:
        raise FatalError(
            "The benchmarks are not installed here.", "run this in a clone, after make setup."
        ) from error
    known = sorted(
        found.name for found in pkgutil.iter_modules(package.__path__) if found.name[0] != "_"
    )
    if not _NAME.match(name) or name not in known:
        raise FatalError(
            f"There is no benchmark {name!r}.", f"name one of: {', '.join(known) or 'none yet'}."
        )
    run = getattr(import_module(f"benchmarks.{name}"), "run", None)
    if run is None:
        raise FatalError(
            f"benchmarks/{name}.py has no function run.", "give it `run(**options) -> dict`."
        )
    return run


@contextmanager
def _only_results_on_stdout() -> Iterator[TextIO]:
    """Send file descriptor 1 to standard error and yield the real standard output.

    The descriptor and not only `sys.stdout`: child processes and C libraries write there too.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(kept, "w", closefd=False) as stdout:
            yield stdout
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _print_table(name: str, figures: dict[str, Any], stdout: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", title=name)
    for key, value in figures.items():
        table.add_row(str(key), str(value))
    Console(file=stdout).print(table)
