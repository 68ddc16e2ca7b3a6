"""Documents of the world as the objects that the GraphQL resolvers pass on."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sandbox.world.model import Document, World

TABLES = {
    "Customer": "shopify.customers",
    "Order": "shopify.orders",
    "Product": "shopify.products",
    "AbandonedCheckout": "shopify.abandoned_checkouts",
    "SubscriptionContract": "shopify.subscription_contracts",
}


class Record(NamedTuple):
    """One object: its GraphQL type, the vendor's number and the document behind it."""

    kind: str
    id: str
    document: Document


@dataclass(slots=True)
class PageInfo:
    """Cursors of a page; None where it is empty."""

    start_cursor: str | None
    end_cursor: str | None
    has_next: bool
    has_previous: bool


@dataclass(slots=True)
class Connection:
    """One page of a connection."""

    nodes: list[Any]
    cursors: list[str]
    page_info: PageInfo
    warnings: list[dict[str, Any]] = field(default_factory=list)


def gid(kind: str, number: object) -> str:
    """The vendor's global identifier."""
    text = str(number)
    return text if text.startswith("gid://") else f"gid://shopify/{kind}/{text}"


def number_of(identifier: object) -> str:
    """The number at the end of a global identifier."""
    return str(identifier).rsplit("/", 1)[-1].split("?", 1)[0]


def find_record(world: World, kind: str, identifier: object) -> Record | None:
    """The living document with this identifier."""
    number = number_of(identifier)
    if str(identifier).startswith("gid://") and gid(kind, number) != str(identifier):
        return None
    document = world.tables[TABLES[kind]].get(number)
    if document is None or document["archived_at"] is not None:
        return None
    return Record(kind, number, document)


def iso(value: Any) -> str | None:
    """A time as the vendor writes it, to the second; text that is no time passes unchanged."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def money(value: Any) -> str:
    """An amount as the vendor writes it."""
    return "0.0" if value is None else str(value)
