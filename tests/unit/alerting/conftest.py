"""A store on each engine, channels over real HTTP and SMTP, and a clock that a test moves."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug import Request, Response

from orchestration_assets.alerting.channel import LOG, Channel, Outlet
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

    def vendor(self, address: str, make: Callable[[], Channel], **options: Any) -> None:
        self.outlets[address] = Outlet(address, make, address, **options)

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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody else trusts, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    path.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    context = SandboxContext(generate(1, 1, 0.0))
    apps = {
        "slack": slack_app(context),
        "teams": teams_app(context),
        "pagerduty": pagerduty_app(context),
        "servicenow": servicenow_app(context),
    }
    # One server for all of them: four take three quarters of a second to end.
    mounted = Starlette(routes=[Mount(f"/{name}", app=app) for name, app in apps.items()])
    with serving(mounted) as base:
        urls = {name: f"{base}/{name}" for name in apps}
        urls["slack"] += slack_path(context)
        urls["teams"] += teams_path(context)
        yield Vendors(context, **urls)
