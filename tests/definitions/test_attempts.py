"""Run requests of the sensors: one attempt at a time, growing pauses, never given up."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from orchestration_assets.conditions import (
    FIRST_RETRY_S,
    LANDING_TAG,
    LONGEST_RETRY_S,
    REFRESH_TAG,
    WORK_TAG,
    active_run,
    landing_is_active,
    next_attempt,
    only_landings_are_active,
    refresh_is_active,
    seconds_until_retry,
    wait_for_retry,
)
from orchestration_assets.definitions import defs

WORK = "land_shopify:0123"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.FAILURE,
    job: str = "land_shopify",
    tags: dict[str, str] | None = None,
) -> None:
    create_run_for_test(instance, job_name=job, status=status, tags=tags or {WORK_TAG: WORK})


def test_new_work_is_attempted_at_once(instance: dg.DagsterInstance) -> None:
    assert seconds_until_retry(instance, WORK) == 0


def test_the_pause_doubles_with_every_attempt(instance: dg.DagsterInstance) -> None:
    pauses = []
    for _ in range(4):
        _run(instance)
        pauses.append(seconds_until_retry(instance, WORK))
    assert pauses == pytest.approx([FIRST_RETRY_S * 2**attempt for attempt in range(4)], abs=5)


def test_the_pause_ends(instance: dg.DagsterInstance) -> None:
    _run(instance)
    with mock.patch("time.time", return_value=time.time() + FIRST_RETRY_S + 1):
        assert seconds_until_retry(instance, WORK) == 0


def test_the_pause_counts_from_the_end_of_the_attempt(instance: dg.DagsterInstance) -> None:
    _run(instance, dg.DagsterRunStatus.STARTED)
    (run,) = instance.get_runs()
    time.sleep(1)
    instance.report_run_failed(run)
    assert seconds_until_retry(instance, WORK) > FIRST_RETRY_S - 0.9


def test_work_that_cannot_succeed_is_tried_again_at_a_bounded_pause(
    instance: dg.DagsterInstance,
) -> None:
    keys = set()
    for _ in range(12):
        keys.add(next_attempt(instance, WORK).run_key)
        _run(instance)
    assert len(keys) == 12, "a run key is spent for ever"
    wait = seconds_until_retry(instance, WORK)
    assert wait == pytest.approx(LONGEST_RETRY_S, abs=5)
    assert f"in {wait:.0f} s" in str(wait_for_retry("rows wait", wait).skip_message)
    with mock.patch("time.time", return_value=time.time() + LONGEST_RETRY_S + 1):
        assert seconds_until_retry(instance, WORK) == 0


def test_attempts_at_other_work_do_not_count(instance: dg.DagsterInstance) -> None:
    _run(instance, tags={WORK_TAG: "land_shopify:4567"})
    assert seconds_until_retry(instance, WORK) == 0


def test_each_attempt_has_a_run_key_of_its_own(instance: dg.DagsterInstance) -> None:
    first = next_attempt(instance, WORK)
    again = next_attempt(instance, WORK)
    _run(instance)
    second = next_attempt(instance, WORK)
    assert first.run_key == again.run_key != second.run_key
    assert second.tags[WORK_TAG] == WORK


def test_an_attempt_selects_only_what_it_is_about(instance: dg.DagsterInstance) -> None:
    orders = dg.AssetKey(["raw", "shopify", "orders"])
    assert next_attempt(instance, WORK, asset_selection=[orders]).asset_selection == [orders]
    assert next_attempt(instance, WORK).asset_selection is None


@pytest.mark.parametrize("name", ["NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_a_run_that_waits_or_runs_is_active(instance: dg.DagsterInstance, name: str) -> None:
    _run(instance, dg.DagsterRunStatus[name])
    assert active_run(instance, "land_shopify")
    assert not active_run(instance, "land_hubspot")


@pytest.mark.parametrize("name", ["SUCCESS", "FAILURE", "CANCELED"])
def test_a_run_that_ended_is_not_active(instance: dg.DagsterInstance, name: str) -> None:
    _run(instance, dg.DagsterRunStatus[name], tags=LANDING_TAG)
    assert not active_run(instance, "land_shopify")
    assert not landing_is_active(instance)


def test_a_landing_of_any_system_is_noticed(instance: dg.DagsterInstance) -> None:
    _run(instance, dg.DagsterRunStatus.STARTED, job="refresh_model", tags={"other": "landing"})
    assert not landing_is_active(instance)
    _run(instance, dg.DagsterRunStatus.STARTED, job="land_klaviyo", tags=LANDING_TAG)
    assert landing_is_active(instance)


def test_a_refresh_by_any_job_is_noticed(instance: dg.DagsterInstance) -> None:
    _run(instance, dg.DagsterRunStatus.STARTED, tags=LANDING_TAG)
    assert not refresh_is_active(instance)
    assert only_landings_are_active(instance)
    everything = {**LANDING_TAG, **REFRESH_TAG}
    _run(instance, dg.DagsterRunStatus.STARTED, job="refresh_everything", tags=everything)
    assert refresh_is_active(instance)
    assert landing_is_active(instance)
    assert not only_landings_are_active(instance)


def test_the_run_queue_lets_one_refresh_through_at_a_time(repository: Path, tmp_path: Path) -> None:
    shutil.copyfile(repository / "dagster.yaml", tmp_path / "dagster.yaml")
    (name, value), *others = REFRESH_TAG.items()
    assert not others
    with dg.DagsterInstance.from_config(str(tmp_path)) as configured:
        limits = configured.get_concurrency_config().run_queue_config.tag_concurrency_limits
    assert limits == [{"key": name, "value": value, "limit": 1}]


def test_every_job_that_writes_the_model_waits_for_the_others() -> None:
    jobs = {job.name: job.tags for job in defs().get_repository_def().get_all_jobs()}
    tagged = {name for name, tags in jobs.items() if REFRESH_TAG.items() <= tags.items()}
    assert tagged == {"refresh_model", "refresh_everything", "act_on_release"}
