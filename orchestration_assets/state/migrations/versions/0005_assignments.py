"""Who is in the control group of a journey; the ledger is found by customer and by what is open."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
OPEN = "state <> 'confirmed' and (state <> 'dead' or substr(coalesce(reason, ''), 1, 5) <> 'held:')"


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "assignments",
        sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("in_control", sa.Boolean(), nullable=False),
        sa.Column("assigned_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("journey", "salt", "customer_id", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_ledger_customer_id_journey"), "ledger", ["customer_id", "journey"])
    op.drop_index(op.f("ix_ledger_customer_id_state"), table_name="ledger")
    op.create_index(
        "ix_ledger_open_journey",
        "ledger",
        ["journey"],
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_index("ix_ledger_open_journey", table_name="ledger")
    op.create_index(op.f("ix_ledger_customer_id_state"), "ledger", ["customer_id", "state"])
    op.drop_index(op.f("ix_ledger_customer_id_journey"), table_name="ledger")
    op.drop_table("assignments")
