"""Faults on demand: one board for all systems, and the middleware that applies it.

Faults fire by error diffusion, not by chance: a share of 0.25 hits exactly every fourth request (or
row), so that a test sees the same failures each time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Profile(StrEnum):
    """What is wrong with a system."""

    NONE = "none"
    RATE_LIMITED = "rate_limited"
    SERVER_ERRORS = "server_errors"
    SLOW = "slow"
    PARTIAL_FAILURES = "partial_failures"
    SCHEMA_DRIFT = "schema_drift"
    DOWN = "down"
    UNAUTHORISED = "unauthorised"


class ErrorKind(StrEnum):
    """Errors that a vendor renders in its own form."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    UNAUTHORISED = "unauthorised"


DEFAULT_SHARES = {
    Profile.RATE_LIMITED: 0.5,
    Profile.SERVER_ERRORS: 0.5,
    Profile.PARTIAL_FAILURES: 0.2,
}
SLOW_SECONDS = 1.5
RETRY_AFTER_SECONDS = 1

RenderError = Callable[[ErrorKind, int], Response]
"""`render(kind, retry_after_seconds)` -> the vendor's own answer."""


@dataclass
class Fault:
    """The profile in force for one system, and how far the next hit has built up."""

    profile: Profile = Profile.NONE
    share: float = 1.0
    built_up: float = 0.0

    def hits(self) -> bool:
        """Count one request or row; true when the fault strikes it."""
        self.built_up += self.share
        if self.built_up >= 1.0 - 1e-9:
            self.built_up -= 1.0
            return True
        return False


class FaultBoard:
    """Fault profiles by system."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self.listeners: list[Callable[[str, Profile], None]] = []

    def set(self, system: str, profile: Profile | str, share: float | None = None) -> None:
        """Put a profile in force; `none` ends it. `share` is the part of requests or rows hit."""
        chosen = Profile(profile)
        part = DEFAULT_SHARES.get(chosen, 1.0) if share is None else share
        self._faults[system] = Fault(chosen, part)
        for listener in self.listeners:
            listener(system, chosen)

    def get(self, system: str) -> Fault:
        """The fault in force, with profile `none` where there is none."""
        return self._faults.setdefault(system, Fault())

    def row_fails(self, system: str) -> bool:
        """Under partial failures, whether the next row of a write fails; false otherwise."""
        fault = self.get(system)
        return fault.profile is Profile.PARTIAL_FAILURES and fault.hits()

    def drifts(self, system: str) -> bool:
        """Whether answers should carry fields that no contract knows."""
        return self.get(system).profile is Profile.SCHEMA_DRIFT

    def state(self) -> dict[str, dict[str, str | float]]:
        """Profile and share by system."""
        return {
            system: {"profile": fault.profile.value, "share": fault.share}
            for system, fault in self._faults.items()
        }


class RequestCounter(Protocol):
    """What counts the answered requests."""

    def seen(self, system: str, method: str, path: str, status: int) -> None:
        """Count one answered request."""
        ...


class HasFaults(Protocol):
    """The part of the sandbox's context that the middleware needs."""

    @property
    def faults(self) -> FaultBoard:
        """The board."""
        ...

    @property
    def request_log(self) -> RequestCounter:
        """The counter."""
        ...


class FaultMiddleware:
    """ASGI middleware of every vendor application: counts requests and applies the faults.

    Args:
        app: the vendor's application.
        system: name on the board.
        context: the sandbox.
        render_error: the vendor's own form of each error.
    """

    def __init__(
        self, app: ASGIApp, system: str, context: HasFaults, render_error: RenderError
    ) -> None:
        self.app, self.system, self.context, self.render_error = app, system, context, render_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the fault, or hand the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def counting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            fault_answer = await self._fault_answer()
            handler = fault_answer if fault_answer is not None else self.app
            await handler(scope, receive, counting_send)
        finally:
            self.context.request_log.seen(self.system, scope["method"], scope["path"], status)

    async def _fault_answer(self) -> Response | None:
        fault = self.context.faults.get(self.system)
        match fault.profile:
            case Profile.RATE_LIMITED if fault.hits():
                return self.render_error(ErrorKind.RATE_LIMITED, RETRY_AFTER_SECONDS)
            case Profile.SERVER_ERRORS if fault.hits():
                return self.render_error(ErrorKind.SERVER_ERROR, 0)
            case Profile.UNAUTHORISED if fault.hits():
                return self.render_error(ErrorKind.UNAUTHORISED, 0)
            case Profile.DOWN:
                return self.render_error(ErrorKind.UNAVAILABLE, RETRY_AFTER_SECONDS)
            case Profile.SLOW if fault.hits():
                await asyncio.sleep(SLOW_SECONDS)
        return None
