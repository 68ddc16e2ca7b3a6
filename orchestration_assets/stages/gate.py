"""Gates: judge a version of the model, keep the verdicts, and open or close the incidents."""

from collections.abc import Sequence
from datetime import UTC, datetime

from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import BlockedError
from orchestration_assets.stages.gate_alerts import tell_of_gates
from orchestration_assets.stages.gate_docs import keep_findings
from orchestration_assets.stages.gate_history import figures_of_last_release
from orchestration_assets.stages.gate_rows import batches, changes_to_judge, keep_held
from orchestration_assets.stages.masking import mask_again
from orchestration_assets.state.held_rows import settled
from orchestration_assets.state.verdicts import Verdict, newest_verdicts, record_verdicts
from orchestration_assets.warehouse.release import (
    ReleaseResult,
    bound_to,
    last_release,
    model_version,
    payload_version,
    release,
)
from orchestration_assets.warehouse.scope import consume, current_scope
from orchestration_assets.warehouse.session import Session
from quality.catalog import CORE_SUITES, PAYLOAD_SUITES, blocking
from quality.rules import Suite, SuiteResult
from quality.runner import run_suites
from quality.thresholds import figure_parameters, volume_parameters

REQUIRED_FOR_RELEASE = blocking(CORE_SUITES)
_PAYLOAD_NAMES = frozenset(suite.name for suite in PAYLOAD_SUITES.values())


def judge(deployment: Deployment, suites: Sequence[Suite], run_id: str) -> list[SuiteResult]:
    """Judge the suites over the model as it stands and bind the verdicts to its version.

    Rules on single rows look at what changed since the last release; rows that break them are held
    back while the rest pass. A verdict over a payload is bound to the build of the journeys too.

    Raises:
        BlockedError: there is no finished build of what is judged.
    """
    warehouse = deployment.warehouse
    tables = [suite.table.partition(".")[2] for suite in suites]
    # One hold of the lock, so that what is judged is what the verdicts name.
    with warehouse.exclusive("gates"):
        with warehouse.writer("gates: collect what changed") as session:
            names = {suite.name: _subject(session, suite.name) for suite in suites}
            newest = last_release(session)
            scope = current_scope(session)
            figures = figures_of_last_release(session)
            changes = changes_to_judge(deployment, session, suites, model_version(session) or "")
        parameters: dict[str, float] = {
            **volume_parameters(tables, newest["table_rows"] if newest else {}),
            **figure_parameters(figures),
        }
        passing = settled(deployment.state)
        results = run_suites(suites, warehouse.url, parameters, batches(changes), passing)
        # Under the lock: what the live lane adds from now on is no part of what was judged.
        decided_at = datetime.now(UTC)
        with warehouse.writer("gates: hold rows") as session:
            keep_held(deployment, session, results, names)
    candidate = scope.candidate_id if scope else ""
    verdicts = [
        verdict_of(result, names[result.suite], candidate, run_id, decided_at) for result in results
    ]
    record_verdicts(deployment.state, verdicts)
    keep_findings(deployment, results, run_id)
    tell_of_gates(deployment, verdicts, REQUIRED_FOR_RELEASE)
    return results


def _subject(session: Session, suite: str) -> str:
    """What a verdict of the suite is bound to."""
    version = model_version(session)
    if version is None:
        raise BlockedError(
            "There is no finished build of the core model to judge.",
            "see why a core model was not built, then build the core models again.",
        )
    if suite not in _PAYLOAD_NAMES:
        return version
    payload = payload_version(session)
    if payload is None:
        raise BlockedError(
            "There is no finished build of the journeys on the newest release to judge.",
            "see why a journey was not built, then build the audiences and journeys again.",
        )
    return bound_to(version, payload)


def publish(deployment: Deployment) -> ReleaseResult:
    """Release the version that was judged.

    Raises:
        BlockedError: a required suite did not pass exactly this version.
    """
    released = release(
        deployment.warehouse,
        REQUIRED_FOR_RELEASE,
        lambda version: newest_verdicts(deployment.state, version),
        consume,
    )
    # A table whose shape changed was made anew, and the views over it went with the old one.
    mask_again(deployment)
    return released


def verdict_of(
    result: SuiteResult, version: str, candidate: str, run_id: str, decided_at: datetime
) -> Verdict:
    """What is kept of a judgement."""
    return Verdict(
        suite=result.suite,
        model_version=version,
        candidate_id=candidate,
        passed=result.passed,
        severity=result.severity.value,
        evaluated=result.evaluated,
        expected=result.expected,
        failed_rules=[failure.in_words for failure in result.failures],
        rows_failed=max((failure.unexpected_count or 0 for failure in result.failures), default=0),
        held=len(result.held),
        rows_judged=result.rows_judged,
        rows=result.rows,
        table=result.table,
        reason=result.reason,
        details=[
            {
                "rule": failure.rule,
                "column": failure.column,
                "rows": failure.unexpected_count,
                "share": failure.share,
                "observed": failure.observed,
                "severity": failure.severity.value,
                "customers": failure.customers,
                "references": list(failure.references),
            }
            for failure in result.failures
        ],
        run_id=run_id,
        decided_at=decided_at,
    )
