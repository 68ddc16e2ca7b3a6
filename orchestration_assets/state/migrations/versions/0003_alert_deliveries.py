"""Alerts are acknowledged, and what each channel was told of them has a table of its own."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Where the version before kept the channels that an alert had gone out on.
DELIVERED_TO = "delivered_to"


def upgrade() -> None:
    """Go to this version."""
    op.add_column("alerts", sa.Column("severity_since", MOMENT, nullable=True))
    op.add_column("alerts", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("alerts", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.add_column("alerts", sa.Column("acknowledged_at", MOMENT, nullable=True))
    op.add_column("alerts", sa.Column("acknowledged_by", sa.Text(), nullable=True))
    op.add_column("alerts", sa.Column("acknowledged_note", sa.Text(), nullable=True))
    op.create_index(op.f("ix_alerts_delivered_at"), "alerts", ["delivered_at"], unique=False)
    op.create_table(
        "alert_deliveries",
        sa.Column("alert_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="log, slack, email:crm, ..."),
        sa.Column("told_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told_level", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "told_acknowledged", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column(
            "reference", sa.Text(), nullable=True, comment="what the vendor calls the incident"
        ),
        sa.Column("folded_into", ROW_ID, nullable=True, comment="id of the storm that told of it"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", "address", name=op.f("pk_alert_deliveries")),
    )
    op.create_index(
        op.f("ix_alert_deliveries_folded_into"), "alert_deliveries", ["folded_into"], unique=False
    )
    op.create_table(
        "alert_channels",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", MOMENT, nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_alert_channels")),
    )
    _carry_over()
    op.drop_column("alerts", "delivery_attempts")
    op.drop_column("alerts", "delivery_error")


def downgrade() -> None:
    """Go back to the version before."""
    op.add_column("alerts", sa.Column("delivery_error", sa.Text(), nullable=True))
    op.add_column(
        "alerts",
        sa.Column("delivery_attempts", sa.Integer(), server_default="0", nullable=False),
    )
    op.drop_table("alert_channels")
    op.drop_table("alert_deliveries")
    op.drop_index(op.f("ix_alerts_delivered_at"), table_name="alerts")
    for name in (
        "acknowledged_note",
        "acknowledged_by",
        "acknowledged_at",
        "revision",
        "version",
        "severity_since",
    ):
        op.drop_column("alerts", name)


def _carry_over() -> None:
    """Keep in mind who was told of what is not settled yet, so that nobody is told again."""
    alerts = sa.table(
        "alerts",
        sa.column("id", ROW_ID),
        sa.column("body", JSON),
        sa.column("updated_at", MOMENT),
        sa.column("resolved_at", MOMENT),
        sa.column("delivered_at", MOMENT),
    )
    deliveries = sa.table(
        "alert_deliveries",
        sa.column("alert_id", ROW_ID),
        sa.column("address", sa.Text()),
        sa.column("told_version", sa.Integer()),
        sa.column("told_revision", sa.Integer()),
        sa.column("told_at", MOMENT),
    )
    connection = op.get_bind()
    unsettled = sa.or_(alerts.c.resolved_at.is_(None), alerts.c.delivered_at.is_(None))
    for alert in connection.execute(sa.select(alerts).where(unsettled)).mappings().all():
        body = dict(alert["body"])
        told = body.pop(DELIVERED_TO, None) or []
        connection.execute(sa.update(alerts).where(alerts.c.id == alert["id"]).values(body=body))
        for address in told:
            row = {"alert_id": alert["id"], "address": address, "told_at": alert["updated_at"]}
            row |= {"told_version": 1, "told_revision": 1}
            connection.execute(sa.insert(deliveries).values(row))
