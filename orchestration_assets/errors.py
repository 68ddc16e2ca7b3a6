"""Exceptions named by what the caller can do about them.

Every message says what broke and what to do next; none carries a secret or personal data.
"""

from typing import Any


class AccordError(Exception):
    """Base of all errors raised by Accord.

    Args:
        message: what happened, naming the system and call where there is one.
        next_step: what the reader should do now, as an instruction.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(f"{message} Next step: {next_step}")
        self.message = message
        self.next_step = next_step

    def __reduce__(self) -> tuple[Any, ...]:
        """What it is made of again in another process."""
        return type(self), (self.message, self.next_step), self.__dict__


class FatalError(AccordError):
    """Retrying cannot help: wrong credentials, missing scope, wrong setting, broken contract."""


class RetriableError(AccordError):
    """The same call may succeed later: 429, 5xx, timeouts, a locked store."""

    def __init__(self, message: str, next_step: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, next_step)
        self.retry_after = retry_after


class BlockedError(AccordError):
    """A gate, or the absence of its verdict, forbids the action."""
