"""The Klaviyo account: who may call what, how often, and which function answers."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.context import SandboxContext
from sandbox.faults import Profile
from sandbox.klaviyo.errors import (
    MEDIA_TYPE,
    KlaviyoError,
    answer,
    invalid,
    throttled,
    unauthenticated,
)
from sandbox.klaviyo.jobs import Jobs
from sandbox.klaviyo.limits import FixedWindows
from sandbox.klaviyo.rules import Rule
from sandbox.world.model import World

SCHEME = "klaviyo-api-key "
Handler = Callable[["KlaviyoServer", Request, Rule], Awaitable[Response]]


class KlaviyoServer:
    """What the endpoints share.

    Args:
        context: the sandbox.
        scoped_keys: keys that may do only what their scopes say, beside the sandbox's own.
    """

    def __init__(
        self, context: SandboxContext, scoped_keys: Mapping[str, frozenset[str]] | None
    ) -> None:
        self.context = context
        self.scoped_keys = dict(scoped_keys or {})
        self.windows = FixedWindows(context.tier.klaviyo_factor)
        self.jobs = Jobs(context)
        self._seen_events: set[tuple[str, str, str]] = set()
        self._failing_events: dict[str, bool] = {}

    @property
    def world(self) -> World:
        """The documents."""
        return self.context.world

    def base_url(self, request: Request) -> str:
        """Address of this server, as the caller wrote it."""
        return str(request.base_url).rstrip("/")

    def accepted(self, request: Request, status: int, rows: list[dict[str, Any]]) -> None:
        """Record rows that were taken."""
        log = self.context.request_log
        log.accepted("klaviyo", request.method, request.url.path, status, rows)

    def first_time(self, event: tuple[str, str, str]) -> bool:
        """Whether an event of this profile, metric and unique id was not sent before."""
        if event in self._seen_events:
            return False
        self._seen_events.add(event)
        return True

    def event_fails(self, unique_id: str) -> bool:
        """Under partial failures, whether this event fails, as often as it is sent."""
        if self.context.faults.get("klaviyo").profile is not Profile.PARTIAL_FAILURES:
            return False
        if unique_id not in self._failing_events:
            self._failing_events[unique_id] = self.context.faults.row_fails("klaviyo")
        return self._failing_events[unique_id]

    def metric_id(self, name: str) -> str:
        """The metric of this name, made where there is none."""
        found = self.world.find("klaviyo.metrics", "name", name)
        if found:
            return found[0]
        metric_id = f"M{len(self.world.tables['klaviyo.metrics']):05d}"
        self.world.upsert("klaviyo.metrics", metric_id, {"name": name})
        return metric_id

    def endpoint(self, rule: Rule, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint: key, revision, limits and scopes first, then the handler."""

        async def handle(request: Request) -> Response:
            headers: dict[str, str] = {}
            try:
                self._authorise(request, rule)
                wait, headers = self.windows.take(rule)
                if wait:
                    headers = {"Retry-After": str(wait)}
                    raise throttled(wait)
                response = await handler(self, request, rule)
            except KlaviyoError as error:
                response = answer(error.body(), error.status)
            response.headers.update(headers)
            response.headers["Request-Id"] = str(uuid.uuid4())
            return response

        return handle

    def _authorise(self, request: Request, rule: Rule) -> None:
        authorization = request.headers.get("authorization", "")
        if not authorization:
            raise KlaviyoError(
                401,
                "not_authenticated",
                "Authentication credentials were not provided.",
                "Missing or invalid private key.",
            )
        key = authorization[len(SCHEME) :].strip()
        is_known = key in self.scoped_keys or key == self.context.token("klaviyo")
        if not authorization.lower().startswith(SCHEME) or not is_known:
            raise unauthenticated()
        if not request.headers.get("revision"):
            raise invalid("Missing required header: revision", parameter="revision")
        content_type = request.headers.get("content-type", "").split(";")[0].strip()
        if request.method in {"POST", "DELETE"} and content_type not in {
            MEDIA_TYPE,
            "application/json",
        }:
            raise KlaviyoError(
                415,
                "unsupported_media_type",
                "Unsupported media type.",
                f"The content type must be {MEDIA_TYPE}.",
            )
        missing = rule.scopes - self.scoped_keys.get(key, rule.scopes)
        if missing:
            raise KlaviyoError(
                403,
                "permission_denied",
                "You do not have permission to perform this action.",
                f"Missing required scopes: {', '.join(sorted(missing))}.",
            )
