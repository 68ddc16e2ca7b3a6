"""The sandbox's webhooks over real HTTP, verified and read by the connectors that meet the vendors."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestration_assets.connectors.catalog import open_webhook
from orchestration_assets.connectors.kit.webhooks import (
    SignatureRefused,
    WebhookEvent,
    WebhookRequest,
)
from sandbox.context import SandboxContext
from sandbox.control import create_app
from sandbox.world.generate import generate
from tests.unit.sandbox.serving import eventually, serving

SECRET = "sandbox secret"
PUBLIC = "https://events.example.com"


class Receiver:
    """Takes what is signed, keeps what it was sent, and fails as often as it is told."""

    def __init__(self) -> None:
        self.taken: list[WebhookEvent] = []
        self.requests: list[WebhookRequest] = []
        self.refused = 0
        self.failures = 0
        self.public = ""
        self._lock = threading.Lock()
        self.app = Starlette(routes=[Route("/v1/webhooks/{system}", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        with self._lock:
            if self.failures:
                self.failures -= 1
                return Response(status_code=503)
        url = str(request.url)
        if self.public:
            url = self.public + request.url.path
        asked = WebhookRequest(
            request.method, url, dict(request.headers), await request.body(), datetime.now(UTC)
        )
        webhook = open_webhook(request.path_params["system"])
        try:
            webhook.verify(asked, [SECRET])
        except SignatureRefused:
            self.refused += 1
            return Response(status_code=401)
        self.requests.append(asked)
        self.taken += webhook.events(asked)
        return Response(status_code=200)

    def topics(self) -> list[str]:
        return [one.topic for one in self.taken]


class World:
    """A sandbox's control server and a receiver of its webhooks."""

    def __init__(self, control: str, receiver: Receiver, receiver_url: str) -> None:
        self.control, self.receiver, self.url = control, receiver, receiver_url

    def call(self, path: str, **options: object) -> dict:
        response = httpx.post(self.control + path, json=options, trust_env=False, timeout=60)
        assert response.status_code == 200, response.text
        return response.json()

    def aim(self, **options: object) -> None:
        self.call("/webhooks", **{"url": self.url, "secret": SECRET, **options})

    def settled(self) -> dict:
        """What became of everything, once nothing waits."""

        def ask() -> dict:
            return httpx.get(self.control + "/webhooks", trust_env=False).json()

        time.sleep(0.05)
        return eventually(ask, lambda state: state["counts"]["waiting"] == 0)


@pytest.fixture
def world() -> Iterator[World]:
    receiver = Receiver()
    context = SandboxContext(generate(300, 3))
    with serving(create_app(context)) as control, serving(receiver.app) as url:
        yield World(control, receiver, url)


def test_nothing_is_sent_until_a_target_is_named_and_nothing_after_it_is_taken_away(world):
    world.call("/order")
    assert world.receiver.requests == []
    world.aim()
    world.call("/order")
    assert world.settled()["counts"]["delivered"] > 0
    known = len(world.receiver.requests)
    world.call("/webhooks", url="")
    world.call("/order")
    time.sleep(0.2)
    assert len(world.receiver.requests) == known


def test_what_a_mutation_changes_is_told_once_and_in_the_vendors_own_form(world):
    world.aim()
    made = world.call("/mutate", fraction=0.3)
    state = world.settled()
    assert state["counts"]["delivered"] == state["counts"]["made"] == len(world.receiver.requests)
    told = world.receiver.taken
    # Two changes of one second may leave the same bytes: they say nothing that is not known.
    assert len({one.event_id for one in told}) == len({(one.topic, one.body) for one in told})
    contacts = {one.subject for one in told if one.topic.startswith("contact.")}
    assert contacts == {*made["ids"]["hubspot.contacts"]}
    # An order names its customer, so every customer that changed is somebody's subject.
    assert {*made["ids"]["shopify.customers"]} <= {one.subject for one in told}
    assert {"customers/update", "orders/create", "contact.propertyChange"} <= {
        *world.receiver.topics()
    }
    assert all(one.occurred_at for one in told if one.topic != "customers/delete")


def test_a_checkout_that_is_begun_changed_and_bought_is_told_step_by_step(world):
    [customer] = world.call("/order")["ids"]["shopify.customers"]
    world.aim()
    begun = world.call("/checkout", customer_id=customer)
    [cart_id] = begun["ids"]["shopify.abandoned_checkouts"]
    world.settled()
    topics = ["checkouts/create", "checkouts/update", "carts/update"]
    assert sorted(world.receiver.topics()) == sorted(topics)
    assert {one.subject for one in world.receiver.taken if "checkouts" in one.topic} == {customer}
    cart = next(one for one in world.receiver.taken if one.topic == "carts/update")

    changed = world.call("/checkout", customer_id=customer)
    assert changed["counts"] == {"checkout_changed": 1}
    assert changed["ids"]["shopify.abandoned_checkouts"] == [cart_id]
    world.settled()
    assert sorted(world.receiver.topics()[3:]) == ["carts/update", "checkouts/update"]
    again = next(one for one in world.receiver.taken[3:] if one.topic == "carts/update")
    assert again.subject == cart.subject
    assert again.event_id != cart.event_id

    world.call("/order", customer_id=customer)
    world.settled()
    order = next(one for one in world.receiver.taken if one.topic == "orders/create")
    assert order.subject == customer
    assert orjson.loads(order.body)["cart_token"] == cart.subject
    checkouts = [one for one in world.receiver.taken if one.topic == "checkouts/update"]
    checkout = orjson.loads(checkouts[-1].body)
    assert checkout["name"] == f"#{cart_id}"
    assert checkout["completed_at"] is not None


