"""`accord live`: works off accepted events as they come, until it is stopped."""

import os
import signal
import socket
import threading
from typing import Annotated

import typer


def live(
    batch: Annotated[int, typer.Option(min=1, help="Most events of one batch.")] = 100,
) -> None:
    """Bring each event through landing, gates and release to its action; stop with Ctrl-C.

    Whatever it leaves, or leaves behind when it is killed, the inbox sensor and the next refresh
    do. Several may run on PostgreSQL, each on its own customers.
    """
    from orchestration_assets.commands.live_events import Recorder
    from orchestration_assets.deployment import Deployment
    from orchestration_assets.errors import AccordError
    from orchestration_assets.events.worker import Worker
    from orchestration_assets.stages.events import SYSTEMS_WITH_EVENTS, open_inbox
    from orchestration_assets.stages.work_events import EventWork

    deployment = Deployment()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    inbox = open_inbox(deployment)
    with Recorder(deployment.home) as recorder:
        work = EventWork(deployment, recorder.add)
        try:
            work.warm()
            typer.echo("Events are brought to their actions as they come (stop with Ctrl-C)")
        except AccordError as error:
            typer.echo(f"Until then events are only landed. {error}", err=True)
        owner = f"live {socket.gethostname()} {os.getpid()}"
        try:
            Worker(inbox, work, owner, SYSTEMS_WITH_EVENTS, limit=batch).run(stop)
        finally:
            inbox.close()
            deployment.close()
