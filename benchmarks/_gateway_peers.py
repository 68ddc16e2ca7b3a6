"""What the gateway is measured beside: a null endpoint, and Starlette with a commit an event.

`null` reads a request and says yes, as fast as a Python process can; it bounds what the sender of
the load can send. `bare` is what one writes in an afternoon: it checks the signature, inserts,
commits, answers; on the same server software and with the same durability.
"""

import asyncio
import base64
import hashlib
import hmac
import socket
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from benchmarks._gateway_load import SECRET

_YES = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"
_TABLE = "create table if not exists events (event_id text primary key, body {})"


class _Null(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return
        start = self.received.index(b"content-length:") + 15
        if len(self.received) >= end + 4 + int(self.received[start:end].split(b"\r", 1)[0]):
            self.received = b""
            self.transport.write(_YES)


async def _serve_null(listening: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(_Null, sock=listening)
    await server.serve_forever()


def _bare(store: Callable[[str, bytes], None]) -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    key = base64.b64decode(SECRET.removeprefix("whsec_"))

    async def events(request: Request) -> Response:
        body = await request.body()
        name, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
        given = base64.b64decode(request.headers["webhook-signature"].removeprefix("v1,"))
        if not hmac.compare_digest(digest, given):
            return Response(status_code=401)
        store(name, body)
        return JSONResponse({"status": "accepted"}, status_code=202)

    return Starlette(routes=[Route("/v1/events", events, methods=["POST"])])


def _store(url: str) -> Callable[[str, bytes], None]:
    insert = "insert into events values ({0}, {0}) on conflict do nothing"
    if url.startswith("sqlite:///"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        file.execute("pragma journal_mode = wal")
        file.execute("pragma synchronous = full")
        file.execute(_TABLE.format("blob"))
        return lambda name, body: file.execute(insert.format("?"), (name, body)) and None
    import psycopg

    server = psycopg.connect(url, autocommit=True, options="-c synchronous_commit=on")
    server.execute(_TABLE.format("bytea"))
    return lambda name, body: server.execute(insert.format("%s"), (name, body)) and None


def main(kind: str, url: str = "") -> None:
    """Serve one of them on a free port, which is printed."""
    import uvicorn
    import uvloop

    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listening:
        app = _bare(_store(url)) if kind == "bare" else None
        print(listening.getsockname()[1], flush=True)
        if app is None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve_null(listening))
        config = uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off")  # pyright: ignore[reportArgumentType]
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
