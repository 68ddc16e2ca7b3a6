"""Landing: bring what a system changed into its raw tables."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from orchestration_assets.alerting.incidents import WARNING, Incident, clear, report
from orchestration_assets.connectors.catalog import SYSTEMS, all_streams
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.landing.cursors import read_cursor
from orchestration_assets.landing.fetched import land_fetched
from orchestration_assets.landing.land import ensure_raw_tables, land
from orchestration_assets.model import Fetches, LandingResult, Stream
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.state.alerts import open_alerts


@dataclass(frozen=True, slots=True)
class Changes:
    """What a system answered when each of its streams was asked whether it changed.

    Args:
        streams: those that have something new.
        position: a short text that stands for their cursors: the same text means that the same work
            is still to be done.
        refused: those that could not be asked, and why.
    """

    streams: list[str]
    position: str
    refused: Mapping[str, FatalError]


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


def land_records(
    deployment: Deployment, system: str, stream: str, ids: Sequence[str]
) -> LandingResult:
    """Land what a system says now of some records of a stream, by their identifiers.

    Raises:
        FatalError: wrong or missing credentials, or the system cannot be asked for single records.
        RetriableError: the system stayed unavailable.
    """
    with closing(deployment.source(system)) as source:
        if not isinstance(source, Fetches):
            raise FatalError(
                f"{system} cannot be asked for single records.",
                f"land {system}.{stream} instead: a reading of changes finds them.",
            )
        return land_fetched(
            source.streams[stream],
            source,
            ids,
            deployment.warehouse,
            deployment.state,
            deployment.home,
        )


def changed_streams(deployment: Deployment, system: str) -> Changes:
    """Streams of one system that have something new, found with one cheap call each.

    A stream that is refused (a scope that is missing, a file that is not there) leaves the others
    to be asked.

    Raises:
        FatalError: the system's settings are missing.
        RetriableError: the system stayed unavailable; asking on would only hold up the caller.
    """
    changed: dict[str, str | None] = {}
    refused: dict[str, FatalError] = {}
    with closing(deployment.source(system)) as source:
        for name, stream in source.streams.items():
            cursor = read_cursor(deployment.warehouse, stream)
            try:
                if source.has_changed(name, cursor):
                    changed[name] = cursor
            except FatalError as error:
                refused[name] = error
    position = "|".join(f"{name}={cursor}" for name, cursor in changed.items())
    return Changes(list(changed), hashlib.sha256(position.encode()).hexdigest()[:16], refused)


def report_refused(deployment: Deployment, system: str, refused: Mapping[str, FatalError]) -> str:
    """Open an incident for the streams that could not be asked; resolve it once all can be.

    Returns:
        What is wrong and what to do, in one line; empty where nothing is.
    """
    key = f"changes/{system}"
    if not refused:
        # A look first: a write would wait its turn at every tick of every system.
        if open_alerts(deployment.state, key):
            clear(deployment.state, key)
        return ""
    what = f"{system} could not be asked for changes of {', '.join(refused)}. " + " ".join(
        dict.fromkeys(error.message for error in refused.values())
    )
    next_step = " ".join(dict.fromkeys(error.next_step for error in refused.values()))
    report(
        deployment.state,
        Incident(
            key=key,
            title=f"{system} refuses {', '.join(refused)}",
            what=f"{what} Meanwhile only the hourly landing tries them.",
            next_step=next_step,
            owner=raci_of(deployment.settings).accountable("connectors", system),
            severity=WARNING,
        ),
    )
    return f"{what} Next step: {next_step}"


def prepare_landing(deployment: Deployment) -> None:
    """Make the raw table of every stream of the catalogue: the model can then always be built."""
    ensure_raw_tables(all_streams(), deployment.warehouse, deployment.home)


def streams_of(system: str) -> Mapping[str, Stream]:
    """The contracts of one system's streams, without opening the system."""
    return SYSTEMS[system].streams
