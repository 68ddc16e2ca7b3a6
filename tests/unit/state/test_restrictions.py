"""Who must not be addressed is found for few and for many alike."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration_assets.state.restrictions import (
    EVERYTHING,
    identifier_hash,
    record_restriction,
    restricted_subjects,
)
from orchestration_assets.state.store import open_state

EMAIL = ("marketing", "email")


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
