"""The check `arrived_whole` on each raw asset: what the landing gate says of the stream.

The gate judges where the scope is opened, so the check runs right after it in the same run and
reads what was found. It blocks nobody: what is held is not in the scope, all else goes on.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration_assets.connectors.catalog import all_streams
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.stages.landing_incidents import waiting_readings
from quality.suites.landing import NAME

_SCOPE = dg.AssetKey(["scope", "state"])
_SPECS = [
    dg.AssetCheckSpec(
        NAME,
        asset=dg.AssetKey(["raw", stream.system, stream.name]),
        additional_deps=[_SCOPE],
        description="What arrived is complete and plausible beside what arrived before: ids, times,"
        " required and usual columns, no version twice, no mass deletion, no doubling, few broken"
        " records. A reading that does not keep this is held and stays out of the model.",
    )
    for stream in all_streams()
]


@dg.multi_asset_check(name="landing_gate", specs=_SPECS, can_subset=True)
def landing_gate(
    context: dg.AssetCheckExecutionContext, accord: AccordResource
) -> Iterator[dg.AssetCheckResult]:
    """Report for each stream what the gate holds of it, or could not judge."""
    try:
        waiting = waiting_readings(accord.open())
    except AccordError as error:
        raise dg.Failure(str(error)) from error
    for key in sorted(context.selected_asset_check_keys):
        system, stream = key.asset_key.path[1:]
        rows = waiting.get(f"{system}.{stream}", [])
        why = [row["rule"] or "it could not be judged" for row in rows]
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=not rows,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(dict.fromkeys(why)) or None,
            metadata={
                "readings_held": len(rows),
                "rows_held": sum(row["rows"] for row in rows),
                "loads_held": [load for row in rows for load in row["loads"]],
            },
        )
