"""`accord sandbox`: hands its arguments to the sandbox's own command line, if it is installed."""

from importlib import import_module
from typing import Any

import typer

from orchestration_assets.errors import FatalError

COMMAND: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
}


def sandbox(context: typer.Context) -> None:
    """Serve local vendor systems over a seeded world (see `accord sandbox --help`)."""
    try:
        # By name: the sandbox is an extra, and nothing in this package may depend on it.
        app = import_module("sandbox.cli").app
    except ModuleNotFoundError as error:
        raise FatalError(
            f"The sandbox is not installed ({error.name} is missing).",
            "run make setup in a clone.",
        ) from error
    app(args=context.args, prog_name="accord sandbox")
