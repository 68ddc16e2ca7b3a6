"""The job that a person launches to run everything once."""

import dagster as dg

from orchestration_assets.conditions import LANDING_TAG, REFRESH_TAG

refresh_everything = dg.define_asset_job(
    "refresh_everything",
    # Pages on what happened are no part of the path, and made apart from it.
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("documentation"),
    description="The whole path once: land every system, refresh and judge the model, release it,"
    " decide and deliver.",
    tags={"dagster/max_runtime": "7200", **LANDING_TAG, **REFRESH_TAG},
)


@dg.definitions
def everything() -> dg.Definitions:
    """The job, and the executor of all jobs: steps share a process, systems have own runs."""
    return dg.Definitions(jobs=[refresh_everything], executor=dg.in_process_executor)
