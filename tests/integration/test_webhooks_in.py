"""What vendors say by webhook is in the inbox: the sandbox sends, the deployment's gateway takes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from orchestration_assets.deployment import Deployment
from orchestration_assets.events.inbox import Inbox
from orchestration_assets.stages.events import make_gateway, open_inbox
from sandbox.context import SandboxContext
from sandbox.control import create_app
from sandbox.world.generate import generate
from tests.unit.sandbox.serving import eventually, serving

SECRET = "the secret of both systems"


@dataclass
class Ways:
    """The sandbox's control server, the gateway it sends to, and the gateway's inbox."""

    control: str
    gateway: str
    inbox: Inbox

    def call(self, path: str, **options: object) -> dict:
        answer = httpx.post(self.control + path, json=options, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settled(self) -> dict[str, int]:
        """What became of the messages, once none waits."""
        return eventually(
            lambda: httpx.get(f"{self.control}/webhooks").json()["counts"],
            lambda counts: counts["made"] > 0 and counts["waiting"] == 0,
        )

    def forged(self) -> float:
        """Requests that the gateway refused for their signature."""
        lines = httpx.get(f"{self.gateway}/metrics").text.splitlines()
        counts = [line for line in lines if "not_authentic" in line and "_total{" in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in counts)

    def taken(self) -> list[dict]:
        return self.inbox.list(limit=10_000)


@pytest.fixture
def ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ways]:
    for system in ("SHOPIFY", "HUBSPOT"):
        monkeypatch.setenv(f"ACCORD_{system}_WEBHOOK_SECRET", f"the next one, {SECRET}")
    monkeypatch.setenv("ACCORD_HOME", str(tmp_path))
    deployment = Deployment()
    inbox = open_inbox(deployment)
    context = SandboxContext(generate(200, 3))
    with (
        serving(create_app(context)) as control,
        serving(make_gateway(deployment, inbox)) as gateway,
    ):
        yield Ways(control, gateway, inbox)
    inbox.close()
    deployment.close()


def test_each_event_of_both_systems_is_kept_once_whatever_is_sent(ways: Ways) -> None:
    ways.call("/webhooks", url=ways.gateway, secret=SECRET, duplicates=0.5, forged=0.3)
    ways.call("/mutate", fraction=0.2)
    counts = ways.settled()
    taken = ways.taken()
    assert counts["delivered"] == counts["made"]
    assert {one["system"] for one in taken} == {"hubspot", "shopify"}
    assert max(Counter((one["system"], one["event_id"]) for one in taken).values()) == 1
    assert ways.forged() > 0


def test_a_checkout_and_its_order_are_handed_out_in_order(ways: Ways) -> None:
    [customer] = ways.call("/order")["ids"]["shopify.customers"]
    ways.call("/webhooks", url=ways.gateway, secret=SECRET)
    ways.call("/checkout", customer_id=customer)
    ways.settled()
    ways.call("/order", customer_id=customer)
    ways.settled()
    own = [one.topic for one in ways.inbox.lease("a", 100, 60.0) if one.subject == customer]
    assert own[:1] == ["checkouts/create"]
    assert own.index("checkouts/create") < own.index("orders/create")


def test_another_secret_than_ours_leaves_nothing(ways: Ways) -> None:
    ways.call("/webhooks", url=ways.gateway, secret="somebody else's")
    ways.call("/order")
    assert eventually(ways.forged, lambda refused: refused > 0)
    assert ways.taken() == []
