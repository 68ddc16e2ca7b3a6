"""Landing: bring what a system changed into its raw tables."""

import hashlib
from collections.abc import Mapping
from contextlib import closing

from orchestration_assets.connectors.catalog import SYSTEMS, all_streams
from orchestration_assets.deployment import Deployment
from orchestration_assets.landing.cursors import read_cursor
from orchestration_assets.landing.land import ensure_raw_tables, land
from orchestration_assets.model import LandingResult, Stream


def land_stream(
    deployment: Deployment, system: str, stream: str, *, full: bool = False
) -> LandingResult:
    """Land one stream from its cursor on, or all of it to find what vanished when `full` is set.

    Raises:
        FatalError: wrong or missing credentials; names the setting.
        RetriableError: the system stayed unavailable.
    """
    with closing(deployment.source(system)) as source:
        return land(
            source.streams[stream],
            source,
            deployment.warehouse,
            deployment.state,
            deployment.home,
            full=full,
        )


def changed_streams(deployment: Deployment, system: str) -> tuple[list[str], str]:
    """Streams of one system that have something new, found with one cheap call each.

    Returns:
        The streams' names and a short text that stands for their cursors: the same text means that
        the same work is still to be done.
    """
    with closing(deployment.source(system)) as source:
        cursors = {
            name: read_cursor(deployment.warehouse, stream)
            for name, stream in source.streams.items()
        }
        changed = [name for name, cursor in cursors.items() if source.has_changed(name, cursor)]
    position = "|".join(f"{name}={cursors[name]}" for name in changed)
    return changed, hashlib.sha256(position.encode()).hexdigest()[:16]


def prepare_landing(deployment: Deployment) -> None:
    """Make the raw table of every stream of the catalogue: the model can then always be built."""
    ensure_raw_tables(all_streams(), deployment.warehouse, deployment.home)


def rows_in(deployment: Deployment, stream: Stream) -> int:
    """Rows in a stream's raw table, all versions counted."""
    with deployment.warehouse.reader() as session:
        return session.count(f"raw_{stream.system}", stream.name)


def streams_of(system: str) -> Mapping[str, Stream]:
    """The contracts of one system's streams, without opening the system."""
    return SYSTEMS[system].streams
