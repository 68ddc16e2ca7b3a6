"""Decisions and delivery: what each journey plans, and what each destination confirmed."""

from collections.abc import Sequence

import dagster as dg

from orchestration_assets.activation.decide import PlanResult
from orchestration_assets.conditions import activate_when_released
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError, RetriableError
from orchestration_assets.governance.raci import Raci
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.activate import all_journeys, deliver_to, plan_journeys
from orchestration_assets.stages.governance import raci_of

GROUP = "activation"
DECISIONS = dg.AssetKey([GROUP, "decisions"])
# In the decisions' metadata: tells after a crash which release was planned from.
RELEASE_NUMBER = "release_number"
RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL)


def _failure(error: AccordError) -> dg.Failure:
    return dg.Failure(str(error), allow_retries=isinstance(error, RetriableError))


def _planned_from(results: Sequence[PlanResult]) -> int:
    """The release that every journey was planned from; 0 when one of them was refused."""
    numbers = [0 if result.refused else result.release_number or 0 for result in results]
    return min(numbers, default=0)


def _decisions(owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=DECISIONS,
        deps=[dg.AssetKey(["marts", name]) for name in all_journeys()],
        group_name=GROUP,
        owners=[f"team:{owner}"],
        kinds={"python"},
        automation_condition=activate_when_released(),
        retry_policy=RETRIES,
        description="Rows planned in the ledger: every journey's released rows under consent and"
        " restrictions, less what the destination already has.",
    )
    def _plan(context: dg.AssetExecutionContext, accord: AccordResource) -> dg.MaterializeResult:
        try:
            results = plan_journeys(accord.open(), context.run.run_id)
        except AccordError as error:
            raise _failure(error) from error
        for result in results:
            if result.refused:
                context.log.warning("%s: %s", result.journey, result.refused)
        return dg.MaterializeResult(
            metadata={
                RELEASE_NUMBER: _planned_from(results),
                "planned": sum(result.planned for result in results),
                "retried": sum(result.retried for result in results),
                "unchanged": sum(result.unchanged for result in results),
                "by_journey": {
                    result.journey: {
                        "planned": result.planned,
                        "retried": result.retried,
                        "unchanged": result.unchanged,
                        "held": dict(result.held),
                        "withdrawn": result.withdrawn,
                        "refused": result.refused or "",
                    }
                    for result in results
                },
            }
        )

    return _plan


def _delivery(destination: str, object_name: str, raci: Raci) -> dg.AssetsDefinition:
    journeys = [
        name
        for name, journey in all_journeys().items()
        if (journey.destination, journey.object_name) == (destination, object_name)
    ]

    owners = sorted({f"team:{raci.accountable('journeys', name)}" for name in journeys})

    @dg.asset(
        key=[GROUP, destination, object_name],
        deps=[DECISIONS],
        group_name=GROUP,
        owners=owners,
        kinds={destination},
        pool=f"{destination}_api",
        automation_condition=dg.AutomationCondition.any_deps_match(
            dg.AutomationCondition.will_be_requested()
        ),
        retry_policy=RETRIES,
        description=f"Rows of {', '.join(journeys)} at {destination}, each with the destination's"
        " own answer in the ledger.",
    )
    def _deliver(context: dg.AssetExecutionContext, accord: AccordResource) -> dg.MaterializeResult:
        try:
            result = deliver_to(accord.open(), destination, object_name, context.run.run_id)
        except AccordError as error:
            raise _failure(error) from error
        if result.error:
            # The rows wait in the ledger for the next delivery; trying at once spends attempts.
            raise dg.Failure(
                result.error, metadata={"confirmed": result.confirmed}, allow_retries=False
            )
        rejected = sum(result.rejected.values())
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": result.confirmed,
                "planned": result.reserved,
                "confirmed": result.confirmed,
                "rejected": rejected,
                "unknown": result.unknown,
                "dead": result.dead,
                "held": dict(result.held),
                "reasons": dict(result.rejected),
            }
        )

    return _deliver


@dg.definitions
def activation() -> dg.Definitions:
    """One asset for the decisions and one for each object of a destination."""
    objects = dict.fromkeys(
        (journey.destination, journey.object_name) for journey in all_journeys().values()
    )
    raci = raci_of(load_settings())
    decisions = _decisions(raci.accountable("layers", GROUP))
    return dg.Definitions(assets=[decisions, *(_delivery(*place, raci) for place in objects)])
