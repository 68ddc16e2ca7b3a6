"""All settings, and the only place that reads the environment (prefix `ACCORD_`, file `.env`)."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from orchestration_assets.event_settings import EventSettings

# A set variable, even an empty one, wins over `.env`: what a sandbox makes up never reaches the
# stores and the channels of a deployment.
_NOTHING_OF_A_DEPLOYMENT = {
    "ACCORD_WAREHOUSE_URL": "",
    "ACCORD_STATE_URL": "",
    "ACCORD_INBOX_URL": "",
    "ACCORD_SLACK_WEBHOOK_URL": "",
    "ACCORD_SLACK_WEBHOOKS": "{}",
    "ACCORD_TEAMS_WEBHOOK_URL": "",
    "ACCORD_TEAMS_WEBHOOKS": "{}",
    "ACCORD_PAGERDUTY_ROUTING_KEY": "",
    "ACCORD_PAGERDUTY_ROUTING_KEYS": "{}",
    "ACCORD_SERVICENOW_BASE_URL": "",
    "ACCORD_SMTP_HOST": "",
}
# The names and values by which the libraries underneath stop reporting their use.
TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "SODA_CORE_TELEMETRY_ENABLED": "false",
}


class Settings(EventSettings):
    """What a deployment can change without touching code. Every name is `ACCORD_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="ACCORD_", env_file=".env", extra="ignore")

    config_dir: Path = Field(
        default=Path(__file__).resolve().parents[1] / "config",
        description="Folder of what a team edits, raci.yml and alerts.yml; by default `config`"
        " beside the code.",
    )
    home: Path = Field(
        default=Path(".accord"), description="Folder of the embedded stores, locks and work files."
    )
    warehouse_url: str = Field(
        default="", description="duckdb:///FILE or postgresql://...; empty: DuckDB under home."
    )
    state_url: str = Field(
        default="", description="sqlite:///FILE or postgresql://...; empty: SQLite under home."
    )
    default_region: str = Field(
        default="FR", description="ISO country assumed for phone numbers without a country code."
    )
    identity_accept_weight: float = Field(
        default=7.0, description="Log2 odds from which two records without a common key are one."
    )
    identity_review_weight: float = Field(
        default=2.0, description="Log2 odds from which a steward is asked about two records."
    )
    analyst_role: str = Field(
        default="accord_analyst",
        description="PostgreSQL role that sees the masked views of the schema `analyst` alone.",
    )
    masking_salt: SecretStr = Field(
        default=SecretStr(""),
        description="Secret text in every hash of the masked views, 16 characters or more; once it"
        " is set, each release on PostgreSQL keeps the views up to date.",
    )
    writer_lock_timeout_s: float = Field(
        default=600.0, description="Seconds to wait for the warehouse writer lock."
    )

    hubspot_base_url: str = Field(
        default="https://api.hubapi.com", description="Address of HubSpot's API."
    )
    hubspot_token: SecretStr = Field(
        default=SecretStr(""), description="Access token of a HubSpot private app."
    )
    hubspot_requests_per_10s: int = Field(
        default=190, gt=0, description="Calls per ten seconds; other tools share the account."
    )
    hubspot_searches_per_s: int = Field(default=5, gt=0, description="Search calls a second.")
    hubspot_search_lag_s: float = Field(
        default=120.0,
        ge=0,
        description="HubSpot's search index may lag behind writes; "
        "seconds that each pass reads again.",
    )

    shopify_base_url: str = Field(default="", description="https://SHOP.myshopify.com")
    shopify_token: SecretStr = Field(
        default=SecretStr(""), description="Admin API access token of the shop."
    )
    shopify_api_version: str = Field(
        default="2026-07", description="Version of Shopify's Admin API."
    )
    shopify_bulk_patience_s: float = Field(
        default=3600.0, gt=0, description="Longest wait for one bulk operation, in seconds."
    )

    klaviyo_base_url: str = Field(
        default="https://a.klaviyo.com", description="Address of Klaviyo's API."
    )
    klaviyo_token: SecretStr = Field(
        default=SecretStr(""), description="Private API key of the Klaviyo account."
    )
    klaviyo_revision: str = Field(
        default="2026-07-15", description="Revision of Klaviyo's API, a date."
    )
    klaviyo_requests_per_second: int | None = Field(
        default=None,
        gt=0,
        description="Calls a second; empty: Klaviyo's limits, 75 for reads and 10 for bulk jobs.",
    )
    klaviyo_requests_per_minute: int | None = Field(
        default=None,
        gt=0,
        description="Calls a minute; empty: Klaviyo's limits, 750 for reads and 150 for bulk jobs.",
    )
    klaviyo_job_patience_s: float = Field(
        default=600.0, gt=0, description="Longest wait for one chunk's bulk jobs, in seconds."
    )

    reference_dir: str = Field(
        default="",
        description="Folder of costs.csv and exchange_rates.csv; empty: `reference` in config_dir.",
    )

    slack_webhook_url: SecretStr = Field(
        default=SecretStr(""), description="Incoming webhook for alerts; empty: none."
    )
    slack_webhooks: dict[str, SecretStr] = Field(
        default={}, description='Webhooks of teams\' own channels, {"crm": "https://..."}.'
    )
    teams_webhook_url: SecretStr = Field(
        default=SecretStr(""), description="Workflow webhook of Microsoft Teams for alerts."
    )
    teams_webhooks: dict[str, SecretStr] = Field(
        default={}, description='Workflow webhooks of teams\' own, {"crm": "https://..."}.'
    )
    pagerduty_base_url: str = Field(
        default="https://events.pagerduty.com", description="Address of PagerDuty's Events API."
    )
    pagerduty_routing_key: SecretStr = Field(
        default=SecretStr(""), description="Integration key of the PagerDuty service for alerts."
    )
    pagerduty_routing_keys: dict[str, SecretStr] = Field(
        default={}, description='Integration keys of teams\' own services, {"crm": "..."}.'
    )
    servicenow_base_url: str = Field(
        default="", description="https://INSTANCE.service-now.com; empty: no incidents there."
    )
    servicenow_user: str = Field(default="", description="User that opens the incidents.")
    servicenow_password: SecretStr = Field(
        default=SecretStr(""), description="Password of that user."
    )
    smtp_host: str = Field(default="", description="Mail server for alerts; empty: no e-mail.")
    smtp_port: int = Field(default=587, gt=0, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is secured; none only without login."
    )
    smtp_user: str = Field(default="", description="Name to log in with; empty: no login.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password of that name.")
    smtp_from: str = Field(
        default="accord@localhost", description="Address that alerts by e-mail come from."
    )
    dagster_url: str = Field(
        default="http://127.0.0.1:3000", description="Where the Dagster UI is, for links in alerts."
    )
    docs_url: str = Field(
        default="http://127.0.0.1:3001",
        description="Address of the folder `docs` in home, for links to pages on the gates;"
        " `accord ui` serves it there.",
    )
    log_level: str = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR; less is not written."
    )
    log_format: str = Field(default="console", description="console or json")

    @model_validator(mode="after")
    def _find_reference(self) -> "Settings":
        self.reference_dir = self.reference_dir or str(self.config_dir / "reference")
        return self

    @cached_property
    def root(self) -> Path:
        """`home` as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def docs_folder(self) -> Path:
        """Folder of the documentation, which `docs_url` is the address of."""
        return self.root / "docs"

    @property
    def resolved_warehouse_url(self) -> str:
        """The warehouse's address, the embedded DuckDB file when none is set."""
        return self.warehouse_url or f"duckdb:///{self.root / 'warehouse.duckdb'}"

    @property
    def resolved_state_url(self) -> str:
        """The state store's address, the embedded SQLite file when none is set."""
        return self.state_url or f"sqlite:///{self.root / 'state.sqlite'}"

    @property
    def resolved_inbox_url(self) -> str:
        """The inbox's address: beside the state on PostgreSQL, else a file of its own."""
        if self.inbox_url:
            return self.inbox_url
        if self.state_url.startswith(("postgresql://", "postgres://")):
            return self.state_url
        return f"sqlite:///{self.root / 'inbox.db'}"

    def connection(self, system: str) -> dict[str, str]:
        """Plain values a connector needs: `base_url`, `token` and its own options, where set."""
        prefix = f"{system}_"
        values = {
            name.removeprefix(prefix): value
            for name, value in self.__dict__.items()
            if name.startswith(prefix) and name != f"{prefix}webhook_secret" and value is not None
        }
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in values.items()
        }


def load_settings() -> Settings:
    """Read the settings now; call it inside functions, never at import."""
    return Settings()


def turn_telemetry_off() -> None:
    """Set, for this process and its children, what keeps the libraries from reporting their use."""
    os.environ.update(TELEMETRY_OFF)


def set_environment(values: Mapping[str, str]) -> None:
    """Set variables for this process and its children, before the settings are read."""
    os.environ.update(values)


def work_on_sandbox(home: Path, variables: Mapping[str, str]) -> None:
    """Point this process and its children at a sandbox, with embedded stores in a home of its own.

    Args:
        home: folder of the stores.
        variables: what the sandbox says of its systems.
    """
    set_environment({**_NOTHING_OF_A_DEPLOYMENT, "ACCORD_HOME": str(home), **variables})


def setting_of_tool(name: str) -> str:
    """Value of a variable that belongs to another tool (`DAGSTER_HOME`); empty when unset."""
    return os.environ.get(name, "")
