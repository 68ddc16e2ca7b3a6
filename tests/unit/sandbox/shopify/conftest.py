"""A shop of the sandbox with a small world, over real HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.context import SandboxContext
from sandbox.limits import TIERS
from sandbox.shopify.app import create_app
from sandbox.world.generate import generate
from tests.unit.sandbox.serving import serving

PATH = "/admin/api/2026-07/graphql.json"


class Shop:
    """A running shop and a way to ask it."""

    def __init__(self, context: SandboxContext, base_url: str) -> None:
        self.context, self.world = context, context.world
        self.client = httpx.Client(
            base_url=base_url, headers={"X-Shopify-Access-Token": context.token("shopify")}
        )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to a query."""
        response = self.client.post(PATH, json={"query": query, "variables": variables})
        assert response.status_code == 200, response.text
        return response.json()

    def data(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """`shop()` opens one; `tier` names its rate limits. It knows the vendor's files if present."""
    with ExitStack() as stack:

        def start(
            customers: int = 120, tier: str = "unlimited", vendor: Path | None = None
        ) -> Shop:
            context = SandboxContext(generate(customers, seed=3), tier=TIERS[tier])
            app = create_app(context, vendor or tmp_path)
            return Shop(context, stack.enter_context(serving(app)))

        yield start
