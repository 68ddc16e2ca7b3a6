"""A shop that tells of checkouts: signed webhooks at times drawn beforehand, in its own process.

The loop is open: an event is due whenever it is due, whatever the gateway does, and its time counts
from then.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

SECRET = "signs the checkouts of a benchmark"  # noqa: S105 no secret
CONNECTIONS = 32


@dataclass(frozen=True)
class Shopper:
    """A customer of the shop."""

    shopify_id: str
    email: str


@dataclass(frozen=True)
class Checkouts:
    """What to send: one checkout of each shopper.

    Attributes:
        url: of the gateway.
        rate: events a second, on average.
        shoppers: in the order in which they come.
        first: number of the first checkout.
        seed: of the times.
    """

    url: str
    rate: float
    shoppers: Sequence[Shopper]
    first: int
    seed: int = 1


def send(checkouts: Checkouts) -> dict[str, float]:
    """Send all in a process of its own; when each was due, seconds since 1970, by address.

    Raises:
        CalledProcessError: one was not acknowledged.
    """
    with begin(checkouts) as sender:
        return sent(sender)


def begin(checkouts: Checkouts) -> "subprocess.Popen[str]":
    """Begin to send in a process of its own."""
    sender = subprocess.Popen(
        [sys.executable, "-m", "benchmarks._event_load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sender.stdin is not None
    sender.stdin.write(json.dumps(asdict(checkouts)))
    sender.stdin.close()
    return sender


def sent(sender: "subprocess.Popen[str]") -> dict[str, float]:
    """Wait for the end; when each was due, by address."""
    assert sender.stdout is not None
    told = sender.stdout.read()
    if sender.wait():
        raise subprocess.CalledProcessError(sender.returncode, sender.args)
    return json.loads(told)


def body_of(number: int, shopper: Shopper) -> bytes:
    """A checkout as Shopify tells of it."""
    now = datetime.now(UTC).isoformat()
    token = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    payload: dict[str, Any] = {
        "id": number,
        "token": token,
        "cart_token": token[::-1],
        "email": shopper.email,
        "name": f"#{number}",
        "created_at": now,
        "updated_at": now,
        "completed_at": None,
        "currency": "EUR",
        "total_price": "59.90",
        "subtotal_price": "49.90",
        "line_items": [
            {"key": token, "title": "A thing of use", "quantity": 1, "sku": "SKU-1",
             "product_id": 1000001, "variant_id": 71, "price": "59.90", "line_price": "59.90"}
        ],
        "customer": {"id": int(shopper.shopify_id), "email": shopper.email},
    }  # fmt: skip
    return json.dumps(payload).encode()


def headers_of(body: bytes) -> dict[str, str]:
    """What Shopify sends along; the body alone is signed."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "x-shopify-topic": "checkouts/update",
        "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
        "x-shopify-shop-domain": "benchmark.myshopify.com",
    }


async def _send(checkouts: Checkouts) -> dict[str, float]:
    import httpx

    chance = random.Random(checkouts.seed)
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    due, times = time.time() + 0.5, {}
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def tell(number: int, shopper: Shopper) -> None:
            body = body_of(number, shopper)
            url = f"{checkouts.url}/v1/webhooks/shopify"
            answer = await client.post(url, content=body, headers=headers_of(body))
            answer.raise_for_status()

        async with asyncio.TaskGroup() as group:
            for place, shopper in enumerate(checkouts.shoppers):
                due += chance.expovariate(checkouts.rate)
                await asyncio.sleep(max(0.0, due - time.time()))
                times[shopper.email] = due
                group.create_task(tell(checkouts.first + place, shopper))
    return times


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    wanted["shoppers"] = [Shopper(**one) for one in wanted["shoppers"]]
    print(json.dumps(asyncio.run(_send(Checkouts(**wanted)))))
