"""The settings of gateway and inbox; part of `settings.Settings`, which reads them."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class EventSettings(BaseSettings):
    """Who may send events, what a request may take up, and how long events are kept."""

    inbox_url: str = Field(
        default="",
        description="Where events wait: sqlite:///FILE or postgresql://...; empty: the state's"
        " PostgreSQL, or a SQLite file of its own under home.",
    )
    inbox_attempts: int = Field(
        default=5, gt=0, description="Attempts on an event until it is set aside as poison."
    )
    inbox_queue: int = Field(
        default=10_000, gt=0, description="Events that may wait for the inbox's disk; more are 503."
    )
    inbox_keep_done_days: float = Field(
        default=30.0, ge=0, description="Days that the bodies of events that are done are kept."
    )
    inbox_keep_discarded_days: float = Field(
        default=90.0, ge=0, description="Days that the bodies of discarded events are kept."
    )
    public_url: str = Field(
        default="",
        description="Address under which vendors reach the gateway, https://events.example.com;"
        " HubSpot signs it. Empty: as a request names it.",
    )
    events_keys: dict[str, SecretStr] = Field(
        default={},
        description='Who may send first-party events: {"shop": "a long key"}, or its hash as'
        ' {"shop": "sha256:<hex>"}.',
    )
    events_signing_secrets: SecretStr = Field(
        default=SecretStr(""),
        description="Secrets of senders that sign as Standard Webhooks says, whsec_...; several"
        " with commas between.",
    )
    gateway_body_bytes: int = Field(default=1_048_576, gt=0, description="Largest body it takes.")
    gateway_body_patience_s: float = Field(
        default=10.0, gt=0, description="Seconds within which headers, and then a body, must come."
    )
    gateway_json_depth: int = Field(default=32, gt=0, description="Levels that JSON may have.")
    gateway_batch: int = Field(default=500, gt=0, description="Events that a request may hold.")
    gateway_events_per_s: float = Field(
        default=5_000.0, gt=0, description="Events that a key or a system may send a second."
    )
    gateway_connections: int = Field(
        default=1_000, gt=0, description="Connections at a time; more are told to come back."
    )
    hubspot_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret that HubSpot's webhooks are signed with; empty: none are taken."
        " During a rotation both, with a comma between.",
    )
    shopify_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret that Shopify's webhooks are signed with; empty: none are taken."
        " During a rotation both, with a comma between.",
    )

    def webhook_secrets(self, system: str) -> tuple[str, ...]:
        """Secrets that a system's webhooks are verified with; none when it sends none."""
        return _several(getattr(self, f"{system}_webhook_secret", SecretStr("")))

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """Secrets that signed first-party events are verified with."""
        return _several(self.events_signing_secrets)


def _several(secrets: SecretStr) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, secrets.get_secret_value().split(","))))
