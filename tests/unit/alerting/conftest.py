"""A store on each engine, channels over real HTTP and SMTP, and a clock that a test moves."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from orchestration_assets.alerting.channel import LOG, Outlet
from orchestration_assets.alerting.config import AlertsConfig
from orchestration_assets.alerting.deliver import Desk
from orchestration_assets.alerting.log import LogChannel
from orchestration_assets.alerting.quiet import Quiet
from orchestration_assets.alerting.routing import Directory, Routing, Team
from orchestration_assets.alerting.slack import SlackChannel
from orchestration_assets.alerting.vendor_call import http_client
from orchestration_assets.state.store import StateStore, open_state
from sandbox.context import SandboxContext
from sandbox.pagerduty.app import create_app as pagerduty_app
from sandbox.servicenow.app import create_app as servicenow_app
from sandbox.slack.app import create_app as slack_app
from sandbox.slack.app import webhook_path as slack_path
from sandbox.teams.app import create_app as teams_app
from sandbox.teams.app import webhook_path as teams_path
from sandbox.world.generate import generate
from tests.unit.sandbox.serving import serving

TEAMS = {
    name: Team(name=name.capitalize(), email=f"{name}@example.com", slack=f"#{name}")
    for name in ("crm", "commerce", "privacy", "platform")
}
ROLES = {
    "layers.core": {"accountable": ("platform",), "informed": ("privacy",)},
    "layers.alerting": {"accountable": ("platform",)},
    "connectors.hubspot": {"accountable": ("crm",), "informed": ("privacy",)},
    "groups.commerce": {"accountable": ("commerce",), "informed": ("privacy",)},
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    """An operational store on each engine."""
    if request.param == "postgres":
        return open_state(request.getfixturevalue("postgres_url"))
    return open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")


@pytest.fixture
def state(tmp_path: Path) -> StateStore:
    """An operational store."""
    return open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with http_client() as made:
        yield made


class Hook:
    """A webhook over loopback that answers as it is told, then `ok`."""

    def __init__(self, server: HTTPServer, path: str = "/hook") -> None:
        self.messages: list[dict[str, Any]] = []
        self.answers: list[Response] = []
        self.calls = 0
        self.url = server.url_for(path)
        server.expect_request(path).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.calls += 1
        if self.answers:
            return self.answers.pop(0)
        self.messages.append(json.loads(request.get_data()))
        return Response("ok")

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages]


@pytest.fixture
def hook(httpserver: HTTPServer) -> Hook:
    return Hook(httpserver)


@dataclass
class Office:
    """A desk that a test sets up: channels by address, routes, quiet hours, and its clock."""

    state: StateStore
    client: httpx.Client
    outlets: dict[str, Outlet] = field(default_factory=dict)
    routes: Mapping[str, Any] = field(default_factory=dict)
    quiet: Quiet = field(default_factory=Quiet)
    later: timedelta = timedelta()
    budget_s: float = 20.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def slack(self, url: str, address: str = "slack", fold_above: int | None = None) -> None:
        self.outlets[address] = Outlet(
            address, lambda: SlackChannel(url, self.client), address, fold_above=fold_above
        )

    def log(self) -> None:
        self.outlets[LOG] = Outlet(LOG, LogChannel, LOG)

    def desk(self) -> Desk:
        config = AlertsConfig.model_validate(self.routes)
        directory = Directory(TEAMS, ROLES)
        routing = Routing(config, directory, frozenset(self.outlets), self.quiet)
        return Desk(self.state, self.outlets, routing, self.now, self.budget_s)


@pytest.fixture
def office(state: StateStore, client: httpx.Client) -> Office:
    return Office(state, client)


@dataclass
class Vendors:
    """The sandbox's channels of alerts, each behind HTTP."""

    context: SandboxContext
    slack: str
    teams: str
    pagerduty: str
    servicenow: str

    def received(self, system: str) -> list[dict[str, Any]]:
        return [entry["message"] for entry in self.context.inboxes[system]]

    def pagerduty_incidents(self) -> dict[str, dict[str, Any]]:
        return httpx.get(f"{self.pagerduty}/_incidents", trust_env=False).json()

    def servicenow_incidents(self) -> list[dict[str, str]]:
        answer = httpx.get(
            f"{self.servicenow}/api/now/table/incident",
            auth=("accord", self.context.token("servicenow")),
            trust_env=False,
        )
        return answer.json()["result"]


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    context = SandboxContext(generate(1, 1, 0.0))
    apps: dict[str, Callable[..., Any]] = {
        "slack": slack_app,
        "teams": teams_app,
        "pagerduty": pagerduty_app,
        "servicenow": servicenow_app,
    }
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serving(app(context))) for name, app in apps.items()}
        urls["slack"] += slack_path(context)
        urls["teams"] += teams_path(context)
        yield Vendors(context, **urls)
