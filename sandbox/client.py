"""Starts a sandbox in a process of its own, or finds one that runs, and talks to it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from sandbox.context import SYSTEMS
from sandbox.server import STATE_FILE, running_pid

LOG_FILE = "sandbox.log"
START_SECONDS = 120.0
STOP_SECONDS = 10.0


class SandboxNotRunningError(RuntimeError):
    """No sandbox serves the folder, or the one that was started ended."""


@dataclass
class RunningSandbox:
    """A sandbox that answers.

    Args:
        home: its folder.
        info: what `sandbox.json` says.
        process: the process where this program started it.
    """

    home: Path
    info: dict[str, Any]
    process: "subprocess.Popen[bytes] | None" = None

    def environment(self) -> dict[str, str]:
        """The `ACCORD_*` variables that point the settings at this sandbox."""
        made: dict[str, str] = {}
        for system, entry in self.info["systems"].items():
            # A webhook's address holds all that there is to know.
            wanted = ["webhook_url"] if "webhook_url" in entry else list(entry)
            made |= {f"ACCORD_{system}_{name}".upper(): entry[name] for name in wanted}
        return made

    def control(self, path: str, json: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the control server: GET without a body, POST with one.

        Args:
            path: `/mutate`, `/faults`, `/state`, ...
            json: the options; `{}` for a call without any.

        Raises:
            httpx.HTTPStatusError: the call was refused; the message holds the reason.
        """
        url = self.info["control_url"] + "/" + path.lstrip("/")
        with httpx.Client(trust_env=False, timeout=120) as client:
            response = client.get(url) if json is None else client.post(url, json=json)
        if response.is_error:
            message = f"{path}: {response.text}"
            raise httpx.HTTPStatusError(message, request=response.request, response=response)
        return orjson.loads(response.content)

    def stop(self) -> None:
        """End the process that this program started, by force after some seconds."""
        process = self.process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def find_sandbox(home: Path) -> RunningSandbox:
    """The sandbox that serves the folder.

    Raises:
        SandboxNotRunningError: there is none.
    """
    if running_pid(home) is None:
        raise SandboxNotRunningError(f"no sandbox serves {home}; start one with `sandbox serve`")
    return RunningSandbox(home, orjson.loads((home / STATE_FILE).read_bytes()))


def start_sandbox(
    home: Path,
    customers: int = 2_000,
    seed: int = 1,
    noise: float = 1.0,
    *,
    ephemeral_ports: bool = True,
    tier: str = "standard",
    systems: Sequence[str] = SYSTEMS,
    timeout: float = START_SECONDS,
) -> RunningSandbox:
    """Start a sandbox and wait until it answers; it ends when this process does.

    Args:
        home: folder of its files.
        customers: number of people.
        seed: seed of the world.
        noise: factor on the error rates.
        ephemeral_ports: take free ports; False takes the default ones.
        tier: the vendors' rate limits, see `sandbox.limits`.
        systems: the systems to serve.
        timeout: seconds until it must answer.

    Raises:
        SandboxNotRunningError: it ended or did not answer in time; the message holds
            its last words.
    """
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "sandbox", "serve", "--home", str(home.resolve())]
    command += ["--customers", str(customers), "--seed", str(seed), "--noise", str(noise)]
    command += ["--tier", tier, "--parent", str(os.getpid())]
    if ephemeral_ports:
        command.append("--ephemeral-ports")
    for system in systems:
        command += ["--system", system]
    log_path = home / LOG_FILE
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[1],
        )
    running = RunningSandbox(home, {}, process)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        if running_pid(home) == process.pid:
            running.info = orjson.loads((home / STATE_FILE).read_bytes())
            return running
        time.sleep(0.05)
    code = process.poll()
    running.stop()
    what = f"did not answer within {timeout:.0f} s" if code is None else f"ended with code {code}"
    last_words = log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise SandboxNotRunningError(f"the sandbox {what}: {last_words}")
