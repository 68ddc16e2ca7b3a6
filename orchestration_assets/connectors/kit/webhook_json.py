"""Reading a webhook's payload: what is not as the contract says is refused without its values."""

from datetime import UTC, datetime
from typing import Any

import orjson

from orchestration_assets.connectors.kit.webhooks import PayloadRefused


def parse(body: bytes) -> Any:
    """What the body holds.

    Raises:
        PayloadRefused: it is no JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise refused("The body is no JSON.") from None


def identifier(value: object) -> str:
    """A vendor's identifier as text, empty where the value is none: a number or a text."""
    if type(value) is int:
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def iso_time(value: object, name: str) -> datetime | None:
    """A time with its zone in UTC, None where there is no value.

    Raises:
        PayloadRefused: there is one, but it is no such time.
    """
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise refused(f"{name} is no time with a zone.")


def unix_time_ms(value: object, name: str) -> datetime:
    """The time that is so many milliseconds after 1970.

    Raises:
        PayloadRefused: there is no such time.
    """
    try:
        if type(value) is int:
            return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise refused(f"{name} is no time in milliseconds.")


def refused(message: str) -> PayloadRefused:
    """What to raise for a payload that is not as the contract says."""
    return PayloadRefused(
        message, "compare the vendor's version of its API with the one this connector reads."
    )
