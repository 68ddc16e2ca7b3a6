"""A bare HTTP server of HubSpot-shaped contact pages, rendered before the first request.

Run as a process of its own: `python -m benchmarks._contact_pages ROWS` prints its port and serves
until its standard input is closed.
"""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from orchestration_assets.connectors.hubspot.streams import OBJECT_TYPES

PAGE_ROWS = 100
_SEED = 20260101
_STAGES = ("lead", "opportunity", "customer", "evangelist")
_COUNTRIES = ("France", "Germany", "Italy", "Spain", "")


def contact(number: int, chance: random.Random) -> dict[str, object]:
    """One contact as HubSpot's list endpoint answers it, with the histories of its properties."""
    first, last = f"First{chance.randrange(5000)}", f"Last{chance.randrange(20000)}"
    created = f"2025-{1 + number % 12:02d}-{1 + number % 28:02d}T08:{number % 60:02d}:00.000Z"
    changed = f"2026-{1 + number % 9:02d}-{1 + number % 28:02d}T09:{number % 60:02d}:30.123Z"
    opted_out = "true" if number % 9 == 0 else "false"
    properties = {
        "email": f"{first}.{last}.{number}@example.com".lower(),
        "firstname": first,
        "lastname": last,
        "phone": f"+33 6 {number % 100:02d} {chance.randrange(10**6):06d}",
        "mobilephone": None,
        "company": f"Company {chance.randrange(3000)}",
        "jobtitle": "Buyer",
        "address": f"{1 + number % 200} rue des Lilas",
        "city": f"City {chance.randrange(500)}",
        "zip": f"{chance.randrange(10**5):05d}",
        "country": _COUNTRIES[number % len(_COUNTRIES)],
        "lifecyclestage": _STAGES[number % len(_STAGES)],
        "hs_email_optout": opted_out,
        "hs_legal_basis": "Freely given consent from contact",
        "shopify_customer_id": str(7_000_000 + number) if number % 3 else None,
        "associatedcompanyid": str(chance.randrange(3000)),
        "createdate": created,
        "lastmodifieddate": changed,
        "hs_object_id": str(100_000 + number),
    }
    return {
        "id": str(100_000 + number),
        "properties": properties,
        "createdAt": created,
        "updatedAt": changed,
        "archived": False,
        "propertiesWithHistory": _histories(properties, created, changed, number),
    }


def _histories(
    properties: dict[str, Any], created: str, changed: str, number: int
) -> dict[str, list[dict[str, Any]]]:
    """One value of each property; one contact in sixteen has a phone changed by hand besides."""
    histories = {
        name: [
            {
                "value": properties[name],
                "timestamp": created,
                "sourceType": "INTEGRATION",
                "sourceId": "2317841",
                "sourceLabel": "Customer data integration",
            }
        ]
        for name in OBJECT_TYPES["contacts"].history
    }
    if number % 16 == 0:
        by_hand = {"value": properties["phone"], "timestamp": changed, "sourceType": "CRM_UI"}
        by_hand |= {"sourceId": "userId:9586504", "updatedByUserId": 9_586_504}
        histories["phone"] = [by_hand, histories["phone"][0] | {"value": "+33 6 00 000000"}]
    return histories


def render(rows: int) -> list[bytes]:
    """All pages as complete HTTP answers; page N is asked for with `after=N`."""
    chance = random.Random(_SEED)
    pages = [
        [contact(number, chance) for number in range(start, min(start + PAGE_ROWS, rows))]
        for start in range(0, rows, PAGE_ROWS)
    ]
    answers = []
    for position, results in enumerate(pages, start=1):
        body: dict[str, object] = {"results": results}
        if position < len(pages):
            body["paging"] = {"next": {"after": str(position), "link": "?after=" + str(position)}}
        answers.append(_answer(body))
    return answers


def _answer(body: object) -> bytes:
    content = orjson.dumps(body)
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}"
    return head.encode() + b"\r\n\r\n" + content


class _Server(asyncio.Protocol):
    def __init__(self, pages: list[bytes]) -> None:
        self._pages = pages
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            query = parse_qs(urlsplit(target).query)
            assert self._transport is not None
            if query.get("archived") == ["true"]:
                self._transport.write(_answer({"results": []}))
            else:
                self._transport.write(self._pages[int(query.get("after", ["0"])[0])])


async def _serve(rows: int) -> None:
    pages = render(rows)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Server(pages), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def contact_server(rows: int) -> Iterator[str]:
    """Serve that many contacts from another process; yields the base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks._contact_pages", str(rows)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(timeout=10)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
