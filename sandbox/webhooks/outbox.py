"""Delivers messages as vendors do: at least once, late, twice or out of order where that is asked.

A message is sent again until it is answered with 2xx; vendors do so for hours, this for seconds.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import httpx

from sandbox.hubspot.webhooks import HubSpotBatches
from sandbox.shopify.webhooks import messages_of
from sandbox.webhooks.message import Message
from sandbox.world.model import Change, World

LANES = 8
"""Requests that are under way at a time; what belongs together shares one and stays in order."""
ATTEMPTS = 12
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
TIMEOUT_S = 5.0
SYSTEMS = ("shopify", "hubspot")
PATH = "/v1/webhooks/{system}"
_SHARES = ("duplicates", "forged")


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages go and how badly.

    Args:
        url: base address of the receiver.
        secrets: what each system signs with.
        public_url: base address that is signed; `url` where it is empty.
        duplicates: share of the messages that are sent twice.
        forged: share of the messages before which a copy with a wrong signature is sent.
        delay_s: how long a message waits before it is sent.
        reorder: each waits a time of its own, up to `delay_s`.
    """

    url: str
    secrets: Mapping[str, str]
    public_url: str = ""
    duplicates: float = 0.0
    forged: float = 0.0
    delay_s: float = 0.0
    reorder: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Target":
        """The target that options of the control call name.

        Raises:
            ValueError: a share is none, or nothing says what to sign with.
        """
        shares = {name: float(options.get(name, 0)) for name in _SHARES}
        delay_s = float(options.get("delay_s", 0))
        if not all(0 <= share <= 1 for share in shares.values()) or delay_s < 0:
            raise ValueError(
                f"{' and '.join(_SHARES)} are between 0 and 1, delay_s is not negative"
            )
        secret = options.get("secret") or ""
        secrets: dict[str, str] = dict(options.get("secrets") or dict.fromkeys(SYSTEMS, secret))
        if not all(secrets.values()) or not secrets.keys() <= {*SYSTEMS}:
            raise ValueError(f"say a secret, or secrets of some of {', '.join(SYSTEMS)}")
        url = str(options["url"]).rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        return cls(
            url=url,
            secrets=secrets,
            public_url=str(options.get("public_url") or "").rstrip("/"),
            delay_s=delay_s,
            reorder=bool(options.get("reorder", False)),
            **shares,
        )


@dataclass
class Outbox:
    """Watches a world and sends what changes to a target, once there is one.

    Args:
        world: what is watched.
    """

    world: World
    target: Target | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._queues: list[asyncio.Queue[tuple[Message, bool]]] = []
        self._batches = HubSpotBatches(self._send)
        self._random = random.Random(self.world.seed)
        self.world.listeners.append(self._changed)

    def aim(self, target: Target | None) -> None:
        """Send to another target from now on; None sends nothing. What waits is dropped."""
        for task in self._tasks:
            task.cancel()
        self._batches.drop()
        self.target, self.counts = target, Counter()
        self._queues, self._tasks = [], []
        if target is not None:
            self._queues = [asyncio.Queue() for _ in range(LANES)]
            self._tasks = [asyncio.create_task(self._work(one, target)) for one in self._queues]

    def state(self) -> dict[str, Any]:
        """Where it sends to, and how many messages became of what; never the secrets."""
        counts = {name: self.counts[name] for name in ("made", "delivered", "given_up")}
        waiting = counts["made"] - counts["delivered"] - counts["given_up"]
        return {
            "url": self.target.url if self.target else None,
            "counts": counts | {"waiting": waiting},
            "extra": {name: self.counts[name] for name in ("duplicates", "forged", "retries")},
            "statuses": {
                name.removeprefix("status."): count
                for name, count in self.counts.items()
                if name.startswith("status.")
            },
        }

    def _changed(self, change: Change) -> None:
        if self.target is None:
            return
        system = change.table.partition(".")[0]
        if system not in self.target.secrets:
            return
        if system == "shopify":
            for message in messages_of(self.world, change):
                self._send(message)
        else:
            self._batches.add(change)

    def _send(self, message: Message) -> None:
        target = self.target
        if target is None:
            return
        self.counts["made"] += 1
        self._put(message, target, is_extra=False)
        if self._random.random() < target.duplicates:
            self.counts["duplicates"] += 1
            self._put(message, target, is_extra=True)

    def _put(self, message: Message, target: Target, *, is_extra: bool) -> None:
        queue = self._queues[crc32(message.lane.encode()) % LANES]
        wait_s = target.delay_s * (self._random.random() if target.reorder else 1)
        put: Callable[..., object] = queue.put_nowait
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, put, (message, is_extra))
        else:
            put((message, is_extra))

    async def _work(self, queue: asyncio.Queue[tuple[Message, bool]], target: Target) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as client:
            while True:
                message, is_extra = await queue.get()
                is_taken = await self._deliver(client, message, target)
                if not is_extra:
                    self.counts["delivered" if is_taken else "given_up"] += 1

    async def _deliver(self, client: httpx.AsyncClient, message: Message, target: Target) -> bool:
        secret = target.secrets[message.system]
        if self._random.random() < target.forged:
            self.counts["forged"] += 1
            await self._post(client, message, target, "not " + secret, 0)
        wait_s = FIRST_WAIT_S
        for attempt in range(ATTEMPTS):
            if attempt:
                self.counts["retries"] += 1
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
            if await self._post(client, message, target, secret, attempt):
                return True
        return False

    async def _post(
        self, client: httpx.AsyncClient, message: Message, target: Target, secret: str, attempt: int
    ) -> bool:
        path = PATH.format(system=message.system)
        body = message.body(attempt)
        headers = message.headers((target.public_url or target.url) + path, body, secret)
        headers["content-type"] = "application/json"
        try:
            response = await client.post(target.url + path, content=body, headers=headers)
        except httpx.TransportError:
            self.counts["status.none"] += 1
            return False
        self.counts[f"status.{response.status_code}"] += 1
        return response.is_success
