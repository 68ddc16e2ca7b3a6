"""A person's word on what the landing gate holds: it counts, or it never shall."""

from collections.abc import Mapping
from typing import Any

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.stages.land import prepare_landing
from orchestration_assets.stages.landing_incidents import tell_of_landings, waiting_readings
from orchestration_assets.warehouse import readings


def held_loads(
    deployment: Deployment, system: str | None = None, stream: str | None = None
) -> list[Mapping[str, Any]]:
    """Readings that the landing gate holds, oldest first, each with its `loads` and `rows`."""
    return [
        row
        for rows in waiting_readings(deployment).values()
        for row in rows
        if row["status"] == readings.HELD
        and system in (None, row["system"])
        and stream in (None, row["stream"])
    ]


def accept_held(
    deployment: Deployment, system: str, stream: str, *, reason: str, by: str
) -> list[Mapping[str, Any]]:
    """Let what is held of a stream count: the next refresh takes it in.

    Returns:
        The readings that were held.

    Raises:
        FatalError: nothing of the stream is held, or nobody says why.
    """
    return _decide(deployment, system, stream, readings.ACCEPTED, reason, by)


def discard_held(
    deployment: Deployment, system: str, stream: str, *, reason: str, by: str
) -> list[Mapping[str, Any]]:
    """Leave what is held of a stream out for good, as if it had never landed.

    The raw rows stay. A later full reading lands again what the source still says.

    Returns:
        The readings that were held.

    Raises:
        FatalError: nothing of the stream is held, or nobody says why.
    """
    return _decide(deployment, system, stream, readings.DISCARDED, reason, by)


def _decide(
    deployment: Deployment, system: str, stream: str, status: str, reason: str, by: str
) -> list[Mapping[str, Any]]:
    if not (reason.strip() and by.strip()):
        raise FatalError("A decision needs a reason and a name.", "give --reason and --by.")
    prepare_landing(deployment)
    with deployment.warehouse.writer(f"decide on {system}.{stream}") as session:
        held: list[Mapping[str, Any]] = [
            row
            for row in readings.readings_with(session, readings.HELD)
            if (row["system"], row["stream"]) == (system, stream)
        ]
        if not held:
            raise FatalError(
                f"Nothing of {system}.{stream} is held.",
                "see `accord quarantine list` for what is.",
            )
        for row in held:
            readings.decide(
                session,
                [row["reading_id"]],
                status,
                verdict=row["verdict"],
                rule=row["rule"],
                reason=reason,
                by=by,
            )
    tell_of_landings(deployment)
    return held
