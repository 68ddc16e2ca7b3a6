"""Named automation conditions; each clause says which failure it prevents."""

import math
import time
from collections.abc import Sequence

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
MAX_ATTEMPTS = 5
FIRST_RETRY_S = 60.0
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


def seconds_since_success(instance: dg.DagsterInstance, job_name: str) -> float:
    """Seconds since the newest run of the job that succeeded ended; infinite when none did."""
    found = instance.get_run_records(
        dg.RunsFilter(job_name=job_name, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
    )
    ended = found[0].end_time if found else None
    return math.inf if ended is None else time.time() - ended


def landing_is_active(instance: dg.DagsterInstance) -> bool:
    """Whether a landing of any system waits or runs."""
    return bool(
        instance.get_runs(dg.RunsFilter(tags=LANDING_TAG, statuses=_WAITING_OR_RUNNING), limit=1)
    )


def _attempts(instance: dg.DagsterInstance, work: str) -> list[dg.RunRecord]:
    return list(instance.get_run_records(dg.RunsFilter(tags={WORK_TAG: work}), limit=MAX_ATTEMPTS))


def seconds_until_retry(instance: dg.DagsterInstance, work: str) -> float:
    """Seconds to wait before the next attempt at `work`; infinite when the attempts are used up.

    A run key is spent for ever, failed runs included, so the key carries the attempt; without a
    growing pause, work that cannot succeed would be requested at every tick.
    """
    earlier = _attempts(instance, work)
    if not earlier:
        return 0.0
    if len(earlier) >= MAX_ATTEMPTS:
        return math.inf
    # From the end on: a long attempt would else be followed by the next one at once.
    last = max(record.end_time or record.create_timestamp.timestamp() for record in earlier)
    return max(0.0, last + FIRST_RETRY_S * 2 ** (len(earlier) - 1) - time.time())


def next_attempt(
    instance: dg.DagsterInstance,
    work: str,
    *,
    asset_selection: Sequence[dg.AssetKey] | None = None,
) -> dg.RunRequest:
    """The run request for the next attempt at `work`, a text that names durable state to act on."""
    attempt = len(_attempts(instance, work)) + 1
    return dg.RunRequest(
        run_key=f"{work}:{attempt}",
        asset_selection=list(asset_selection) if asset_selection else None,
        tags={WORK_TAG: work},
    )
