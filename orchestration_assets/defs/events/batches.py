"""The asset under which the live worker notes what it did."""

import dagster as dg

from orchestration_assets.settings import load_settings
from orchestration_assets.stages.events import LIVE_BATCHES
from orchestration_assets.stages.governance import raci_of


@dg.definitions
def live_batches() -> dg.Definitions:
    """Nothing depends on it, so that noting a batch asks for no run."""
    owner = raci_of(load_settings()).accountable("layers", "events")
    return dg.Definitions(
        assets=[
            dg.AssetSpec(
                list(LIVE_BATCHES),
                group_name="events",
                owners=[f"team:{owner}"],
                kinds={"python"},
                description="Small batches of events that the live worker brought to their actions:"
                " how many events, records and customers, the newest release, and the mean seconds"
                " of each step.",
            )
        ]
    )
