"""Consent from raw records on: which statement counts, and what forbids a sending at once."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from orchestration_assets.deployment import Deployment
from orchestration_assets.identity.refresh import Matching, refresh
from orchestration_assets.stages.restrict import record_restrictions
from orchestration_assets.state.restrictions import restricted_subjects
from orchestration_assets.state.store import open_state
from orchestration_assets.transform import project
from orchestration_assets.warehouse.scope import open_scope
from tests.support.model_world import ModelWorld

NOW = datetime.now(UTC)


def test_a_later_grant_of_a_second_record_does_not_take_a_withdrawal_back(
    duck: ModelWorld,
) -> None:
    for record, said, day in (("k1", "UNSUBSCRIBED", 1), ("k2", "SUBSCRIBED", 2)):
        at = datetime(2025, 3, day, tzinfo=UTC)
        profile = {"id": record, "email": "ann@example.com", "first_name": "Ann"}
        profile |= {"email_consent": said, "email_consent_at": at}
        duck.land("klaviyo", "profiles", profile)
    duck.refresh(tests=False)
    consents = duck.rows("select status, source_count from core.fct_consents")
    assert consents == [{"status": "withdrawn", "source_count": 1}]


def test_a_withdrawal_restricts_before_the_core_is_built_until_its_record_grants_again(
    either: ModelWorld,
) -> None:
    state = open_state(f"sqlite:///{either.home / 'state.sqlite'}")
    deployment = cast("Deployment", SimpleNamespace(warehouse=either.warehouse, state=state))

    def restricted(**said: Any) -> tuple[int, int]:
        either.land("klaviyo", "profiles", {"id": "k1", "email": "Ann@example.com"} | said)
        open_scope(either.warehouse)
        either.build(project.PREPARE, tests=False)
        refresh(either.warehouse, Matching("FR"))
        record_restrictions(deployment)
        customers = list(either.customer_of().values())
        found = restricted_subjects(state, customers, ["ann@example.com"], ("marketing", "email"))
        return len(found[0]), len(found[1])

    at = {"email_consent_at": NOW}
    assert restricted(email_consent="UNSUBSCRIBED", **at) == (1, 1)
    assert restricted(email_consent="SUBSCRIBED", deleted=True, **at) == (1, 1)
    assert restricted(email_consent="SUBSCRIBED", **at) == (0, 0)
    bounced = [{"reason": "HARD_BOUNCE", "timestamp": "2025-03-01T00:00:00Z"}]
    assert restricted(email_consent="SUBSCRIBED", email_suppressed=bounced, **at) == (1, 1)


def test_a_withdrawal_that_the_landing_gate_holds_restricts_all_the_same(
    either: ModelWorld,
) -> None:
    state = open_state(f"sqlite:///{either.home / 'state.sqlite'}")
    deployment = cast("Deployment", SimpleNamespace(warehouse=either.warehouse, state=state))

    def restricted(system: str, stream: str, *, held: bool, **said: Any) -> int:
        load = either.land(system, stream, said)
        if held:
            with either.warehouse.writer("hold") as session:
                of_load = {"id": f"{system}.{stream}:{load}"}
                held_now = "update landing.readings set status = 'held' where reading_id = :id"
                session.execute(held_now, of_load)
        open_scope(either.warehouse)
        either.build(project.PREPARE, tests=False)
        refresh(either.warehouse, Matching("FR"))
        record_restrictions(deployment)
        addresses = ["ann@example.com", "bob@example.com", "eve@example.com"]
        return len(restricted_subjects(state, [], addresses, ("marketing", "email"))[1])

    day = [datetime(2025, 3, day, tzinfo=UTC) for day in range(1, 4)]
    ann = {"id": "k1", "email": "ann@example.com", "email_consent": "SUBSCRIBED"}
    bob = {"id": "71", "email": "bob@example.com", "email_marketing_state": "UNSUBSCRIBED"}
    eve = {"id": "h1", "email": "eve@example.com", "hs_email_optout": True}
    assert restricted("klaviyo", "profiles", held=False, **ann, email_consent_at=day[0]) == 0
    ann["email_consent"] = "UNSUBSCRIBED"
    assert restricted("klaviyo", "profiles", held=True, **ann, email_consent_at=day[1]) == 1
    assert restricted("shopify", "customers", held=True, **bob) == 2
    assert restricted("hubspot", "contacts", held=True, **eve) == 3
    # What is held reaches nothing else, and a later grant that passed takes it back.
    assert either.rows("select email_consent from staging.stg_klaviyo__profiles") == [
        {"email_consent": "SUBSCRIBED"}
    ]
    ann["email_consent"] = "SUBSCRIBED"
    assert restricted("klaviyo", "profiles", held=False, **ann, email_consent_at=day[2]) == 2
