"""What one check found."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """`WARN` lets the deployment work with less; `FAIL` stops it."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; carries no secret.

    Args:
        name: what was looked at.
        level: how bad it is.
        detail: what is there.
        advice: what to do; empty where all is well.
    """

    name: str
    level: Level
    detail: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON values."""
        return {key: str(value) for key, value in asdict(self).items()}


def ok(name: str, detail: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(name, Level.OK, detail)


def warn(name: str, detail: str, advice: str) -> Finding:
    """A finding to look at when there is time."""
    return Finding(name, Level.WARN, detail, advice)


def fail(name: str, detail: str, advice: str) -> Finding:
    """A finding to repair first."""
    return Finding(name, Level.FAIL, detail, advice)
