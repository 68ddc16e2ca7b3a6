"""One process with one HTTP server a system, and the control server, on the loopback interface."""

import asyncio
import contextlib
import importlib
import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp

from sandbox import control
from sandbox.context import SYSTEMS, RequestLog, SandboxContext
from sandbox.faults import Profile
from sandbox.limits import TIERS
from sandbox.servicenow.app import USER as SERVICENOW_USER
from sandbox.slack.app import webhook_path as slack_webhook
from sandbox.teams.app import webhook_path as teams_webhook
from sandbox.world.generate import generate, write_truth

HOST = "127.0.0.1"
DEFAULT_PORTS = {
    "control": 8910,
    **{system: 8911 + number for number, system in enumerate(SYSTEMS)},
}
STATE_FILE = "sandbox.json"
REQUESTS_FILE = "requests.jsonl"
PARENT_CHECK_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True)
class ServeOptions:
    """What to serve and where.

    Args:
        home: folder of the sandbox's files.
        ports: by system; 0 lets the operating system choose.
        systems: the systems to serve.
        parent: stop when this process is no longer the parent.
    """

    home: Path
    customers: int = 2_000
    seed: int = 1
    noise: float = 1.0
    tier: str = "standard"
    ports: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_PORTS))
    systems: tuple[str, ...] = SYSTEMS
    parent: int | None = None


class _Server(uvicorn.Server):
    """A server that leaves the signals to the sandbox."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handlers as they are."""
        yield


class VendorServer:
    """One application on one port; it can go down and come back on the same port."""

    def __init__(self, name: str, app: ASGIApp, port: int) -> None:
        self.name, self.app, self.port = name, app, port
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Listen, and return once calls are answered."""
        if self._server is not None:
            return
        # Without its protocol named, asyncio leaves Nagle's algorithm on: 40 ms an answer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self.app, lifespan="off", log_level="warning", access_log=False, timeout_keep_alive=75
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise RuntimeError(f"the {self.name} server did not start")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop listening and drop the open connections."""
        server, task = self._server, self._task
        self._server = self._task = None
        if server is None or task is None:
            return
        server.should_exit = server.force_exit = True
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await task


class Sandbox:
    """The servers of one sandbox.

    Args:
        options: what to serve.
        say: takes progress messages.
    """

    def __init__(self, options: ServeOptions, say: Say) -> None:
        self.options, self.say = options, say
        self.context = self._make_context()
        self.servers: dict[str, VendorServer] = {}
        self._pending: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; `sandbox.json` exists while calls are answered."""
        for name in self.options.systems:
            app = self._vendor_app(name)
            if app is not None:
                self.servers[name] = VendorServer(name, app, self.options.ports.get(name, 0))
        port = self.options.ports.get("control", 0)
        self.servers["control"] = VendorServer(
            "control", control.create_app(self.context, self._settle), port
        )
        state_path = self.options.home / STATE_FILE
        try:
            for server in self.servers.values():
                await server.start()
            self.context.faults.listeners.append(self._follow_fault)
            self._write_state(state_path)
            for name, server in self.servers.items():
                self.say(f"{name:8} {server.base_url}")
            self.say(f"ready; {state_path} says where everything is")
            await stop.wait()
        finally:
            state_path.unlink(missing_ok=True)
            await asyncio.gather(*(server.stop() for server in self.servers.values()))
            self.context.request_log.close()

    def _make_context(self) -> SandboxContext:
        options = self.options
        options.home.mkdir(parents=True, exist_ok=True)
        self.say(f"making a world of {options.customers} people, seed {options.seed}")
        world = generate(options.customers, options.seed, options.noise)
        counts = ", ".join(f"{table} {len(rows)}" for table, rows in world.tables.items())
        self.say(counts)
        write_truth(world, options.home / control.TRUTH_FILE)
        log = RequestLog(options.home / REQUESTS_FILE)
        return SandboxContext(world, log, tier=TIERS[options.tier], home=options.home)

    def _vendor_app(self, name: str) -> ASGIApp | None:
        """The vendor's application; None where its package is not installed."""
        module = f"sandbox.{name}.app"
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            self.say(f"{name:8} has no server here and is left out")
            return None
        return importlib.import_module(module).create_app(self.context)

    def _follow_fault(self, system: str, profile: Profile) -> None:
        """A system that is down refuses connections; any other profile brings it back."""
        server = self.servers.get(system)
        if server is not None:
            action = server.stop() if profile is Profile.DOWN else server.start()
            task = asyncio.get_running_loop().create_task(action)
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    async def _settle(self) -> None:
        """Wait until the servers are up or down as the faults want them."""
        await asyncio.gather(*self._pending)

    def _access(self, name: str, base_url: str) -> dict[str, str]:
        """What a caller of a system has to know, by the ends of its settings' names."""
        token = self.context.token(name)
        match name:
            case "slack":
                return {"base_url": base_url, "webhook_url": base_url + slack_webhook(self.context)}
            case "teams":
                return {"base_url": base_url, "webhook_url": base_url + teams_webhook(self.context)}
            case "pagerduty":
                return {"base_url": base_url, "routing_key": token}
            case "servicenow":
                return {"base_url": base_url, "user": SERVICENOW_USER, "password": token}
            case _:
                return {"base_url": base_url, "token": token}

    def _write_state(self, path: Path) -> None:
        systems = {
            name: self._access(name, self.servers[name].base_url)
            for name in self.options.systems
            if name in self.servers
        }
        state: dict[str, Any] = {
            "pid": os.getpid(),
            "control_url": self.servers["control"].base_url,
            "seed": self.options.seed,
            "customers": self.options.customers,
            "noise": self.options.noise,
            "tier": self.options.tier,
            "systems": systems,
        }
        partial = path.with_suffix(".partial")
        partial.write_bytes(orjson.dumps(state, option=orjson.OPT_INDENT_2))
        partial.replace(path)


def running_pid(home: Path) -> int | None:
    """Process of the sandbox that serves this folder, None where none does."""
    try:
        pid = int(orjson.loads((home / STATE_FILE).read_bytes())["pid"])
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return pid


def serve(options: ServeOptions, say: Say | None = None) -> None:
    """Serve until SIGTERM or SIGINT, or until the parent is gone.

    Raises:
        RuntimeError: a sandbox serves this folder already.
        OSError: a port is taken.
    """
    other = running_pid(options.home)
    if other is not None:
        raise RuntimeError(f"a sandbox (process {other}) serves {options.home} already")
    asyncio.run(_serve(Sandbox(options, say or _to_standard_error), options))


async def _serve(sandbox: Sandbox, options: ServeOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watch = asyncio.create_task(_watch_parent(options.parent, stop))
    try:
        await sandbox.run(stop)
    finally:
        watch.cancel()


async def _watch_parent(parent: int | None, stop: asyncio.Event) -> None:
    """Set `stop` once the process that started the sandbox is gone."""
    while parent is not None:
        if os.getppid() != parent:
            stop.set()
            return
        await asyncio.sleep(PARENT_CHECK_SECONDS)


def _to_standard_error(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201
