"""Schedules and sensors alone move the data: a real `dagster dev`, told as a story.

No test here launches, ticks or clicks anything; each starts where the one before ended.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestration_assets.defs.activation.automation import UNPLANNED_AFTER_S
from sandbox.client import start_sandbox
from tests.support.browser import open_browser
from tests.support.dagster_dev import ENDED, DagsterDev, dagster_dev

CUSTOMERS = 300
# Generous: on an idle machine each stage takes a fifth of it.
PATIENCE_S = 240.0
# Two ticks of every sensor that acts on what changed, landed or was released.
QUIET_S = 30.0
DESTINATIONS = {"hubspot", "klaviyo"}
ACTIVATION = "__ASSET_JOB"
ORDERS_GATE = "orders_are_complete_and_valued"

pytestmark = [pytest.mark.long(minutes=10), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterDev]:
    """One sandbox and one `dagster dev` for the whole module."""
    home = tmp_path_factory.mktemp("dev")
    with (
        start_sandbox(home, customers=CUSTOMERS, seed=11, tier="unlimited") as sandbox,
        dagster_dev(sandbox) as running,
    ):
        yield running


def test_what_the_systems_hold_is_landed_released_and_sent_by_itself(dev: DagsterDev) -> None:
    dev.wait_until(
        "rows confirmed at both destinations",
        PATIENCE_S,
        lambda: dev.rows_sent().keys() >= DESTINATIONS,
    )


def test_a_small_change_is_sent_by_itself(dev: DagsterDev) -> None:
    dev.wait_until("the first activation ended", PATIENCE_S, lambda: not _active(dev, ACTIVATION))
    before = sum(dev.rows_sent().values())
    dev.sandbox.control("/mutate", {"fraction": 0.02})
    dev.wait_until(
        "further rows at a destination",
        PATIENCE_S,
        lambda: sum(dev.rows_sent().values()) > before,
    )


def test_corrupted_input_shuts_the_gate_and_people_are_told_what_to_do(dev: DagsterDev) -> None:
    told = len(dev.alerts())
    dev.sandbox.control("/corrupt", {})
    dev.wait_until(
        "an alert about a gate",
        PATIENCE_S,
        lambda: "Gate failed" in str(dev.alerts()[told:]),
    )
    text = str(dev.alerts()[told:])
    assert "rows" in text
    assert "mend the source or the model" in text
    assert dev.url in text
    dev.wait_until(
        "the held refresh ended, and no delivery from before it runs",
        PATIENCE_S,
        lambda: not _active(dev, "refresh_model", ACTIVATION),
    )
    sent = len(dev.requests())
    time.sleep(15)  # a tick of the activation's sensor and more
    assert len(dev.requests()) == sent


@pytest.mark.browser
def test_the_browser_shows_which_rule_shut_the_gate_and_records_that_break_it(
    dev: DagsterDev,
) -> None:
    with open_browser() as browser:
        browser.open(f"{dev.url}/assets/marts/fct_orders?view=checks&checkDetail={ORDERS_GATE}")
        # The held refresh is tried again meanwhile, and shows nothing until it has ended.
        browser.wait_for_text("Nothing new goes on", PATIENCE_S)
        for text in ("currencies are ones we trade in", "holds these rows back", "shopify:70000"):
            browser.wait_for_text(text)
        assert "@" not in browser.text()
        assert any(link.endswith(f"/gates/{ORDERS_GATE}.html") for link in browser.links())


def test_after_the_repair_the_activation_goes_out_again_and_people_are_told(
    dev: DagsterDev,
) -> None:
    before, told = sum(dev.rows_sent().values()), len(dev.alerts())
    dev.sandbox.control("/mutate", {"fraction": 0.02})
    dev.sandbox.control("/heal", {})
    dev.wait_until(
        "rows sent again",
        PATIENCE_S,
        lambda: sum(dev.rows_sent().values()) > before,
    )
    dev.wait_until(
        "the news that it is resolved",
        PATIENCE_S,
        lambda: "resolved" in str(dev.alerts()[told:]).lower(),
    )


def test_once_everything_has_settled_no_further_run_is_launched(dev: DagsterDev) -> None:
    def settled() -> bool:
        runs = dev.runs()
        newest = max(run["creationTime"] for run in runs)
        return all(run["status"] in ENDED for run in runs) and time.time() - newest > QUIET_S

    dev.wait_until(f"{QUIET_S:.0f} s without a new run", PATIENCE_S, settled)


def test_a_release_that_nobody_planned_from_is_acted_on_by_itself(dev: DagsterDev) -> None:
    number = dev.release_alone(age=timedelta(seconds=2 * UNPLANNED_AFTER_S))
    work = {"key": "accord/work", "value": f"act_on_release:{number}"}
    dev.wait_until(
        "a run that acts on the release",
        PATIENCE_S,
        lambda: [run for run in dev.runs() if work in run["tags"] and run["status"] == "SUCCESS"],
    )
    assert dev.planned_from() == number


@pytest.mark.browser
def test_the_browser_shows_groups_checks_and_finished_runs(dev: DagsterDev) -> None:
    with open_browser() as browser:
        browser.open(f"{dev.url}/asset-groups")
        for group in ("raw_hubspot", "staging_shopify", "core", "released", "activation"):
            browser.wait_for_text(group)
        browser.open(
            f"{dev.url}/assets/marts/dim_customers?view=checks"
            "&checkDetail=customers_are_complete_and_unique"
        )
        browser.wait_for_text("customers_are_complete_and_unique")
        browser.wait_for_text("Succeeded")
        (page,) = {link for link in browser.links() if "/gates/" in link}
        browser.open(page)
        browser.wait_for_text("What the gate decided")
        browser.open(f"{dev.url}/runs?q%5B0%5D=status%3ASUCCESS")
        browser.wait_for_text("Success")
        browser.wait_for_text("refresh_model")


def test_no_work_was_launched_twice(dev: DagsterDev) -> None:
    attempts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in reversed(dev.runs()):
        for tag in run["tags"]:
            if tag["key"] == "accord/work":
                attempts[tag["value"]].append(run)
    again = {
        work: [run["status"] for run in runs[:-1]]
        for work, runs in attempts.items()
        if any(run["status"] != "FAILURE" for run in runs[:-1])
    }
    assert attempts
    assert not again, f"work that had succeeded was launched again: {again}"


def test_every_release_is_activated_at_most_once(dev: DagsterDev) -> None:
    ended = [run for run in dev.runs() if run["status"] == "SUCCESS"]
    activations = [run for run in ended if run["jobName"] == ACTIVATION]
    # A release that was made outside of any run counts too.
    assert 0 < len(activations) <= dev.planned_from()


def test_no_tick_failed(dev: DagsterDev) -> None:
    ticks = dev.ticks()
    assert {"model_refresh_sensor", "activation_automation", "alert_sensor"} <= ticks.keys()
    failed = [
        f"{name} {datetime.fromtimestamp(tick['timestamp'], UTC):%X}: {tick['error']['message']}"
        for name, own in ticks.items()
        for tick in own
        if tick["error"]
    ]
    assert not failed


def _active(dev: DagsterDev, *jobs: str) -> list[dict[str, Any]]:
    return [run for run in dev.runs() if run["jobName"] in jobs and run["status"] not in ENDED]
