"""The whole path over real HTTP, told as a story: each test starts where the one before ended."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration_assets.connectors.catalog import SYSTEMS
from sandbox.client import start_sandbox
from tests.support.deployed import Deployed

CUSTOMERS = 400
FRACTION = 0.01
# A few of the orders, far below the share that shuts a gate and fewer than arrive anew.
A_FEW = 0.003
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """One deployment and one sandbox for the whole module."""
    home = tmp_path_factory.mktemp("path")
    with start_sandbox(home, customers=CUSTOMERS, seed=11, tier="unlimited") as sandbox:
        yield Deployed(home, sandbox)


def test_the_first_run_lands_resolves_judges_releases_and_sends(deployed: Deployed) -> None:
    figures = deployed.run()
    assert figures["failed_steps"] == []
    assert figures["rows"]["landed"] > 5 * CUSTOMERS
    assert figures["gates"]["failed"] == 0
    assert figures["gates"]["passed"] >= 8
    assert figures["identity"]["precision"] >= 0.99
    assert figures["identity"]["recall"] >= 0.93
    sent = deployed.rows_sent()
    for system in ("hubspot", "klaviyo"):
        assert figures["sent"][system]["confirmed"] == sent[system] > 0


def test_a_second_run_sends_nothing_and_lands_only_what_accord_made(deployed: Deployed) -> None:
    before = deployed.rows_sent()
    figures = deployed.run()
    assert figures["failed_steps"] == []
    assert deployed.rows_sent() == before
    landed = {name for name, rows in figures["rows"]["streams"].items() if rows["landed"]}
    # The list, the profiles and the events that the first run made at Klaviyo are new there.
    assert landed <= {"klaviyo/lists", "klaviyo/profiles", "klaviyo/events"}


def test_a_third_run_lands_nothing_and_sends_nothing(deployed: Deployed) -> None:
    before = deployed.rows_sent()
    figures = deployed.run()
    assert (figures["rows"]["landed"], figures["rows"]["deleted"]) == (0, 0)
    assert deployed.rows_sent() == before


def test_after_a_small_change_only_what_changed_is_read_and_sent(deployed: Deployed) -> None:
    before = deployed.rows_sent()
    changes = deployed.sandbox.control("/mutate", {"fraction": FRACTION})
    touched = sum(len(ids) for ids in changes["ids"].values())
    figures = deployed.run()
    assert figures["failed_steps"] == []
    rows = figures["rows"]
    assert 0 < rows["landed"] + rows["deleted"] <= touched
    # Boundaries are inclusive: of each stream the records of the newest instant are read again.
    # HubSpot and Klaviyo hold many such, those that Accord itself wrote a moment ago.
    read = {name: counts["read"] for name, counts in rows["streams"].items()}
    for name in ("hubspot/companies", "hubspot/deals", "shopify/products", "klaviyo/events"):
        assert read[name] <= 1 + touched
    assert read["shopify/customers"] + read["shopify/orders"] <= touched + 2
    assert rows["read"] <= CUSTOMERS / 4
    new = {system: count - before[system] for system, count in deployed.rows_sent().items()}
    assert 0 < sum(new.values()) <= 3 * touched


def test_a_few_broken_rows_are_held_while_the_rest_is_released_and_sent(
    deployed: Deployed,
) -> None:
    before, alerts = deployed.rows_sent(), len(deployed.alerts())
    deployed.sandbox.control("/mutate", {"fraction": 4 * FRACTION})
    broken = deployed.corrupt_orders(A_FEW, newest=True)
    figures = deployed.run()
    assert (figures["failed_steps"], figures["gates"]["failed"]) == ([], 0)
    assert sum(deployed.rows_sent().values()) > sum(before.values())
    held = deployed.held("core.fct_orders")
    assert {row["source"] for row in held} == broken
    assert deployed.released_orders(broken) == set()
    told = str(deployed.alerts()[alerts:])
    assert "Rows held" in told
    assert "Gate failed" not in told


def test_held_rows_leave_and_are_sent_once_they_are_mended_at_the_source(
    deployed: Deployed,
) -> None:
    broken = {row["source"] for row in deployed.held("core.fct_orders")}
    before, alerts = deployed.rows_sent(), len(deployed.alerts())
    deployed.sandbox.control("/heal", {})
    figures = deployed.run()
    assert (figures["failed_steps"], figures["gates"]["failed"]) == ([], 0)
    assert deployed.held() == []
    assert deployed.released_orders(broken) == broken
    # What their customers are worth has changed with them.
    assert sum(deployed.rows_sent().values()) > sum(before.values())
    assert "resolved" in str(deployed.alerts()[alerts:]).lower()


def test_corrupted_input_shuts_the_gate_sends_nothing_and_tells_people(deployed: Deployed) -> None:
    requests, alerts = len(deployed.requests()), len(deployed.alerts())
    deployed.sandbox.control("/corrupt", {})
    figures = deployed.run()
    assert figures["success"] is False
    assert figures["gates"]["failed"] >= 1
    assert len(deployed.requests()) == requests
    told = deployed.alerts()[alerts:]
    text = str(told)
    assert "Gate failed" in text
    assert "rows" in text
    assert "mend the source or the model" in text
    assert "@" not in text.replace("@example.com", "")


def test_a_later_run_does_not_send_while_the_gate_is_shut(deployed: Deployed) -> None:
    requests = len(deployed.requests())
    figures = deployed.run()
    assert figures["gates"]["failed"] >= 1
    assert len(deployed.requests()) == requests


def test_after_the_repair_everything_goes_on_and_people_are_told(deployed: Deployed) -> None:
    deployed.sandbox.control("/heal", {})
    alerts = len(deployed.alerts())
    figures = deployed.run()
    assert figures["failed_steps"] == []
    assert figures["gates"]["failed"] == 0
    assert "resolved" in str(deployed.alerts()[alerts:]).lower()


def test_a_failing_test_of_dbt_on_another_model_holds_the_release_and_is_told(
    deployed: Deployed,
) -> None:
    """Order lines are of no use to any journey; what the change would send waits all the same."""
    deployed.write_past_the_scope(
        "insert into core.fct_order_lines select * replace (-1 as quantity)"
        " from core.fct_order_lines order by order_id limit 1"
    )
    deployed.sandbox.control("/mutate", {"fraction": 4 * FRACTION})
    requests, alerts, since = len(deployed.requests()), len(deployed.alerts()), time.time()
    figures = deployed.run()
    deployed.tell_of_runs(since)
    assert figures["success"] is False
    assert len(deployed.requests()) == requests
    told = str(deployed.alerts()[alerts:])
    assert "build_core" in told
    assert "unique_fct_order_lines_order_line_id" in told
    deployed.write_past_the_scope("delete from core.fct_order_lines where quantity = -1")
    assert deployed.run()["failed_steps"] == []
    assert len(deployed.requests()) > requests


def test_each_trouble_stays_with_its_system_and_says_what_to_do(deployed: Deployed) -> None:
    """Shopify is down, Klaviyo's key is wrong, HubSpot sends malformed records and a new field."""
    deployed.sandbox.control("/malform", {"count": 6})
    deployed.sandbox.control("/drift", {})
    deployed.sandbox.control("/faults", {"system": "shopify", "profile": "down"})
    try:
        figures = deployed.run(ACCORD_KLAVIYO_TOKEN="pk_not-the-right-one")
    finally:
        deployed.sandbox.control("/faults", {"system": "shopify", "profile": "none"})
    failed = figures["failed_steps"]
    down = [line for line in failed if line.startswith("raw__shopify")]
    assert len(down) == len(SYSTEMS["shopify"].streams)
    assert all("shopify: POST /admin/api" in line and "Next step:" in line for line in down)
    refused = [line for line in failed if line.startswith("raw__klaviyo")]
    assert len(refused) == len(SYSTEMS["klaviyo"].streams)
    assert all("ACCORD_KLAVIYO_TOKEN" in line for line in refused)
    assert "pk_not-the-right-one" not in str(figures)
    landed = {name.split("/")[0] for name in figures["rows"]["streams"]}
    assert landed == {"hubspot", "reference"}
    assert figures["rows"]["quarantined"] >= 1
    assert figures["rows"]["quarantined_by_reason"]
    assert figures["rows"]["landed"] > 0
    assert "raw/hubspot/contacts: fields_are_known" in figures["checks"]["failures"]


def test_every_run_is_recorded_under_the_home(deployed: Deployed) -> None:
    runs = list((Path(deployed.home) / "dagster" / "history" / "runs").glob("*.db"))
    assert len(runs) >= 8
