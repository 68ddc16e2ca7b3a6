"""The inbox's one table, in a metadata of its own: it may live in another store than the state."""

from typing import Any

import sqlalchemy as sa

from orchestration_assets.state.schema import RowId, UtcDateTime

metadata = sa.MetaData()

STATUSES = ("waiting", "leased", "done", "poison", "discarded")
# Literals, never bound values: only so does an engine see that a partial index serves the query.
IS_OPEN = sa.text("status in ('waiting', 'leased')")
IS_LEASED = sa.text("status = 'leased'")
IS_POISON = sa.text("status = 'poison'")
IS_SETTLED_WITH_BODY = sa.text("body is not null and status in ('done', 'discarded')")


def _partial(name: str, column: str, condition: sa.TextClause) -> sa.Index:
    return sa.Index(name, column, sqlite_where=condition, postgresql_where=condition)


def _text(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, **options)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


# A row is never deleted: what retention leaves of it is the key by which a late copy is known.
inbox_events = sa.Table(
    "inbox_events",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True, comment="order of acceptance"),
    _text("system", comment="who sent it; `events` for first-party events"),
    _text("event_id", comment="the sender's name for it"),
    _text("topic"),
    _text("subject", comment="what events are kept in order of: a customer or an object"),
    _moment("occurred_at"),
    _moment("received_at", nullable=False),
    _moment("accepted_at", nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=True, comment="as it came; null after retention"),
    _text("status", server_default="waiting"),
    _count("attempts"),
    _text("owner", nullable=True),
    _moment("lease_until"),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    _moment("not_before"),
    _text("error_class", nullable=True),
    _text("error_text", nullable=True),
    _moment("done_at"),
    _text("decided_by", nullable=True),
    _text("decided_because", nullable=True),
    _moment("decided_at"),
    sa.UniqueConstraint("system", "event_id", name="uq_inbox_events_system_event_id"),
    sa.CheckConstraint(f"status in {STATUSES!r}", name="ck_inbox_events_status_is_known"),
    _partial("ix_inbox_events_open", "id", IS_OPEN),
    _partial("ix_inbox_events_leased", "lease_until", IS_LEASED),
    _partial("ix_inbox_events_poison", "id", IS_POISON),
    _partial("ix_inbox_events_settled", "done_at", IS_SETTLED_WITH_BODY),
)
