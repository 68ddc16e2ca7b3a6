"""An inbox on each engine, with a clock that a test moves."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration_assets.events.inbox import Inbox
from orchestration_assets.events.insertion import NewEvent


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def inbox_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'inbox.db'}"


@pytest.fixture
def open_inbox(inbox_url: str, clock: Clock) -> Iterator[Callable[..., Inbox]]:
    """Opens the same inbox as often as it is called, as several processes would."""
    opened: list[Inbox] = []

    def opening(**options) -> Inbox:
        opened.append(Inbox(inbox_url, clock=clock, **options))
        return opened[-1]

    yield opening
    for one in opened:
        one.close()


@pytest.fixture
def inbox(open_inbox: Callable[..., Inbox]) -> Inbox:
    return open_inbox()


def an_event(event_id: str, subject: str = "", system: str = "shopify", **values) -> NewEvent:
    """One event; by default with a subject of its own."""
    return NewEvent(
        system=system,
        event_id=event_id,
        topic=values.get("topic", "carts/update"),
        subject=subject or f"subject of {event_id}",
        occurred_at=values.get("occurred_at"),
        received_at=datetime(2026, 11, 1, 11, 59, 59, 123456, tzinfo=UTC),
        body=values.get("body", b'{"id": 1}'),
    )
