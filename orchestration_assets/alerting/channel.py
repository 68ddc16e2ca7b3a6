"""What a channel is: a way to reach people, and what has to be known of it before it is used."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orchestration_assets.alerting.message import Message
from orchestration_assets.errors import FatalError

LOG = "log"


class RefusedError(FatalError):
    """The channel works but does not take this one message; others may pass."""


class Channel(Protocol):
    """A way to reach people."""

    def send(self, message: Message) -> str | None:
        """Tell people; returns what the vendor calls the incident, where it has a name for it.

        Raises:
            RefusedError: the channel does not take this message.
            FatalError: the channel does not work: wrong credentials, wrong address.
            RetriableError: it may work later.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outlet:
    """A channel that is set up, not opened yet.

    Args:
        address: `slack`, or `slack:crm` for a team's own.
        open: makes the channel.
        line: what fails together: all e-mails go through one server.
        keeps_incidents: the other side has incidents of its own: it can be brought up to date, is
            told of acknowledgements, and a message that comes twice changes nothing.
        fold_above: more new incidents of one kind within a minute become one message; None: never.
    """

    address: str
    open: Callable[[], Channel]
    line: str
    keeps_incidents: bool = False
    fold_above: int | None = None
