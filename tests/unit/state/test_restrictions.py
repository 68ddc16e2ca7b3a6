"""Who must not be addressed is found for few and for many alike."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration_assets.state.restrictions import (
    EVERYTHING,
    Statement,
    Withdrawal,
    identifier_hash,
    record_restriction,
    restricted_subjects,
    sync_restrictions,
)
from orchestration_assets.state.store import StateStore, open_state

EMAIL = ("marketing", "email")


@pytest.fixture(params=["sqlite", "postgres"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    """An operational store on each engine."""
    if request.param == "postgres":
        return open_state(request.getfixturevalue("postgres_url"))
    return open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")


@pytest.mark.parametrize("others", [0, 20_000])
def test_restrictions_are_found_by_customer_and_by_address(tmp_path: Path, others: int) -> None:
    state = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    now = datetime.now(UTC)
    record_restriction(state, "cus_a", "customer", *EMAIL, "hubspot", now)
    record_restriction(state, "cus_a", "customer", *EMAIL, "hubspot", now)
    record_restriction(state, "cus_b", "customer", "marketing", "sms", "klaviyo", now)
    record_restriction(state, "cus_c", "customer", EVERYTHING, EVERYTHING, "erasure", now)
    subject = identifier_hash(" Dan@Example.org")
    record_restriction(state, subject, "identifier", *EMAIL, "klaviyo", now)
    more = [f"x{number}" for number in range(others)]
    customers, addresses = restricted_subjects(
        state,
        ["cus_a", "cus_b", "cus_c", *more],
        ["dan@example.org", "eve@example.org", *more],
        EMAIL,
    )
    assert customers == {"cus_a", "cus_c"}
    assert addresses == {"dan@example.org"}


def test_every_spelling_of_a_restricted_address_is_found(state: StateStore) -> None:
    subject = identifier_hash("dan@example.org")
    record_restriction(state, subject, "identifier", *EMAIL, "klaviyo", datetime.now(UTC))
    spellings = ["Dan@example.org", "dan@example.org", " DAN@example.org"]
    assert restricted_subjects(state, [], spellings, EMAIL) == (set(), set(spellings))


def test_a_grant_lifts_what_its_own_record_withdrew_only(state: StateStore) -> None:
    now = datetime.now(UTC)
    first, second = (Statement(*EMAIL, f"klaviyo:{name}") for name in ("k1", "k2"))
    both = [Withdrawal(one, now, "dan@example.org", "cus_a") for one in (first, second)]
    assert sync_restrictions(state, both, set()) == (4, 0)
    assert sync_restrictions(state, both, set()) == (4, 0)
    assert sync_restrictions(state, [], {first}) == (0, 2)
    look = (state, ["cus_a"], ["dan@example.org"], EMAIL)
    assert restricted_subjects(*look) == ({"cus_a"}, {"dan@example.org"})
    assert sync_restrictions(state, [], {second}) == (0, 2)
    assert restricted_subjects(*look) == (set(), set())


def test_a_withdrawal_follows_its_record_to_another_customer(state: StateStore) -> None:
    now = datetime.now(UTC)
    stated = Statement(*EMAIL, "klaviyo:k1")
    sync_restrictions(state, [Withdrawal(stated, now, "old@example.org", "cus_a")], set())
    sync_restrictions(state, [Withdrawal(stated, now, "new@example.org", "cus_b")], set())
    addresses = {"old@example.org", "new@example.org"}
    found = restricted_subjects(state, ["cus_a", "cus_b"], addresses, EMAIL)
    assert found == ({"cus_b"}, addresses)
