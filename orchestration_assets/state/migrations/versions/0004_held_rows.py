"""Rows of the model that a gate holds back, and what people decided on them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "held_rows",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="<system>:<record id>, no personal data"
        ),
        sa.Column(
            "fingerprint", sa.Text(), nullable=False, comment="hash of the row as it was judged"
        ),
        sa.Column("first_held_at", MOMENT, nullable=False),
        sa.Column("last_held_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), server_default="held", nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_because", sa.Text(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "status in ('held', 'passed', 'released', 'discarded')",
            name=op.f("ck_held_rows_status_is_known"),
        ),
        sa.PrimaryKeyConstraint("table_name", "row_key", name=op.f("pk_held_rows")),
    )
    op.create_index(op.f("ix_held_rows_status_table_name"), "held_rows", ["status", "table_name"])


def downgrade() -> None:
    """Go back one version."""
    op.drop_table("held_rows")
