"""`accord gateway` as a process of its own: settings say who may send, a signal stops it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from orchestration_assets.cli import app
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.events.gateway.server import listen
from orchestration_assets.stages.events import make_gateway, open_inbox
from orchestration_assets.state.quarantine import held
from tests.unit.events.gateway_fixtures import Vendor, cart_updated, sign

KEY = "a key of the shop that is long"
_MAIN = "from orchestration_assets.cli import main; main()"


class Process:
    """A gateway in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, "gateway", "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1].removesuffix("/docs")

    def send(self, *names: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}/v1/events",
            json=[cart_updated(name) for name in names],
            headers={"authorization": f"Bearer {KEY}"},
        )


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.setenv("ACCORD_EVENTS_KEYS", json.dumps({"shop": KEY}))
    started = Process()
    yield started
    started.process.kill()
    started.process.wait()


def names_in_inbox() -> list[str]:
    inbox = open_inbox(Deployment())
    try:
        return [one["event_id"] for one in inbox.list(limit=100_000)]
    finally:
        inbox.close()


def test_what_it_acknowledged_is_in_the_deployments_inbox(process: Process):
    assert process.send("a", "b").status_code == 202
    assert names_in_inbox() == ["a", "b"]
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(30) in (0, -signal.SIGTERM)


def test_what_it_refused_is_in_the_deployments_quarantine_without_the_key(process: Process):
    answer = httpx.post(
        f"{process.url}/v1/events",
        json=cart_updated("a", type="cart_burnt"),
        headers={"authorization": f"Bearer {KEY}", "x-private": "hush"},
    )
    assert answer.status_code == 422
    state = Deployment().state
    (one,) = held(state, "events", "events")
    assert one["rule"] == "contract"
    with state.engine.connect() as connection:
        kept = connection.exec_driver_sql("select * from quarantine").all()
    assert "cart_burnt" in str(kept)
    assert KEY not in str(kept)
    assert "hush" not in str(kept)


@pytest.mark.parametrize("seed", range(3))
def test_what_was_acknowledged_before_a_kill_is_there_once(process: Process, seed: int):
    acknowledged: list[str] = []
    # In the midst of whatever it does then; the sender does not wait for it.
    kill = threading.Timer(0.05 + 0.11 * seed, os.kill, (process.process.pid, signal.SIGKILL))
    with httpx.Client(base_url=process.url, headers={"authorization": f"Bearer {KEY}"}) as client:
        for number in range(100_000):
            try:
                answer = client.post("/v1/events", json=cart_updated(f"{number}"))
            except httpx.TransportError:
                break
            assert answer.status_code == 202
            acknowledged.append(f"{number}")
            if number == 0:
                kill.start()
    found = names_in_inbox()
    assert acknowledged
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) == len(set(found)) <= len(acknowledged) + 1


def test_a_port_that_is_taken_is_said():
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["gateway", "--port", port])
    assert isinstance(result.exception, FatalError)
    assert "--port" in result.exception.next_step


def test_a_system_without_a_secret_takes_no_webhooks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ACCORD_SHOPIFY_WEBHOOK_SECRET", "new, old")
    monkeypatch.setenv("ACCORD_PUBLIC_URL", "https://in.example.com")
    deployment = Deployment()
    assert "webhook_secret" not in deployment.settings.connection("shopify")
    inbox = open_inbox(deployment)
    schemes = {"shopify": Vendor(), "hubspot": Vendor()}
    client = TestClient(make_gateway(deployment, inbox, schemes))
    body = b'[{"id": "a"}]'
    for system, secret, status in (
        ("shopify", "new", 200),
        ("shopify", "old", 200),
        ("shopify", "new, old", 401),
        ("shopify", "", 401),
        ("hubspot", "", 404),
    ):
        path = f"/v1/webhooks/{system}"
        signature = sign("https://in.example.com" + path, body, secret)
        answer = client.post(path, content=body, headers={"x-signature": signature})
        assert answer.status_code == status, (system, secret)
    inbox.close()
