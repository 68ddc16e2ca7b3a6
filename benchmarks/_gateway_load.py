"""A sender of signed events in a process of its own: raw HTTP over connections that stay open.

Everything is signed and written out before the clock starts, so that the sender is no part of what
is measured; how fast it is alone shows against `_gateway_peers null`. Closed loop: every connection
sends its next event when the last was answered. Open loop: events are due at times drawn beforehand
whatever the server does, and an event's time counts from when it was due.
"""

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import random
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"signs the events of a benchmark").decode()


@dataclass(frozen=True)
class Load:
    """What to send.

    Attributes:
        port: of the server, on this machine.
        events: how many.
        prefix: of the events' ids.
        rate: events a second in an open loop; 0: a closed loop.
        connections: that stay open.
        copies: how often each event is sent, copies at a random distance.
        body_bytes: size of an event.
    """

    port: int
    events: int
    prefix: str
    rate: float = 0.0
    connections: int = 64
    copies: int = 1
    body_bytes: int = 1_024


def send(load: Load) -> dict[str, float]:
    """Send in a process of its own; return how many were answered how, and milliseconds."""
    arguments = [sys.executable, "-m", "benchmarks._gateway_load", json.dumps(asdict(load))]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def name_of(prefix: str, number: int) -> str:
    """An event's id as senders make them: without order, so that an index grows everywhere."""
    return f"{prefix}-{hashlib.sha256(f'{prefix} {number}'.encode()).hexdigest()[:32]}"


def body_of(name: str, size: int) -> bytes:
    """One first-party event that keeps its contract, of an exact size."""
    event = {
        "event_id": name,
        "type": "page_viewed",
        "occurred_at": datetime.now(UTC).isoformat(),
        "customer": {"visitor_id": name},
        "data": {"url": ""},
    }
    text = json.dumps(event)
    return text.replace('"url": ""', f'"url": "{"x" * (size - len(text))}"').encode()


def request_of(name: str, size: int) -> bytes:
    """The whole request of one event, signed as Standard Webhooks says."""
    body, at = body_of(name, size), str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    head = (
        "POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"webhook-id: {name}\r\nwebhook-timestamp: {at}\r\n"
        f"webhook-signature: v1,{base64.b64encode(digest).decode()}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Line(asyncio.Protocol):
    """One connection; it has one request under way at most."""

    def __init__(self, sender: "_Sender") -> None:
        self.sender = sender
        self.due = 0.0
        self.received = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        """Send one request."""
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.received[:end].lower()
        length = int(head[head.index(b"content-length:") + 15 :].split(b"\r", 1)[0])
        if len(self.received) < end + 4 + length:
            return
        status, body = self.received[9:12].decode(), self.received[end + 4 :]
        self.received = b""
        self.sender.answered(self, f"{status} duplicate" if b"duplicate" in body else status)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.sender.is_over.done():
            self.sender.is_over.set_exception(exc or ConnectionError("the server hung up"))


class _Sender:
    def __init__(self, load: Load, requests: list[bytes]) -> None:
        self.load = load
        self.requests = requests
        self.asked = 0
        self.answers: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.idle: list[_Line] = []
        self.overdue: deque[float] = deque()
        self.is_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> float:
        """Send all; return the seconds from the first to the last answer."""
        loop = asyncio.get_running_loop()
        for _ in range(self.load.connections):
            _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self.load.port)
            self.idle.append(line)
        gc.collect()
        gc.disable()
        began = time.perf_counter()
        if self.load.rate:
            await self._when_due(began)
        else:
            while self.idle and self.asked < len(self.requests):
                self._ask(self.idle.pop(), time.perf_counter())
        await self.is_over
        return time.perf_counter() - began

    async def _when_due(self, began: float) -> None:
        chance = random.Random(self.load.events)
        due = began
        for _ in self.requests:
            due += chance.expovariate(self.load.rate)
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if self.idle:
                self._ask(self.idle.pop(), due)
            else:
                self.overdue.append(due)

    def _ask(self, line: _Line, due: float) -> None:
        request = self.requests[self.asked]
        self.asked += 1
        line.ask(request, due)

    def answered(self, line: _Line, answer: str) -> None:
        """Count an answer and give the line its next event."""
        now = time.perf_counter()
        self.answers[answer] += 1
        self.seconds.append(now - line.due)
        if len(self.seconds) == len(self.requests):
            self.is_over.set_result(None)
        elif self.overdue:
            self._ask(line, self.overdue.popleft())
        elif not self.load.rate and self.asked < len(self.requests):
            self._ask(line, now)
        else:
            self.idle.append(line)


async def _send(load: Load) -> dict[str, float]:
    names = [name_of(load.prefix, number) for number in range(load.events)] * load.copies
    if load.copies > 1:
        random.Random(load.events).shuffle(names)
    requests = [request_of(name, load.body_bytes) for name in names]
    sender = _Sender(load, requests)
    seconds = await sender.run()
    ordered = sorted(sender.seconds)
    return {
        **sender.answers,
        "per_s": len(ordered) / seconds,
        "p50_ms": ordered[len(ordered) // 2] * 1_000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1_000,
        "max_ms": ordered[-1] * 1_000,
    }


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(_send(Load(**json.loads(sys.argv[1]))))))
