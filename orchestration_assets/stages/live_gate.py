"""The gates of the live lane: the suites of a refresh over what one transaction has written.

A suite is asked where a row of its table differs from what is released; everything else is what
passed before. A broken rule of any kind but a warning leaves the batch to a refresh, which holds
rows, tells people and goes by their word.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from orchestration_assets.deployment import Deployment
from orchestration_assets.stages.gate import REQUIRED_FOR_RELEASE, verdict_of
from orchestration_assets.stages.gate_history import figures_of_last_release
from orchestration_assets.state.verdicts import Verdict, newest_verdicts
from orchestration_assets.warehouse.changed_rows import Changes
from orchestration_assets.warehouse.live_release import LeftToRefresh, copy_changes, forget_copies
from orchestration_assets.warehouse.release import last_release, model_version
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES
from orchestration_assets.warehouse.session import Session
from orchestration_assets.warehouse.sql import identifier
from quality.catalog import CORE_SUITES, PAYLOAD_SUITES
from quality.rules import Batch, Reach, Severity, Suite, SuiteResult
from quality.runner import judge_suites
from quality.thresholds import figure_parameters, volume_parameters
from quality.warm import WarmGates

Admit = Callable[..., tuple[SuiteResult, list[Verdict]]]
_IN_SCOPE = "customer_id in (select customer_id from scope.customers)"


class LiveGate:
    """Judges with Great Expectations kept warm; of one thread.

    Args:
        deployment: the deployment.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._gates = WarmGates(deployment.warehouse.dialect)

    def refuse_while_held(self, session: Session) -> None:
        """Nothing new is planned while the newest candidate of a refresh is held by a gate.

        Raises:
            LeftToRefresh: it is.
        """
        version = model_version(session)
        if version is None:
            return
        judged = newest_verdicts(self._deployment.state, version, REQUIRED_FOR_RELEASE)
        held = sorted(verdict.suite for verdict in judged.values() if not verdict.passed)
        if held:
            raise LeftToRefresh(f"the newest model is held by {', '.join(held)}")

    def admit(
        self, inner: Deployment, session: Session, loads: Sequence[str], admit_loads: Admit
    ) -> list[Verdict]:
        """The landing gate over these loads alone.

        Raises:
            LeftToRefresh: it holds them.
        """
        with self._gates.over(session.lent) as datasource:
            result, verdicts = admit_loads(
                inner, session, loads, lambda suite: judge_suites([suite], datasource)[0]
            )
        _refuse_unless_clean(result)
        return verdicts

    def judge_core(
        self, session: Session, touched: Mapping[str, str], version: str
    ) -> dict[str, Verdict]:
        """Judge the touched rows of core tables; the verdict of each suite that was asked.

        Raises:
            LeftToRefresh: a rule is broken, or a suite could not be judged.
        """
        suites = [suite for suite in CORE_SUITES if _bare(suite) in touched]
        changes = {}
        for suite in suites:
            table = _bare(suite)
            key = RELEASED_TABLES[table]
            names = ", ".join(identifier(name) for name in key)
            condition = f"({names}) in (select {names} from {touched[table]})"
            changes[suite.table] = copy_changes(session, "core", table, condition, _unique(suite))
        return self._judge(session, suites, changes, version)

    def judge_payload(self, session: Session, journey: str, version: str) -> list[Verdict]:
        """Judge the rows of a journey whose customers are in scope; nothing where it has none.

        Raises:
            LeftToRefresh: a rule is broken, or there is no suite over the journey.
        """
        suite = PAYLOAD_SUITES.get(journey)
        if suite is None:
            raise LeftToRefresh(f"no suite guards {journey}")
        if not session.scalar(f"select count(*) from {suite.table} where {_IN_SCOPE}"):
            return []
        change = copy_changes(session, "journeys", journey, _IN_SCOPE, _unique(suite))
        return list(self._judge(session, [suite], {suite.table: change}, version).values())

    def _judge(
        self,
        session: Session,
        suites: Sequence[Suite],
        changes: Mapping[str, Changes],
        version: str,
    ) -> dict[str, Verdict]:
        if not suites:
            return {}
        batches = {table: Batch(one.changed, one.keys) for table, one in changes.items()}
        parameters = _parameters(session, [_bare(suite) for suite in suites])
        with self._gates.over(session.lent) as datasource:
            results = judge_suites(suites, datasource, parameters, batches)
        forget_copies(session, changes.values())
        for result in results:
            _refuse_unless_clean(result)
        now = datetime.now(UTC)
        return {result.suite: verdict_of(result, version, "", version, now) for result in results}


def _parameters(session: Session, tables: Sequence[str]) -> dict[str, float]:
    newest = last_release(session)
    return {
        **volume_parameters(tables, newest["table_rows"] if newest else {}),
        **figure_parameters(figures_of_last_release(session, tables)),
    }


def _refuse_unless_clean(result: SuiteResult) -> None:
    if not result.passed or result.held:
        broken = [one.rule for one in result.failures if one.severity is not Severity.WARNING]
        reason = f"{result.suite}: {'; '.join(broken) or result.reason}"
        raise LeftToRefresh(reason, is_of_rows=True)


def _bare(suite: Suite) -> str:
    return suite.table.partition(".")[2]


def _unique(suite: Suite) -> list[tuple[str, ...]]:
    return [rule.columns for rule in suite.rules if rule.reach is Reach.KEYS]
