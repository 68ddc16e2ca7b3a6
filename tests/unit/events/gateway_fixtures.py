"""A gateway that really listens, with a vendor of the tests' own."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from orchestration_assets.connectors.kit.webhooks import (
    PayloadRefused,
    SignatureRefused,
    WebhookEvent,
    WebhookRequest,
)
from orchestration_assets.events.gateway.application import gateway
from orchestration_assets.events.gateway.endpoint import Limits
from orchestration_assets.events.gateway.senders import Senders
from orchestration_assets.events.gateway.server import listen, make_server
from orchestration_assets.events.gateway.vendor_webhooks import VendorWebhook
from orchestration_assets.events.inbox import Inbox

KEY = "a key of the shop that is long"
SECRETS = ("new secret", "old secret")


class Vendor:
    """Signs address and body with HMAC; its payload is a list of events."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str]) -> None:
        given = request.headers.get("x-signature", "")
        if not any(hmac.compare_digest(given, sign(request.url, request.body, s)) for s in secrets):
            raise SignatureRefused("The signature is not Vendor's.", "look at the secret")

    def events(self, request: WebhookRequest) -> list[WebhookEvent]:
        payload = json.loads(request.body)
        if not isinstance(payload, list):
            raise PayloadRefused("The payload of ann@example.com is no list.", "tell the vendor")
        return [
            WebhookEvent(
                event_id=one["id"],
                topic="carts/update",
                subject=one.get("subject", one["id"]),
                occurred_at=None,
                body=json.dumps(one).encode(),
            )
            for one in payload
        ]


def sign(url: str, body: bytes, secret: str = SECRETS[0]) -> str:
    return hmac.new(secret.encode(), url.encode() + body, hashlib.sha256).hexdigest()


class Served:
    """A gateway that is up."""

    def __init__(self, url: str, inbox: Inbox, held: list[tuple]) -> None:
        self.url = url
        self.inbox = inbox
        self.held = held
        self.client = httpx.Client(base_url=url, timeout=30)

    def webhook(self, body: bytes, *, secret: str = SECRETS[0], query: str = "") -> httpx.Response:
        path = f"/v1/webhooks/vendor{query}"
        signature = sign("https://in.example.com" + path, body, secret)
        return self.client.post(path, content=body, headers={"x-signature": signature})

    def events(self, content: object, key: str = KEY, **headers: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.client.post(
            "/v1/events", content=body, headers={"authorization": f"Bearer {key}", **headers}
        )

    def metric(self, line: str) -> float:
        for one in self.client.get("/metrics").text.splitlines():
            if one.startswith(line + " "):
                return float(one.rsplit(" ", 1)[1])
        return 0.0


@contextmanager
def served(
    inbox: Inbox,
    *,
    limits: Limits | None = None,
    connections: int = 1_000,
    header_patience_s: float = 10.0,
    signing_secrets: Sequence[str] = (),
    hold=None,
) -> Iterator[Served]:
    """Serve a gateway over the inbox on a free port."""
    held: list[tuple] = []
    app = gateway(
        inbox,
        hold or (lambda system, stream, records: held.extend((system, stream, r) for r in records)),
        systems={"vendor": VendorWebhook(Vendor(), SECRETS)},
        senders=Senders(
            {"shop": KEY, "app": "sha256:" + hashlib.sha256(b"the app's own key").hexdigest()},
            signing_secrets,
        ),
        limits=limits,
        public_url="https://in.example.com/",
    )
    server = make_server(app, connections=connections, header_patience_s=header_patience_s)
    listening = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    up = Served(f"http://127.0.0.1:{listening.getsockname()[1]}", inbox, held)
    try:
        yield up
    finally:
        up.client.close()
        server.should_exit = True
        thread.join(30)
        listening.close()


def cart_updated(event_id: str = "e1", **changes) -> dict:
    """A first-party event that keeps its contract."""
    return {
        "event_id": event_id,
        "type": "cart_updated",
        "occurred_at": datetime.now(UTC).isoformat(),
        "customer": {"email": "Ann@example.com"},
        "data": {
            "cart_id": "c1",
            "currency": "EUR",
            "total": "12.50",
            "items": [{"product_id": "p1", "quantity": 2, "price": "6.25"}],
        },
    } | changes
