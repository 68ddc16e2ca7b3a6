"""Which systems there are, what each offers, and how to open one.

Nothing is imported or called before it is needed: listing the catalog costs no network and no
HTTP library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

from orchestration_assets.connectors.kit.webhooks import Webhook
from orchestration_assets.errors import FatalError
from orchestration_assets.model import Source, Stream, Writer

_PACKAGE = "orchestration_assets.connectors"


@dataclass(frozen=True)
class SystemEntry:
    """One system as its owner sees it.

    Args:
        name: folder of the connector, prefix of its raw schema and of its settings.
        title: the vendor's own spelling.
        category: `crm`, `commerce`, `marketing` or `finance`.
        description: one sentence.
        source: module and class that reads it.
        writers: object name to module and class that writes it.
        docs_url: the vendor's page on how to get the credentials, or the file in this repository
            that says what is needed.
        requires: what its connection must say.
        webhook: module and class that verifies and reads its webhooks; empty: it sends none.
    """

    name: str
    title: str
    category: str
    description: str
    source: str
    docs_url: str
    writers: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ("base_url", "token")
    webhook: str = ""

    @cached_property
    def streams(self) -> Mapping[str, Stream]:
        """Contracts of what can be read, by name."""
        return import_module(f"{_PACKAGE}.{self.name}.streams").STREAMS

    def missing(self, connection: Mapping[str, str]) -> list[str]:
        """Names of the settings that it requires and that are empty.

        Args:
            connection: what `Settings.connection` says.
        """
        return [
            f"ACCORD_{self.name}_{name}".upper()
            for name in self.requires
            if not connection.get(name)
        ]

    @property
    def writable(self) -> tuple[str, ...]:
        """Names of the objects that can be written."""
        return tuple(self.writers)


SYSTEMS: Mapping[str, SystemEntry] = {
    entry.name: entry
    for entry in (
        SystemEntry(
            name="hubspot",
            title="HubSpot",
            category="crm",
            description="Contacts, companies, deals, tickets and survey answers; contacts go back.",
            source="hubspot.source:HubSpotSource",
            writers={"contacts": "hubspot.writer:HubSpotContactsWriter"},
            webhook="hubspot.webhook:HubSpotWebhook",
            docs_url="https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview",
        ),
        SystemEntry(
            name="shopify",
            title="Shopify",
            category="commerce",
            description="Customers, orders, carts, subscriptions and products of the shop.",
            source="shopify.source:ShopifySource",
            webhook="shopify.webhook:ShopifyWebhook",
            docs_url="https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens",
        ),
        SystemEntry(
            name="klaviyo",
            title="Klaviyo",
            category="marketing",
            description=(
                "Profiles, events, lists and campaigns; profiles go back and join a list, and what "
                "happened to them goes back as events."
            ),
            source="klaviyo.source:KlaviyoSource",
            writers={
                "profiles": "klaviyo.writer:KlaviyoProfilesWriter",
                "events": "klaviyo.events_writer:KlaviyoEventsWriter",
            },
            docs_url="https://developers.klaviyo.com/en/docs/authenticate_",
        ),
        SystemEntry(
            name="reference",
            title="Reference data",
            category="finance",
            description="Costs and exchange rates that a team keeps in CSV files.",
            source="reference.source:ReferenceSource",
            docs_url="config/reference/README.md",
            requires=("dir",),
        ),
    )
}


def all_streams() -> list[Stream]:
    """Every stream of every system, in the order of the catalog."""
    return [stream for entry in SYSTEMS.values() for stream in entry.streams.values()]


def open_source(system: str, connection: Mapping[str, str], **overrides: Any) -> Source:
    """Make the source of a system; nothing is called yet.

    Args:
        system: a name in `SYSTEMS`.
        connection: what `Settings.connection` says.
        overrides: keyword arguments of the source, for instance `policy`.

    Raises:
        FatalError: unknown system, or a setting is empty.
    """
    entry = _entry(system)
    _require(entry, connection)
    return _load(entry.source)(connection, **overrides)


def open_writer(
    system: str, object_name: str, connection: Mapping[str, str], **overrides: Any
) -> Writer:
    """Make the writer of one object of a system; nothing is called yet.

    Args:
        system: a name in `SYSTEMS`.
        object_name: one of the system's `writable`.
        connection: what `Settings.connection` says.
        overrides: keyword arguments of the writer, for instance `policy`.

    Raises:
        FatalError: unknown system or object, or a setting is empty.
    """
    entry = _entry(system)
    if object_name not in entry.writers:
        offered = ", ".join(entry.writable) or "none"
        raise FatalError(
            f"{system} has no object named {object_name!r} that can be written.",
            f"choose one that it has: {offered}.",
        )
    _require(entry, connection)
    return _load(entry.writers[object_name])(connection, **overrides)


def open_webhook(system: str) -> Webhook:
    """Make what verifies and reads the webhooks of a system.

    Args:
        system: a name in `SYSTEMS`.

    Raises:
        FatalError: unknown system, or it sends none that are read here.
    """
    entry = _entry(system)
    if not entry.webhook:
        sending = ", ".join(name for name, one in SYSTEMS.items() if one.webhook)
        raise FatalError(
            f"No webhooks of {system} are read here.", f"choose one of {sending}, or read it."
        )
    return _load(entry.webhook)()


def _entry(system: str) -> SystemEntry:
    if system not in SYSTEMS:
        raise FatalError(
            f"There is no connector for {system!r}.", f"choose one of {', '.join(SYSTEMS)}."
        )
    return SYSTEMS[system]


def _require(entry: SystemEntry, connection: Mapping[str, str]) -> None:
    missing = entry.missing(connection)
    if missing:
        raise FatalError(
            f"{entry.name} is not connected: {missing[0]} is empty.",
            f"set {' and '.join(missing)} (see {entry.docs_url}).",
        )


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(f"{_PACKAGE}.{module}"), name)
