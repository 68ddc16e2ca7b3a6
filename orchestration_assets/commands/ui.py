"""`accord ui`: Dagster with its daemon, the gateway and the live worker beside it.

Where no system is named the sandbox stands in for all of them, and sends its webhooks here.
"""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from orchestration_assets.commands.docs_server import serve_docs
from orchestration_assets.settings import load_settings, set_environment, work_on_sandbox

if TYPE_CHECKING:
    from sandbox.client import RunningSandbox

SANDBOX_HOME = Path(".accord/ui")
_ACCORD = "from orchestration_assets.cli import main; main()"
_ENDS_WITHIN_S = 30

_progress = Console(stderr=True, highlight=False)


def ui(
    port: Annotated[int, typer.Option(help="Port of the user interface on 127.0.0.1.")] = 3000,
    docs_port: Annotated[int, typer.Option(help="Port of the documentation on 127.0.0.1.")] = 3001,
    gateway_port: Annotated[int, typer.Option(help="Port of the gateway on 127.0.0.1.")] = 8300,
    home: Annotated[
        Path | None,
        typer.Option(
            help=f"Folder of the stores; when left out, {SANDBOX_HOME} with the sandbox"
            " and ACCORD_HOME without."
        ),
    ] = None,
    customers: Annotated[int, typer.Option(help="People in the sandbox's world.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the sandbox's world.")] = 7,
    with_sandbox: Annotated[
        bool, typer.Option("--sandbox/--no-sandbox", help="Start the local vendor servers.")
    ] = True,
) -> None:
    """Serve the UI with schedules and sensors on, until interrupted."""
    folder = home_of_ui(home, with_sandbox=with_sandbox)
    folder.mkdir(parents=True, exist_ok=True)
    set_environment({"ACCORD_HOME": str(folder), "ACCORD_DAGSTER_URL": f"http://127.0.0.1:{port}"})
    with serve_docs(load_settings().docs_folder, docs_port) as docs_url:
        set_environment({"ACCORD_DOCS_URL": docs_url})
        if with_sandbox:
            _serve_sandbox(folder, port, gateway_port, customers, seed)
        else:
            with events_taken(gateway_port):
                _serve(folder, port)


def _serve_sandbox(folder: Path, port: int, gateway_port: int, customers: int, seed: int) -> None:
    from sandbox.client import start_sandbox

    with start_sandbox(folder, customers=customers, seed=seed, noise=1.0) as sandbox:
        work_on_sandbox(folder, sandbox.environment())
        _progress.print(f"Sandbox ready: {', '.join(sandbox.info['systems'])}")
        with _webhooks_of(sandbox, gateway_port):
            _serve(folder, port)


@contextmanager
def _webhooks_of(sandbox: "RunningSandbox", gateway_port: int) -> Iterator[None]:
    """Have the sandbox send its webhooks here, signed with secrets of this run alone."""
    agreed = {system: secrets.token_hex(16) for system in ("shopify", "hubspot")}
    set_environment(
        {f"ACCORD_{name.upper()}_WEBHOOK_SECRET": secret for name, secret in agreed.items()}
    )
    with events_taken(gateway_port) as url:
        sandbox.control("/webhooks", {"url": url, "secrets": agreed})
        yield


@contextmanager
def events_taken(port: int) -> Iterator[str]:
    """Gateway and live worker in processes of their own; yields the gateway's address."""
    gateway = [sys.executable, "-c", _ACCORD, "gateway", "--port", str(port)]
    live = [sys.executable, "-c", _ACCORD, "live"]
    started = [subprocess.Popen(command) for command in (gateway, live)]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=_ENDS_WITHIN_S)


def home_of_ui(home: Path | None, *, with_sandbox: bool) -> Path:
    """The folder that was named, else the sandbox's own or, without one, the deployment's."""
    if home is not None:
        return home.expanduser().resolve()
    return SANDBOX_HOME.resolve() if with_sandbox else load_settings().root


def _serve(folder: Path, port: int) -> None:
    from orchestration_assets.commands.dagster_runs import PROJECT, prepare_dagster_home
    from orchestration_assets.stages.gate_docs import gate_link
    from orchestration_assets.transform.project import ensure_manifest

    prepare_dagster_home(folder)
    ensure_manifest()
    settings = load_settings()
    _progress.print(f"Dagster UI: {settings.dagster_url} (stop with Ctrl-C)")
    _progress.print(f"Pages on the gates: {gate_link(settings)}, once there are any")
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(PROJECT / "workspace.yaml")]
    process = subprocess.Popen([*command, "-h", "127.0.0.1", "-p", str(port)], cwd=PROJECT)
    try:
        process.wait()
    except KeyboardInterrupt:
        process.wait(timeout=30)
