"""`accord gateway`: takes events over HTTP until it is stopped."""

from typing import Annotated

import typer


def gateway(
    host: Annotated[
        str, typer.Option(help="Address to listen on; put a proxy with TLS in front of others.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8300,
) -> None:
    """Take webhooks and first-party events; what is answered with 2xx is on disk."""
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.events.gateway.server import listen, make_server, tune_process
    from orchestration_assets.stages.events import make_gateway, open_inbox

    deployment = Deployment()
    settings = deployment.settings
    inbox = open_inbox(deployment)
    try:
        server = make_server(
            make_gateway(deployment, inbox),
            connections=settings.gateway_connections,
            header_patience_s=settings.gateway_body_patience_s,
        )
        with listen(host, port) as listening:
            taken = listening.getsockname()[1]
            typer.echo(f"Events are taken on http://{host}:{taken}/docs")
            tune_process()
            server.run(sockets=[listening])
    finally:
        inbox.close()
        deployment.close()
