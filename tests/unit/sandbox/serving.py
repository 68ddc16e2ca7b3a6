"""Vendor servers of the sandbox behind real HTTP, in threads, for the tests of the sandbox."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette


@contextmanager
def serving(app: Starlette, certificate: Path | None = None) -> Iterator[str]:
    """Run the application on a free port and give its base address.

    `certificate` is a file with a certificate and its key; with it the server speaks TLS.
    """
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="error",
        lifespan="off",
        ssl_certfile=certificate,
        ssl_keyfile=certificate,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def eventually(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """Ask until the answer holds, for at most ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        answer = ask()
        if holds(answer):
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.03)
