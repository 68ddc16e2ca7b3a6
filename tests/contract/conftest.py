"""Vendor servers of the sandbox behind real HTTP, their world within the test's reach."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest
import uvicorn

from orchestration_assets.connectors.catalog import open_source, open_writer
from orchestration_assets.model import Page, Source, Writer
from orchestration_assets.settings import load_settings
from sandbox.context import SandboxContext
from sandbox.limits import TIERS
from sandbox.world.generate import generate
from sandbox.world.model import World

CUSTOMERS = 150
# A server without limits is read without any, so that no test waits for its own limiter.
NO_LIMITS = {
    "hubspot": {"requests_per_10s": "1000000", "searches_per_s": "1000000"},
    "klaviyo": {"requests_per_second": "1000000", "requests_per_minute": "1000000"},
}


@dataclass
class Vendor:
    """One running vendor server and the connection to it."""

    system: str
    context: SandboxContext
    connection: dict[str, str]

    @property
    def world(self) -> World:
        """What the server serves; change it only while no call is under way."""
        return self.context.world

    def source(self, **overrides: object) -> Source:
        return open_source(self.system, self.connection, **overrides)

    def writer(self, object_name: str, **overrides: object) -> Writer:
        return open_writer(self.system, object_name, self.connection, **overrides)

    def living(self, stream: str) -> set[str]:
        """Identifiers of the records that a full read must yield."""
        return {record_id for record_id, _ in self.world.live(f"{self.system}.{stream}")}

    def read(self, stream: str, cursor: str | None = None) -> list[Page]:
        return list(self.source().read(stream, cursor))


@pytest.fixture
def vendor() -> Iterator[Callable[..., Vendor]]:
    """`vendor("hubspot")` starts that system's server with a small world of its own."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(system: str, tier: str = "unlimited", customers: int = CUSTOMERS) -> Vendor:
        context = SandboxContext(generate(customers, seed=7, noise=0.0), tier=TIERS[tier])
        app = import_module(f"sandbox.{system}.app").create_app(context)
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        deadline = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < deadline, f"{system} did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        connection = load_settings().connection(system) | {
            "base_url": f"http://127.0.0.1:{port}",
            "token": context.token(system),
        }
        if tier == "unlimited":
            connection |= NO_LIMITS.get(system, {})
        return Vendor(system, context, connection)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=10)
