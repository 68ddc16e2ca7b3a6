"""Floods, slow senders, huge and forged requests: refused, and honest senders are still served."""

import base64
import hashlib
import hmac
import json
import resource
import socket
import time

import pytest

from orchestration_assets.errors import FatalError
from orchestration_assets.events.gateway.endpoint import Limits
from orchestration_assets.events.gateway.senders import Senders
from orchestration_assets.events.inbox import Inbox
from tests.unit.events.gateway_fixtures import KEY, cart_updated, served

SECRET = "whsec_" + base64.b64encode(b"a secret of some length").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the secret of last month").decode()
AUTHORIZED = f"authorization: Bearer {KEY}\r\n"


@pytest.fixture
def inbox(tmp_path):
    opened = Inbox(f"sqlite:///{tmp_path / 'inbox.db'}")
    yield opened
    opened.close()


def connect(up) -> socket.socket:
    port = int(up.url.rsplit(":", 1)[1])
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def until_closed(connection: socket.socket) -> bytes:
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionError:
        pass
    return received


def test_a_body_over_the_limit_is_refused_before_it_is_read(inbox: Inbox):
    with served(inbox, limits=Limits(body_bytes=1_000)) as up, connect(up) as line:
        line.sendall(
            f"POST /v1/events HTTP/1.1\r\nhost: x\r\n{AUTHORIZED}content-length: 1001\r\n\r\n".encode()
        )
        assert until_closed(line).startswith(b"HTTP/1.1 413 ")
        exact = json.dumps(cart_updated("e1")).ljust(1_000).encode()
        assert up.events(exact).status_code == 202


def test_a_streamed_body_over_the_limit_takes_no_memory(inbox: Inbox):
    with served(inbox, limits=Limits(body_bytes=100_000)) as up:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(3):
            with connect(up) as line:
                line.sendall(
                    f"POST /v1/events HTTP/1.1\r\nhost: x\r\n{AUTHORIZED}"
                    "transfer-encoding: chunked\r\n\r\n".encode()
                )
                chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
                try:
                    for _ in range(320):
                        line.sendall(chunk)
                except OSError:
                    pass
                assert until_closed(line)[:13] in (b"HTTP/1.1 413 ", b"")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 10_000
        assert (
            up.metric('accord_gateway_refused_total{reason="body_too_large",source="events"}') == 3
        )
        assert up.events(cart_updated("e1")).status_code == 202


def test_a_slow_body_is_given_up_and_others_are_served_meanwhile(inbox: Inbox):
    with served(inbox, limits=Limits(body_patience_s=0.6)) as up, connect(up) as line:
        line.sendall(
            f"POST /v1/events HTTP/1.1\r\nhost: x\r\n{AUTHORIZED}content-length: 500\r\n\r\n{{".encode()
        )
        began = time.monotonic()
        assert up.events(cart_updated("e1")).status_code == 202
        assert time.monotonic() - began < 0.5
        assert until_closed(line).startswith(b"HTTP/1.1 408 ")
        assert 0.3 < time.monotonic() - began < 5


@pytest.mark.parametrize("begun", ["", "POST /v1/events HTTP/1.1\r\nhost: x\r\nx-slow: "])
def test_a_connection_that_sends_no_request_is_closed(inbox: Inbox, begun: str):
    with served(inbox, header_patience_s=0.5) as up, connect(up) as line:
        line.sendall(begun.encode())
        began = time.monotonic()
        assert until_closed(line) == b""
        assert time.monotonic() - began < 5


def test_a_second_request_on_a_connection_must_arrive_in_time_too(inbox: Inbox):
    with served(inbox, header_patience_s=0.5) as up, connect(up) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert line.recv(65_536).startswith(b"HTTP/1.1 200 ")
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost")
        began = time.monotonic()
        assert until_closed(line) == b""
        assert 0.3 < time.monotonic() - began < 5


def test_more_connections_than_allowed_are_told_to_come_back(inbox: Inbox):
    with served(inbox, connections=5) as up:
        idle = [connect(up) for _ in range(8)]
        assert up.client.get("/healthz").status_code == 503
        for line in idle:
            line.close()
        time.sleep(0.3)
        assert up.client.get("/healthz").status_code == 200


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None, name: str = "m1") -> dict:
    stamp = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def test_a_signature_counts_instead_of_a_key(inbox: Inbox):
    with served(inbox, signing_secrets=[SECRET, OLD_SECRET]) as up:

        def send(body: bytes, headers: dict) -> int:
            return up.client.post("/v1/events", content=body, headers=headers).status_code

        body = json.dumps(cart_updated("e1")).encode()
        good = signed(body)
        assert send(body, good) == 202
        assert send(body, signed(body, secret=OLD_SECRET)) == 202
        several = good["webhook-signature"]
        assert send(body, good | {"webhook-signature": f"v1a,xyz v1,AAAA {several}"}) == 202
        forged = "whsec_" + base64.b64encode(b"some other secret of it").decode()
        refused = [
            (body, signed(body, secret=forged)),
            (body, signed(body, at=time.time() - 301)),
            (body, signed(body, at=time.time() + 302)),
            (body + b" ", good),
            (json.dumps(json.loads(body), separators=(",", ":")).encode(), good),
            (body, good | {"webhook-id": "m2"}),
            (body, good | {"webhook-timestamp": "now"}),
            (body, good | {"webhook-timestamp": "9" * 400}),
            (body, good | {"webhook-signature": several.replace("v1,", "v2,")}),
            (body, good | {"webhook-signature": ""}),
            # The same bytes written with other spare bits at the end of the base64.
            (body, good | {"webhook-signature": several[:-2] + _next(several[-2]) + "="}),
            # A good key beside a bad signature does not help.
            (body, good | {"webhook-id": "m2", "authorization": f"Bearer {KEY}"}),
        ]
        assert [send(*one) for one in refused] == [401] * len(refused)
        assert len(inbox.list()) == 1


def _next(character: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return alphabet[alphabet.index(character) + 1]


def test_a_replayed_signature_changes_nothing(inbox: Inbox):
    with served(inbox, signing_secrets=[SECRET]) as up:
        body = json.dumps(cart_updated("e1")).encode()
        headers = signed(body)
        answers = [up.client.post("/v1/events", content=body, headers=headers) for _ in range(3)]
        assert [one.json()["status"] for one in answers] == ["accepted", "duplicate", "duplicate"]


@pytest.mark.parametrize(
    ("keys", "secrets"),
    [({"shop": "short"}, []), ({"shop": "sha256:abc"}, []), ({}, ["whsec_c2hvcnQ="]), ({}, ["%"])],
)
def test_weak_keys_and_secrets_are_refused_at_the_start(keys, secrets):
    with pytest.raises(FatalError) as refused:
        Senders(keys, secrets)
    assert "short" not in refused.value.message or "shorter" in refused.value.message
