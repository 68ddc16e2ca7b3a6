"""A Klaviyo account of the sandbox with a small world, over real HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from klaviyo_api import KlaviyoAPI

from sandbox.context import SandboxContext
from sandbox.klaviyo.app import create_app
from sandbox.limits import TIERS
from sandbox.world.generate import generate
from tests.unit.sandbox.serving import serving

READ_ONLY = "pk_read_only"
REVISION = "2026-07-15"


class Account:
    """A running account: a plain client and the vendor's own."""

    def __init__(self, context: SandboxContext, base_url: str) -> None:
        self.context, self.world, self.base_url = context, context.world, base_url
        self.key = context.token("klaviyo")
        self.client = httpx.Client(
            base_url=base_url,
            headers={
                "Authorization": f"Klaviyo-API-Key {self.key}",
                "revision": REVISION,
                "Accept": "application/vnd.api+json",
                "Content-Type": "application/vnd.api+json",
            },
        )

    def sdk(self, key: str | None = None) -> KlaviyoAPI:
        """The vendor's own client, talking to this server."""
        return KlaviyoAPI(key or self.key, max_retries=1, test_host=self.base_url)

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.client.get(path, params=params)

    def post(self, path: str, body: dict) -> httpx.Response:
        return self.client.post(path, json=body)

    def rows(self) -> list[dict]:
        """Every row that the account took."""
        return [row for write in self.context.request_log.writes for row in write["rows"]]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Callable[..., Account]]:
    """`account()` opens one; `tier` names its rate limits."""
    with ExitStack() as stack:

        def start(
            customers: int = 150, tier: str = "unlimited", vendor: Path | None = None
        ) -> Account:
            context = SandboxContext(generate(customers, seed=5), tier=TIERS[tier])
            scopes = {READ_ONLY: frozenset({"profiles:read"})}
            app = create_app(context, vendor or tmp_path, scopes)
            return Account(context, stack.enter_context(serving(app)))

        yield start
