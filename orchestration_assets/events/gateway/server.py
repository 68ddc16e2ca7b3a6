"""Serving the gateway with uvicorn, within limits on connections and slow senders."""

import gc
import socket
import sys
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from orchestration_assets.errors import FatalError
from orchestration_assets.events.gateway.patience import PatientProtocol

_KEEP_ALIVE_S = 75
_STOP_S = 20
_BACKLOG = 2_048
# Allocations that outlast their release before young objects are looked through, and so on up.
_COLLECT_EVERY = (20_000, 20, 20)
_SWITCH_EVERY_S = 0.001


def make_server(app: ASGIApp, *, connections: int, header_patience_s: float) -> uvicorn.Server:
    """Make a server; `run(sockets=[...])` serves until `should_exit` or a signal.

    Args:
        app: the gateway.
        connections: at a time; more are answered with 503.
        header_patience_s: seconds within which a request's headers must have arrived.
    """
    protocol: Any = type("Protocol", (PatientProtocol,), {"patience_s": header_patience_s})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=connections,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
    )
    return uvicorn.Server(config)


def tune_process() -> None:
    """Let this process serve requests evenly; call it once all is imported and made.

    What is there by now stays: the garbage collector need not look through it again and again, and
    stop every request for tens of milliseconds. And the thread that writes to the disk does not
    wait five milliseconds for the interpreter each time that it comes back from there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_EVERY)
    sys.setswitchinterval(_SWITCH_EVERY_S)


def listen(host: str, port: int) -> socket.socket:
    """Bind the address.

    Raises:
        FatalError: it is taken, or not one of this machine's.
    """
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as error:
        raise FatalError(
            f"The gateway cannot listen on {host}:{port}: {error.strerror}.",
            "stop what listens there, or choose another --port.",
        ) from error
