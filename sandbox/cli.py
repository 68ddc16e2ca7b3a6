"""Commands of the sandbox: serve it, change its world, set faults, ask for its state."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from sandbox.client import RunningSandbox, SandboxNotRunningError, find_sandbox
from sandbox.context import SYSTEMS
from sandbox.faults import Profile
from sandbox.limits import TIERS

DEFAULT_HOME = Path(".accord")

app = typer.Typer(
    help="Local vendor servers over a seeded world.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Home = Annotated[Path, typer.Option(help="Folder of the sandbox's files.")]
Customers = Annotated[int, typer.Option(min=1, help="Number of people.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same world.")]
Noise = Annotated[float, typer.Option(min=0, max=4, help="Factor on all error rates; 0 is clean.")]
TierName = Annotated[str, typer.Option(help=f"Rate limits: {', '.join(TIERS)}.")]
Ephemeral = Annotated[bool, typer.Option("--ephemeral-ports", help="Take any free ports.")]
Systems = Annotated[list[str] | None, typer.Option("--system", help="Serve only these systems.")]
Parent = Annotated[int | None, typer.Option(hidden=True)]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    home: Home = DEFAULT_HOME,
    customers: Customers = 2_000,
    seed: Seed = 1,
    noise: Noise = 1.0,
    tier: TierName = "standard",
    ephemeral_ports: Ephemeral = False,
) -> None:
    """Serve the sandbox when no other command is given."""
    if context.invoked_subcommand is None:
        serve(home, customers, seed, noise, tier, ephemeral_ports)


@app.command()
def serve(
    home: Home = DEFAULT_HOME,
    customers: Customers = 2_000,
    seed: Seed = 1,
    noise: Noise = 1.0,
    tier: TierName = "standard",
    ephemeral_ports: Ephemeral = False,
    system: Systems = None,
    parent: Parent = None,
) -> None:
    """Serve the systems and the channels of alerts on this machine until interrupted."""
    from sandbox import server

    if tier not in TIERS:
        raise typer.BadParameter(f"tier must be one of {', '.join(TIERS)}")
    ports = dict.fromkeys(server.DEFAULT_PORTS, 0) if ephemeral_ports else server.DEFAULT_PORTS
    chosen = tuple(name for name in SYSTEMS if system is None or name in system)
    options = server.ServeOptions(home, customers, seed, noise, tier, dict(ports), chosen, parent)
    try:
        server.serve(options)
    except (RuntimeError, OSError) as error:
        typer.echo(f"The sandbox cannot serve: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def mutate(
    fraction: Annotated[float, typer.Option(min=0, max=1, help="Share of the records.")] = 0.02,
    home: Home = DEFAULT_HOME,
) -> None:
    """Let people change, order, arrive and vanish."""
    _show_counts(_call(home, "/mutate", {"fraction": fraction}))


@app.command()
def corrupt(
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the records; 0.005 for a few.")
    ] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Break the meaning of orders and contacts: many of them shut a gate, a few are held alone."""
    _show_counts(_call(home, "/corrupt", {} if share is None else {"share": share}))


@app.command()
def heal(home: Home = DEFAULT_HOME) -> None:
    """Put right what `corrupt` and `malform` broke."""
    _show_counts(_call(home, "/heal", {}))


@app.command()
def lose(
    table: Annotated[str, typer.Argument(help="SYSTEM.STREAM, such as hubspot.contacts.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Part of its records.")] = 1.0,
    home: Home = DEFAULT_HOME,
) -> None:
    """Let a system lose its records without a trace; `restore` brings them back."""
    _show_counts(_call(home, "/lose", {"table": table, "share": share}))


@app.command()
def double(
    table: Annotated[str, typer.Argument(help="SYSTEM.STREAM, such as hubspot.contacts.")],
    home: Home = DEFAULT_HOME,
) -> None:
    """Give every record of a stream a twin under a new id; `restore` takes them away."""
    _show_counts(_call(home, "/double", {"table": table}))


@app.command()
def restore(home: Home = DEFAULT_HOME) -> None:
    """Put right what `lose` and `double` did."""
    _show_counts(_call(home, "/restore", {}))


@app.command()
def malform(
    count: Annotated[int, typer.Option(min=1, help="Number of records.")] = 10,
    home: Home = DEFAULT_HOME,
) -> None:
    """Put values that break the type contract into some HubSpot records."""
    _show_counts(_call(home, "/malform", {"count": count}))


@app.command()
def drift(home: Home = DEFAULT_HOME) -> None:
    """Give contacts and profiles a field that no contract knows."""
    _show_counts(_call(home, "/drift", {}))


@app.command()
def faults(
    system: Annotated[str, typer.Argument(help=f"{', '.join(SYSTEMS)} or all")],
    profile: Annotated[Profile, typer.Argument(help="What goes wrong; none ends it.")],
    share: Annotated[float | None, typer.Option(min=0, max=1, help="Share of calls hit.")] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Set the fault profile of a system."""
    options: dict[str, Any] = {"system": system, "profile": profile.value, "share": share}
    for name, entry in _call(home, "/faults", options)["faults"].items():
        typer.echo(f"{name}: {entry['profile']} (share {entry['share']})")


@app.command()
def state(home: Home = DEFAULT_HOME) -> None:
    """Print what the sandbox holds and what it was asked, as JSON."""
    import orjson

    typer.echo(orjson.dumps(_call(home, "/state", None), option=orjson.OPT_INDENT_2).decode())


@app.command()
def env(home: Home = DEFAULT_HOME) -> None:
    """Print the variables that point Accord at this sandbox, as lines of a .env file."""
    for name, value in _find(home).environment().items():
        typer.echo(f"{name}={value}")


def _find(home: Path) -> RunningSandbox:
    try:
        return find_sandbox(home)
    except SandboxNotRunningError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _call(home: Path, path: str, options: dict[str, Any] | None) -> dict[str, Any]:
    running = _find(home)
    try:
        return running.control(path, options)
    except httpx.HTTPError as error:
        typer.echo(f"The sandbox refused: {error}", err=True)
        raise typer.Exit(1) from error


def _show_counts(answer: dict[str, Any]) -> None:
    for kind, count in answer["counts"].items():
        typer.echo(f"{kind}: {count}")
    if not answer["counts"]:
        typer.echo("nothing to do")
