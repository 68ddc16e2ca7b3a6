"""Random choices of one seed, and how vendors write what was drawn."""

import random
from datetime import UTC, datetime, timedelta

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
PEOPLE = 40
CURRENCIES = ("EUR", "EUR", "USD", "GBP", "SEK")


class Draw:
    """Random choices of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def at(self, first: int = 0, last: int = 300) -> datetime:
        """A time between two days after the begin."""
        seconds = self.random.randint(first * 86_400, last * 86_400)
        return BEGIN + timedelta(seconds=seconds, microseconds=self.random.randint(0, 999_999))

    def one(self, *choices):
        """One of them."""
        return self.random.choice(choices)

    def amount(self, most: int = 500) -> str:
        """Money with two decimals."""
        return f"{self.random.randint(0, most * 100) / 100:.2f}"


def iso(at: datetime) -> str:
    """The way vendors write a time."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def linked_to(contact_id: str | None, **others: str | None) -> dict:
    """The links of a HubSpot record to a contact and other objects, as the connector reads them."""
    links = {"contacts": contact_id, **others}
    return {
        "associations": {
            name: {"results": [{"id": key, "type": "t"}]} for name, key in links.items() if key
        }
    }
