"""All tables of the operational store. A change here needs a migration in `migrations/versions`."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Json = sa.JSON().with_variant(JSONB(), "postgresql")
# SQLite numbers its rows only where the key's type is exactly INTEGER.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC; always aware in Python, whichever the engine."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Turn an aware moment into UTC; SQLite keeps it without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored; pass an aware one")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(
        self,
        value: datetime | None,
        dialect: sa.Dialect,
    ) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id() -> sa.Column[int]:
    return sa.Column("id", RowId, primary_key=True, autoincrement=True)


def _text(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, **options)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def _count(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=str(default))


quarantine = sa.Table(
    "quarantine",
    metadata,
    _id(),
    _text("system"),
    _text("stream"),
    _text("record_id"),
    _text("reason"),
    _text("rule"),
    _text("raw_record"),
    _moment("first_seen_at"),
    _moment("last_seen_at"),
    _count("attempts", 1),
    _text("status", server_default="held"),
    sa.UniqueConstraint("system", "stream", "record_id"),
    sa.CheckConstraint("status in ('held', 'released', 'discarded')", name="status_is_known"),
)

schema_drift = sa.Table(
    "schema_drift",
    metadata,
    _text("system", primary_key=True),
    _text("stream", primary_key=True),
    _text("path", primary_key=True),
    _moment("first_seen_at"),
    _moment("last_seen_at"),
    _count("records"),
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    _id(),
    _text("suite"),
    _text("model_version"),
    _text("candidate_id"),
    sa.Column("passed", sa.Boolean, nullable=False),
    _text("severity"),
    _count("evaluated"),
    _count("expected"),
    sa.Column("failed_rules", Json, nullable=False),
    _count("rows_failed"),
    sa.Column("details", Json, nullable=False),
    _text("run_id", nullable=True),
    _moment("decided_at"),
    sa.Index(None, "candidate_id", "suite"),
    sa.Index(None, "suite", "decided_at"),
)

LEDGER_STATES = ("planned", "reserved", "sent", "confirmed", "rejected", "dead")
# Rows that a plan may still end. A query that is to find the index says the same words.
LEDGER_OPEN = (
    "state <> 'confirmed' and (state <> 'dead' or substr(coalesce(reason, ''), 1, 5) <> 'held:')"
)

ledger = sa.Table(
    "ledger",
    metadata,
    _id(),
    _text("idempotency_key", unique=True),
    _text("destination"),
    _text("object"),
    _text("journey"),
    _text("customer_id"),
    _text("target_key"),
    sa.Column("payload", Json, nullable=False),
    _text("payload_hash"),
    sa.Column("release_number", sa.BigInteger, nullable=True),
    _text("state", server_default="planned"),
    _text("reason", nullable=True),
    _count("attempts"),
    _text("vendor_reference", nullable=True),
    _moment("planned_at"),
    _moment("sent_at", nullable=True),
    _moment("settled_at", nullable=True),
    _text("run_id", nullable=True),
    sa.CheckConstraint(f"state in {LEDGER_STATES!r}", name="state_is_known"),
    sa.Index(None, "destination", "object", "state"),
    sa.Index(None, "journey", "target_key"),
    sa.Index(None, "customer_id", "journey"),
    # What went out long ago, or was held, is most of the ledger.
    sa.Index(
        "ix_ledger_open_journey",
        "journey",
        sqlite_where=sa.text(LEDGER_OPEN),
        postgresql_where=sa.text(LEDGER_OPEN),
    ),
)

assignments = sa.Table(
    "assignments",
    metadata,
    _text("journey", primary_key=True),
    _text("salt", primary_key=True),
    _text("customer_id", primary_key=True),
    sa.Column("in_control", sa.Boolean, nullable=False),
    _moment("assigned_at"),
)

event_times = sa.Table(
    "event_times",
    metadata,
    _id(),
    _text("system"),
    _text("topic"),
    _text("event_id", comment="the sender's name for it"),
    _moment("occurred_at", nullable=True),
    _moment("received_at"),
    _moment("accepted_at"),
    _moment("landed_at", nullable=True),
    _moment("released_at", nullable=True),
    _moment("decided_at", nullable=True),
    _text("journey", nullable=True),
    _text("destination", nullable=True),
    sa.Column("ledger_id", sa.BigInteger, nullable=True, comment="the row that it led to"),
    sa.Index(None, "received_at"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    _id(),
    _text("dedup_key"),
    _text("severity"),
    _text("title"),
    sa.Column("body", Json, nullable=False),
    _moment("opened_at"),
    _moment("updated_at"),
    _moment("resolved_at", nullable=True),
    _moment("delivered_at", nullable=True),
    _count("occurrences", 1),
    _moment("severity_since", nullable=True),
    _count("version", 1),
    _count("revision", 1),
    _moment("acknowledged_at", nullable=True),
    _text("acknowledged_by", nullable=True),
    _text("acknowledged_note", nullable=True),
    sa.Index(None, "delivered_at"),
    # One open alert for a key, any number of resolved ones.
    sa.Index(
        "uq_alerts_open_dedup_key",
        "dedup_key",
        unique=True,
        sqlite_where=sa.text("resolved_at is null"),
        postgresql_where=sa.text("resolved_at is null"),
    ),
)

alert_deliveries = sa.Table(
    "alert_deliveries",
    metadata,
    sa.Column("alert_id", RowId, primary_key=True, autoincrement=False),
    _text("address", primary_key=True, comment="log, slack, email:crm, ..."),
    _count("told_version"),
    _count("told_revision"),
    _count("told_level"),
    sa.Column("told_acknowledged", sa.Boolean, nullable=False, server_default=sa.false()),
    _moment("told_at", nullable=True),
    _text("reference", nullable=True, comment="what the vendor calls the incident"),
    sa.Column("folded_into", RowId, nullable=True, comment="id of the storm that told of it"),
    _count("attempts"),
    _moment("next_attempt_at", nullable=True),
    _text("error", nullable=True),
    sa.Index(None, "folded_into"),
)

alert_channels = sa.Table(
    "alert_channels",
    metadata,
    _text("address", primary_key=True),
    _count("failures"),
    _moment("failing_since"),
    _moment("next_attempt_at"),
    _text("error"),
)

restrictions = sa.Table(
    "restrictions",
    metadata,
    _text("subject", primary_key=True, comment="customer id, or hash of an identifier"),
    _text("subject_kind", primary_key=True, comment="customer or identifier"),
    _text("purpose", primary_key=True),
    _text("channel", primary_key=True),
    _text("source", primary_key=True),
    _moment("since"),
    _moment("recorded_at"),
    sa.CheckConstraint("subject_kind in ('customer', 'identifier')", name="subject_kind_is_known"),
)

identity_decisions = sa.Table(
    "identity_decisions",
    metadata,
    _text("decision_id", primary_key=True),
    _text("kind"),
    _text("system_one"),
    _text("record_one"),
    _text("system_other"),
    _text("record_other"),
    _text("reason"),
    _text("decided_by"),
    _moment("decided_at"),
    _text("withdrawn_by", nullable=True),
    _moment("withdrawn_at", nullable=True),
    _text("withdrawn_because", nullable=True),
    sa.CheckConstraint("kind in ('together', 'apart')", name="kind_is_known"),
)

held_rows = sa.Table(
    "held_rows",
    metadata,
    _text("table_name", primary_key=True),
    _text("row_key", primary_key=True),
    _text("suite"),
    _text("rule"),
    _text("source", comment="<system>:<record id>, no personal data"),
    _text("fingerprint", comment="hash of the row as it was judged"),
    _moment("first_held_at"),
    _moment("last_held_at"),
    _text("status", server_default="held"),
    _text("decided_by", nullable=True),
    _text("decided_because", nullable=True),
    _moment("decided_at", nullable=True),
    sa.CheckConstraint(
        "status in ('held', 'passed', 'released', 'discarded')", name="status_is_known"
    ),
    sa.Index(None, "status", "table_name"),
)
