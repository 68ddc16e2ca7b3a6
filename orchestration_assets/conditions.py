"""Named automation conditions; each clause says which failure it prevents."""

import math
import time
from collections.abc import Mapping, Sequence

import dagster as dg


def activate_when_released() -> dg.AutomationCondition:
    """Request an activation asset once for every update of what it reads.

    `eager()` forgets an update that lands in the tick after a request, or while the activation
    runs. Here the trigger wins: an update stays pending until a request that came after it.
    """
    updated = (
        # Something new to act on, or the asset never ran although its inputs are there.
        dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated())
        | dg.AutomationCondition.newly_missing()
    )
    # A request answers the updates before it; one that arrives in the same tick stays pending.
    answered = dg.AutomationCondition.newly_requested() & ~updated
    pending = updated.since(answered).with_label("pending")
    return (
        pending
        # Only the latest partition, should an activation be partitioned one day.
        & dg.AutomationCondition.in_latest_time_window()
        # Nothing to read yet.
        & ~dg.AutomationCondition.any_deps_missing()
        # The inputs are being rewritten: wait for the version that will stand.
        & ~dg.AutomationCondition.any_deps_in_progress()
        # Two runs of one activation would race for the same ledger rows.
        & ~dg.AutomationCondition.in_progress()
        # A blocking check that failed, warned or never ran on a direct parent holds the activation,
        # in whichever run it happened.
        & dg.AutomationCondition.all_deps_blocking_checks_passed()
    ).with_label("activate_when_released")


WORK_TAG = "accord/work"
LANDING_TAG = {"accord/stage": "landing"}
# On a landing that a change sensor asked for: the streams it leaves out because they are refused.
REFUSED_TAG = "accord/refused"
# The run queue of dagster.yaml lets one run with this tag through at a time.
REFRESH_TAG = {"accord/refresh": "one"}
FIRST_RETRY_S = 60.0
LONGEST_RETRY_S = 3600.0
_WAITING_OR_RUNNING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def active_run(instance: dg.DagsterInstance, job_name: str) -> bool:
    """Whether a run of the job waits or runs; a second one would only queue behind it."""
    return bool(
        instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=_WAITING_OR_RUNNING), limit=1)
    )


def refresh_is_active(instance: dg.DagsterInstance) -> bool:
    """Whether a run that writes the model waits or runs, whatever its job."""
    return _any_active(instance, REFRESH_TAG)


def landing_is_active(instance: dg.DagsterInstance) -> bool:
    """Whether a landing of any system waits or runs."""
    return _any_active(instance, LANDING_TAG)


def only_landings_are_active(instance: dg.DagsterInstance) -> bool:
    """Whether no run waits or runs but those that land and leave the model alone."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_WAITING_OR_RUNNING))
    return all(
        LANDING_TAG.items() <= run.tags.items() and not REFRESH_TAG.items() <= run.tags.items()
        for run in runs
    )


def _any_active(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> bool:
    return bool(
        instance.get_runs(dg.RunsFilter(tags=dict(tags), statuses=_WAITING_OR_RUNNING), limit=1)
    )


def seconds_since_refresh(instance: dg.DagsterInstance) -> float:
    """Seconds since the newest refresh that succeeded ended; infinite when none did."""
    found = instance.get_run_records(
        dg.RunsFilter(tags=REFRESH_TAG, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
    )
    ended = found[0].end_time if found else None
    return math.inf if ended is None else time.time() - ended


def _attempts(instance: dg.DagsterInstance, work: str) -> int:
    return instance.get_runs_count(dg.RunsFilter(tags={WORK_TAG: work}))


def seconds_until_retry(instance: dg.DagsterInstance, work: str) -> float:
    """Seconds to wait before the next attempt at `work`; work is never given up.

    A run key is spent for ever, failed runs included, so the key carries the attempt; without a
    growing pause, work that cannot succeed would be requested at every tick. The pause has an end,
    because what hinders the work may be mended without a trace in the state the work is named by.
    """
    earlier = _attempts(instance, work)
    if not earlier:
        return 0.0
    (last,) = instance.get_run_records(dg.RunsFilter(tags={WORK_TAG: work}), limit=1)
    # From the end on: a long attempt would else be followed by the next one at once.
    ended = last.end_time or last.create_timestamp.timestamp()
    # The exponent is bounded too: the power of a large number of attempts is no float any more.
    pause = min(FIRST_RETRY_S * 2.0 ** min(earlier - 1, 16), LONGEST_RETRY_S)
    return max(0.0, ended + pause - time.time())


def wait_for_retry(what: str, seconds: float) -> dg.SkipReason:
    """Why a tick requests nothing although there is work: `what` is to be done, but not yet."""
    return dg.SkipReason(f"{what}; next attempt in {seconds:.0f} s")


def next_attempt(
    instance: dg.DagsterInstance,
    work: str,
    *,
    asset_selection: Sequence[dg.AssetKey] | None = None,
    tags: Mapping[str, str] | None = None,
) -> dg.RunRequest:
    """The run request for the next attempt at `work`, a text that names durable state to act on."""
    attempt = _attempts(instance, work) + 1
    return dg.RunRequest(
        run_key=f"{work}:{attempt}",
        asset_selection=list(asset_selection) if asset_selection else None,
        tags={WORK_TAG: work, **(tags or {})},
    )


def attempt_or_wait(
    instance: dg.DagsterInstance,
    work: str,
    waiting: str,
    *,
    asset_selection: Sequence[dg.AssetKey] | None = None,
    tags: Mapping[str, str] | None = None,
    cursor: str | None = None,
) -> dg.SensorResult | dg.SkipReason:
    """What a tick that found work to do answers: the next attempt at it, or why not yet.

    Args:
        instance: that holds the earlier attempts.
        work: names durable state to act on.
        waiting: what the last attempt left undone, for the tick that waits.
        asset_selection: the assets to run, where the job has more.
        tags: for the run, beside that of the work.
        cursor: of the tick that requests the run.
    """
    if wait := seconds_until_retry(instance, work):
        return wait_for_retry(waiting, wait)
    request = next_attempt(instance, work, asset_selection=asset_selection, tags=tags)
    return dg.SensorResult(run_requests=[request], cursor=cursor)
