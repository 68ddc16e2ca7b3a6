"""Truth table of the condition that starts an activation."""

import dagster as dg
import pytest

from orchestration_assets.conditions import activate_when_released


def _definitions(*, check_passes: bool = True) -> dg.Definitions:
    @dg.asset
    def journey() -> None: ...

    @dg.asset_check(asset=journey, blocking=True)
    def payload_is_sound() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=check_passes)

    @dg.asset(deps=[journey], automation_condition=activate_when_released())
    def decisions() -> None: ...

    return dg.Definitions(assets=[journey, decisions], asset_checks=[payload_is_sound])


def _build(instance: dg.DagsterInstance, *, check_passes: bool = True) -> None:
    """Materialise the journey with its check, as a model run does."""
    definitions = _definitions(check_passes=check_passes)
    definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection={dg.AssetKey("journey")},
        asset_check_selection={dg.AssetCheckKey(dg.AssetKey("journey"), "payload_is_sound")},
    ).execute_in_process(instance=instance, raise_on_error=False)


# Dagster's own evaluation helper uses a parameter that Dagster calls beta.
pytestmark = pytest.mark.filterwarnings("ignore:Parameter .include_sources.")


class Ticks:
    """Evaluates the condition tick by tick with the cursor carried over."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor = None

    def requested(self) -> int:
        """Number of assets that this tick requests."""
        result = dg.evaluate_automation_conditions(
            defs=_definitions(), instance=self.instance, cursor=self.cursor
        )
        self.cursor = result.cursor
        return result.total_requested


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_nothing_is_requested_while_the_journey_was_never_built(
    instance: dg.DagsterInstance,
) -> None:
    ticks = Ticks(instance)
    assert [ticks.requested(), ticks.requested()] == [0, 0]


def test_a_built_and_passed_journey_is_requested_once(instance: dg.DagsterInstance) -> None:
    ticks = Ticks(instance)
    ticks.requested()
    _build(instance)
    assert [ticks.requested(), ticks.requested(), ticks.requested()] == [1, 0, 0]


def test_a_failed_blocking_check_holds_the_request_until_it_passes(
    instance: dg.DagsterInstance,
) -> None:
    ticks = Ticks(instance)
    ticks.requested()
    _build(instance, check_passes=False)
    assert [ticks.requested(), ticks.requested()] == [0, 0]
    _build(instance)
    assert [ticks.requested(), ticks.requested()] == [1, 0]


def test_an_update_in_the_tick_after_a_request_is_requested_again(
    instance: dg.DagsterInstance,
) -> None:
    ticks = Ticks(instance)
    ticks.requested()
    _build(instance)
    assert ticks.requested() == 1
    _build(instance)
    assert [ticks.requested(), ticks.requested()] == [1, 0]
