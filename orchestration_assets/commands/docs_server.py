"""A web server for the documentation of a deployment: read only, for this machine alone."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration_assets.errors import FatalError

_HOST = "127.0.0.1"
_STOP_S = 5.0


@contextmanager
def serve_docs(folder: Path, port: int) -> Iterator[str]:
    """Serve a folder's files in a thread of this process; the address, until the block ends.

    Args:
        folder: what to serve; made when missing.
        port: on 127.0.0.1; 0 takes a free one.

    Raises:
        FatalError: the port is taken.
    """
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    folder.mkdir(parents=True, exist_ok=True)
    # A page of another site that points its own name at this machine reads nothing.
    own = Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"])
    files = Mount("/", StaticFiles(directory=folder, html=True))
    with _listen(port) as listening:
        config = uvicorn.Config(
            Starlette(routes=[files], middleware=[own]),
            log_level="warning",
            access_log=False,
            log_config=None,
            lifespan="off",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://{_HOST}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_STOP_S)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise FatalError(
            f"The documentation cannot be served: port {port} of {_HOST} is taken.",
            "name another one: accord ui --docs-port PORT.",
        ) from error
