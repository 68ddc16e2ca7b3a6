"""Restrictions: withdrawals count from the moment they are known, whatever the gates say."""

from typing import Any

import structlog

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import FatalError
from orchestration_assets.state.restrictions import Statement, Withdrawal, sync_restrictions

_STATEMENTS = "int_consent_statements_unioned"
_HELD = "int_withdrawals_held"
# A gate can hold a grant, never a restriction. A later grant that the model has goes before.
_WITHDRAWN_IN_HELD = f"""
select h.system, h.record_id, h.purpose, h.channel, h.decided_at, h.email, c.customer_id
from intermediate.{_HELD} as h
left join identity.customer_records as c
    on h.system = c.system and h.record_id = c.record_id
where not exists (
    select 1 from intermediate.int_consent_statements_unioned as s
    where s.system = h.system and s.record_id = h.record_id and s.purpose = h.purpose
        and s.channel = h.channel and s.status = 'granted' and s.decided_at > h.decided_at
)
"""
# A deleted record keeps what it withdrew, but grants nothing.
_NEWEST = """
select system, record_id, purpose, channel, status, decided_at, email, customer_id
from (
    select
        s.system, s.record_id, s.purpose, s.channel, s.status, s.decided_at,
        p.email, c.customer_id,
        row_number() over (
            partition by s.system, s.record_id, s.purpose, s.channel
            order by s.decided_at desc, s.status desc
        ) as recency
    from intermediate.int_consent_statements_unioned as s
    inner join intermediate.int_person_records_unioned as p
        on s.system = p.system and s.record_id = p.record_id
    left join identity.customer_records as c
        on s.system = c.system and s.record_id = c.record_id
    where (
        c.customer_id in (select customer_id from scope.customers)
        or exists (
            select 1 from scope.records as r
            where r.system = p.system and r.stream = p.stream and r.record_id = p.record_id
        )
    ) and (s.status = 'withdrawn' or not s.is_deleted)
) as ranked
where recency = 1
"""


def record_restrictions(deployment: Deployment) -> None:
    """Write what the records in scope withdrew into the state store; lift what they grant again.

    What records withdraw that the landing gate holds is written too.

    Runs before any gate: a gate can hold a grant, never a restriction.

    Raises:
        FatalError: staging was never built.
    """
    with deployment.warehouse.reader() as session:
        if not session.table_exists("intermediate", _STATEMENTS):
            raise FatalError(
                f"There is no intermediate.{_STATEMENTS}, so restrictions cannot be recorded.",
                "build staging first; the asset build_staging does.",
            )
        rows = session.rows(_NEWEST)
        held = session.rows(_WITHDRAWN_IN_HELD) if session.count("scope", "held_loads") else []
    withdrawn = [
        Withdrawal(_statement(row), row["decided_at"], row["email"], row["customer_id"])
        for row in [*(row for row in rows if row["status"] == "withdrawn"), *held]
    ]
    granted = {_statement(row) for row in rows if row["status"] == "granted"}
    granted -= {_statement(row) for row in held}
    written, lifted = sync_restrictions(deployment.state, withdrawn, granted)
    structlog.get_logger(__name__).info("restrictions_recorded", written=written, lifted=lifted)


def _statement(row: dict[str, Any]) -> Statement:
    return Statement(row["purpose"], row["channel"], f"{row['system']}:{row['record_id']}")