def test_an_unknown_customer_is_refused(world):
    response = httpx.post(world.control + "/order", json={"customer_id": "1"}, trust_env=False)
    assert response.status_code == 400


def test_duplicates_are_the_same_event(world):
    world.aim(duplicates=1)
    world.call("/order")
    state = world.settled()
    eventually(
        lambda: len(world.receiver.requests), lambda sent: sent == 2 * state["counts"]["made"]
    )
    ids = [one.event_id for one in world.receiver.taken]
    assert len(ids) == 2 * len(set(ids))


def test_a_forged_copy_is_refused_and_the_right_one_taken(world):
    world.aim(forged=1)
    world.call("/mutate", fraction=0.05)
    state = world.settled()
    assert world.receiver.refused == state["extra"]["forged"] == state["counts"]["made"]
    assert state["counts"]["delivered"] == state["counts"]["made"]


def test_what_is_not_taken_is_sent_again_until_it_is(world):
    world.receiver.failures = 5
    world.aim()
    world.call("/mutate", fraction=0.05)
    state = world.settled()
    assert state["counts"]["delivered"] == state["counts"]["made"]
    assert state["extra"]["retries"] == state["statuses"]["503"] == 5


def test_a_receiver_that_is_away_gets_everything_once_it_is_there(world):
    with serving(Receiver().app) as gone:
        pass
    world.aim(url=gone)
    world.call("/order")
    eventually(
        lambda: httpx.get(world.control + "/webhooks", trust_env=False).json(),
        lambda state: state["statuses"].get("none", 0) > 1 and state["counts"]["waiting"] > 0,
    )


def test_messages_wait_and_come_in_another_order_where_that_is_asked(world):
    world.aim(delay_s=0.4, reorder=True)
    customers = world.call("/mutate", fraction=0.2)
    assert customers["counts"]
    world.settled()
    times = [one.occurred_at for one in world.receiver.taken if one.occurred_at]
    assert times != sorted(times)


def test_hubspots_signature_is_over_the_public_address(world):
    world.receiver.public = PUBLIC
    world.aim(public_url=PUBLIC, secrets={"hubspot": SECRET})
    world.call("/mutate", fraction=0.1)
    state = world.settled()
    assert state["counts"]["delivered"] == state["counts"]["made"] > 0
    assert all(one.url.endswith("/hubspot") for one in world.receiver.requests)


def test_batches_hold_at_most_a_hundred_events(world):
    world.aim(secrets={"hubspot": SECRET})
    world.call("/mutate", fraction=1)
    world.settled()
    sizes = [len(orjson.loads(one.body)) for one in world.receiver.requests]
    assert max(sizes) == 100
    assert sum(sizes) == len(world.receiver.taken)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://127.0.0.1:1"},
        {"url": "127.0.0.1:1", "secret": SECRET},
        {"url": "http://127.0.0.1:1", "secret": SECRET, "duplicates": 2},
        {"url": "http://127.0.0.1:1", "secrets": {"sap": SECRET}},
        {"secret": SECRET},
    ],
)
def test_a_target_that_makes_no_sense_is_refused(world, options):
    response = httpx.post(world.control + "/webhooks", json=options, trust_env=False)
    assert response.status_code == 400
    assert SECRET not in response.text


def test_payloads_hold_nothing_that_the_published_examples_have_not(world, vendor_specs: Path):
    world.aim(secrets={"shopify": SECRET})
    world.call("/mutate", fraction=1)
    world.call("/checkout")
    world.settled()
    examples = vendor_specs / "shopify" / "webhook_examples"
    compared = set()
    for one in world.receiver.taken:
        example = examples / f"{one.topic}.json"
        if one.topic in compared or not example.is_file():
            continue
        published = orjson.loads(example.read_bytes())["response"]
        unknown = [*_unknown(orjson.loads(one.body), published)]
        assert not unknown, f"{one.topic}: {unknown}"
        compared.add(one.topic)
    assert {"orders/create", "checkouts/update", "carts/update", "refunds/create"} <= compared
    assert {"customers/update", "customers_email_marketing_consent/update"} <= compared


def _unknown(ours: object, published: object, where: str = "") -> Iterator[str]:
    """Members that stand in no published example; a null of either says nothing of the type."""
    if isinstance(ours, dict) and isinstance(published, dict):
        for name, value in ours.items():
            if name not in published:
                yield f"{where}.{name}"
            else:
                yield from _unknown(value, published[name], f"{where}.{name}")
    elif isinstance(ours, list) and isinstance(published, list):
        for value in ours if published else ():
            yield from _unknown(value, published[0], f"{where}[]")
    elif ours is not None and published is not None and type(ours) is not type(published):
        yield f"{where} is {type(ours).__name__}"
