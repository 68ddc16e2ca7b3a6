"""Stewards' decisions on who is who."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "identity_decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("system_one", sa.Text(), nullable=False),
        sa.Column("record_one", sa.Text(), nullable=False),
        sa.Column("system_other", sa.Text(), nullable=False),
        sa.Column("record_other", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("withdrawn_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('together', 'apart')", name=op.f("ck_identity_decisions_kind_is_known")
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_identity_decisions")),
    )


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_table("identity_decisions")
