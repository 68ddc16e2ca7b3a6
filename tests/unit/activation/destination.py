"""A destination of the tests' own, and the stores that lie before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orchestration_assets.activation.decide import PlanResult, plan
from orchestration_assets.activation.deliver import deliver
from orchestration_assets.activation.journeys import Journey
from orchestration_assets.errors import FatalError
from orchestration_assets.model import OutgoingRow, RowResult, RowStatus
from orchestration_assets.state.schema import ledger
from orchestration_assets.state.store import StateStore
from orchestration_assets.state.verdicts import Verdict, newest_verdicts, record_verdicts
from orchestration_assets.warehouse.engine import Warehouse
from orchestration_assets.warehouse.release import release
from tests.support.candidate import finish_candidate

SUITE = "customers_are_complete_and_unique"
JOURNEY = Journey(
    name="jrn_winback",
    destination="shop",
    object_name="people",
    purpose="marketing",
    channel="email",
    target_key="email",
    payload={"email": "email", "value": "lifetime_value"},
    options={"list_name": "lapsed"},
)


class FakeDestination:
    """Keeps what it accepts under its upsert key; can reject, stay silent, refuse or die."""

    system = "shop"
    object_name = "people"

    def __init__(self) -> None:
        self.people: dict[str, Any] = {}
        self.calls: list[list[OutgoingRow]] = []
        self.reject: set[str] = set()
        self.silent = False
        self.refuse = False
        self.die_after_accepting = False

    def write(self, rows: Sequence[OutgoingRow], options: Mapping[str, Any]) -> list[RowResult]:
        self.calls.append(list(rows))
        assert options == {"list_name": "lapsed"}
        if self.refuse:
            raise FatalError("shop: the token is wrong.", "set it.")
        if self.silent:
            return [RowResult(row.idempotency_key, RowStatus.UNKNOWN) for row in rows]
        results = []
        for row in rows:
            if row.target_key in self.reject:
                reason = "address does not exist"
                results.append(RowResult(row.idempotency_key, RowStatus.REJECTED, reason))
                continue
            self.people[row.target_key] = dict(row.payload)
            results.append(RowResult(row.idempotency_key, RowStatus.CONFIRMED, None, "ref"))
        if self.die_after_accepting:
            raise KeyboardInterrupt
        return results


@dataclass
class World:
    warehouse: Warehouse
    state: StateStore
    shop: FakeDestination
    version: int = 0

    def build(self, people: Mapping[str, float], *, consents: Sequence[str] | None = None) -> str:
        """Rebuild core and the journey for these people; everybody consents unless said so."""
        self.version += 1
        with self.warehouse.writer("build") as session:
            session.execute("delete from core.fct_consents")
            session.execute("delete from journeys.jrn_winback")
            for name in people if consents is None else consents:
                session.execute(
                    "insert into core.fct_consents (customer_id, purpose, channel, is_granted) "
                    "values (:id, 'marketing', 'email', true)",
                    {"id": name},
                )
            for name, value in people.items():
                session.execute(
                    "insert into journeys.jrn_winback values (:id, :email, :value)",
                    {"id": name, "email": f"{name}@example.org", "value": value},
                )
            session.execute("delete from scope.model_version")
            session.execute(
                "insert into scope.model_version values (:version, now())",
                {"version": f"v{self.version}"},
            )
            finish_candidate(session, f"v{self.version}")
        return f"v{self.version}"

    def judge(self, *, passed: bool = True) -> None:
        verdict = Verdict(
            SUITE,
            f"v{self.version}",
            "candidate",
            passed,
            evaluated=2,
            expected=2,
            reason="" if passed else "a customer is one row (3 rows)",
        )
        record_verdicts(self.state, [verdict])

    def publish(self, people: Mapping[str, float], **options: Any) -> None:
        self.build(people, **options)
        self.judge()
        release(
            self.warehouse,
            [SUITE],
            lambda version: newest_verdicts(self.state, version),
            lambda session, number: None,
        )

    def plan(self, run_id: str, journey: Journey = JOURNEY, **options: Any) -> PlanResult:
        return plan(self.warehouse, self.state, journey, run_id, [SUITE], **options)

    def deliver(self, run_id: str, **options: Any) -> Any:
        return deliver(self.state, self.shop, [JOURNEY], run_id, **options)

    def rows(self) -> list[dict[str, Any]]:
        return self.state.rows(sa.select(ledger).order_by(ledger.c.id))

    def states(self) -> dict[str, str]:
        return {row["customer_id"]: row["state"] for row in self.rows()}
