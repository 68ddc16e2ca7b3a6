"""A small HubSpot account behind real HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import hubspot
import pytest

from sandbox.context import SandboxContext
from sandbox.hubspot.app import create_app
from sandbox.limits import TIERS
from sandbox.world.generate import generate
from tests.unit.sandbox.serving import serving

NOW = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)


@pytest.fixture
def context() -> SandboxContext:
    return SandboxContext(generate(600, 2, 1.0, NOW), tier=TIERS["unlimited"])


@pytest.fixture
def base_url(context) -> Iterator[str]:
    with serving(create_app(context)) as url:
        yield url


@pytest.fixture
def crm(base_url, context):
    """The CRM of the official SDK."""
    client = hubspot.Client.create(
        access_token=context.token("hubspot"), host=base_url, retry=False
    )
    return client.crm


@pytest.fixture
def contacts(crm):
    """Its contacts API."""
    return crm.contacts


@pytest.fixture
def tickets(crm):
    """Its tickets API."""
    return crm.tickets


@pytest.fixture
def answers(crm):
    """Its API of answers to surveys."""
    return crm.objects.feedback_submissions


@pytest.fixture
def http(base_url, context) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {context.token('hubspot')}"}
    with httpx.Client(base_url=base_url, headers=headers, trust_env=False) as client:
        yield client
