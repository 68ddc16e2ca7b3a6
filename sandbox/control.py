"""The control server: changes the world, sets faults, tells what happened. Loopback only."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.context import SYSTEMS, SandboxContext
from sandbox.faults import Profile
from sandbox.webhooks.outbox import Outbox, Target
from sandbox.world import change, outage, shopping
from sandbox.world.change import Changes
from sandbox.world.generate import write_truth

TRUTH_FILE = "truth.csv"

Handler = Callable[[Request], Awaitable[Response]]
Settle = Callable[[], Awaitable[None]]


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body, default=str), status, media_type="application/json")


async def _options(request: Request) -> dict[str, Any]:
    text = await request.body()
    body = orjson.loads(text) if text.strip() else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


class Control:
    """The control calls of one sandbox.

    Args:
        context: the sandbox.
        settle: waits until a change of faults has taken effect.
    """

    def __init__(self, context: SandboxContext, settle: Settle | None = None) -> None:
        self.context, self.world, self.settle = context, context.world, settle
        self.outbox = Outbox(context.world)

    def changing(self, change_world: Callable[[dict[str, Any]], Changes]) -> Handler:
        """A call that changes the world; answers with counts and identifiers."""

        async def endpoint(request: Request) -> Response:
            try:
                made = change_world(await _options(request))
            except (ValueError, TypeError, KeyError) as error:
                return _json({"error": str(error)}, 400)
            if self.context.home is not None:
                write_truth(self.world, self.context.home / TRUTH_FILE)
            return _json(made.as_dict())

        return endpoint

    async def faults(self, request: Request) -> Response:
        """Set the fault profile of a system, or of all of them."""
        try:
            options = await _options(request)
            system, share = options.get("system", "all"), options.get("share")
            if system not in (*SYSTEMS, "all"):
                return _json({"error": f"unknown system {system}; one of {SYSTEMS} or all"}, 400)
            profile = Profile(options.get("profile", "none"))
            part = None if share is None else float(share)
        except (ValueError, TypeError) as error:
            return _json({"error": str(error), "profiles": [item.value for item in Profile]}, 400)
        for name in SYSTEMS if system == "all" else (system,):
            self.context.faults.set(name, profile, part)
        if self.settle is not None:
            await self.settle()
        return _json({"faults": self.context.faults.state()})

    async def webhooks(self, request: Request) -> Response:
        """Send webhooks of what changes to a target; an empty `url` ends it, GET asks."""
        if request.method == "POST":
            try:
                options = await _options(request)
                self.outbox.aim(Target.of(options) if options["url"] else None)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json(self.outbox.state())

    async def state(self, request: Request) -> Response:
        """Counts of documents, requests, answers and accepted rows; faults in force."""
        log = self.context.request_log
        tables = {}
        for table, rows in self.world.tables.items():
            archived = sum(document["archived_at"] is not None for document in rows.values())
            tables[table] = {"live": len(rows) - archived, "archived": archived}
        return _json(
            {
                "now": self.world.clock().isoformat(),
                "seed": self.world.seed,
                "customers": self.world.customers,
                "noise": self.world.noise,
                "tier": self.context.tier.name,
                "tables": tables,
                "requests": dict(log.seen_count),
                "statuses": dict(log.status_count),
                "accepted_calls": dict(log.accepted_count),
                "accepted_rows": dict(log.accepted_rows),
                "messages": {name: len(kept) for name, kept in self.context.inboxes.items()},
                "faults": self.context.faults.state(),
                "corrupted": len(self.world.remembered),
            }
        )

    async def requests(self, request: Request) -> Response:
        """The latest requests and accepted writes, of one system where `system` is given."""
        wanted = request.query_params.get("system")
        log = self.context.request_log
        recent = [entry for entry in log.recent if wanted in (None, entry["system"])]
        writes = [entry for entry in log.writes if wanted in (None, entry["system"])]
        return _json({"requests": recent, "accepted": writes})

    async def received(self, request: Request) -> Response:
        """What Slack, or the `system` that is given, was told."""
        system = request.query_params.get("system", "slack")
        if system not in self.context.inboxes:
            known = ", ".join(self.context.inboxes)
            return _json({"error": f"nobody is told by {system}; one of {known}"}, 400)
        return _json({"messages": self.context.inboxes[system]})

    async def events_received(self, request: Request) -> Response:
        """Events that Klaviyo took, each time that one came; of one `metric` where it is given."""
        metric = request.query_params.get("metric")
        return _json(self.context.events_received.as_dict(metric))


def create_app(context: SandboxContext, settle: Settle | None = None) -> Starlette:
    """The control server of one sandbox."""
    control, world = Control(context, settle), context.world
    changes: dict[str, Callable[[dict[str, Any]], Changes]] = {
        "/mutate": lambda options: change.mutate(world, _fraction(options, "fraction", 0.02)),
        "/corrupt": lambda options: change.corrupt(
            world,
            _fraction(options, "share", change.CORRUPTED_SHARE),
            newest=bool(options.get("newest", False)),
        ),
        "/heal": lambda _: change.heal(world),
        "/lose": lambda options: outage.lose(
            world, options["table"], _fraction(options, "share", 1.0)
        ),
        "/double": lambda options: outage.double(world, options["table"]),
        "/restore": lambda _: outage.restore(world),
        "/malform": lambda options: change.malform(world, int(options.get("count", 10))),
        "/checkout": lambda options: shopping.leave_checkout(world, options.get("customer_id")),
        "/order": lambda options: shopping.buy(world, options.get("customer_id")),
        "/drift": lambda _: change.add_unknown_field(world),
    }
    routes = [
        Route(path, control.changing(function), methods=["POST"])
        for path, function in changes.items()
    ]
    routes += [
        Route("/faults", control.faults, methods=["POST"]),
        Route("/webhooks", control.webhooks, methods=["GET", "POST"]),
        Route("/state", control.state, methods=["GET"]),
        Route("/requests", control.requests, methods=["GET"]),
        Route("/_received", control.received, methods=["GET"]),
        Route("/klaviyo/events-received", control.events_received, methods=["GET"]),
    ]
    return Starlette(routes=routes)


def _fraction(options: dict[str, Any], name: str, default: float) -> float:
    value = float(options.get(name, default))
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be between 0 and 1")
    return value
