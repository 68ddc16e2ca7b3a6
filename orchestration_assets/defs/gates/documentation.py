"""The pages on the gates, made apart from the refresh, which never waits for them."""

import dagster as dg

from orchestration_assets.conditions import active_run, attempt_or_wait
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.gate_docs import docs_due, gate_link, write_gate_docs
from orchestration_assets.stages.governance import raci_of

GROUP = "documentation"
INTERVAL_S = 60


def _pages(owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["documentation", "gates"],
        group_name=GROUP,
        owners=[f"team:{owner}"],
        kinds={"html"},
        description="Great Expectations' pages on the newest validation of every suite: counts and"
        " names of records, no personal data. Files in the folder docs/gates of ACCORD_HOME, linked"
        " from each gate's check.",
    )
    def gate_pages(accord: AccordResource) -> dg.MaterializeResult:
        deployment = accord.open()
        try:
            written = write_gate_docs(deployment)
        except AccordError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        return dg.MaterializeResult(
            metadata={
                "pages": dg.MetadataValue.url(gate_link(deployment.settings)),
                "folder": dg.MetadataValue.path(str(written.folder)),
                "suites": written.suites,
                "suites_failing": len(written.failing),
                "seconds": written.seconds,
            }
        )

    return gate_pages


gate_docs = dg.define_asset_job(
    "gate_docs",
    selection=dg.AssetSelection.groups(GROUP),
    description="Makes the pages on what the gates found last. It reads files and no store, so it"
    " delays no refresh.",
    tags={"dagster/max_runtime": "600"},
)


@dg.sensor(
    job=gate_docs,
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Has the pages on the gates made anew as soon as a verdict turned, and some minutes"
    " after any other judgement. It compares what the gates wrote down with what the pages show.",
)
def gate_docs_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request the pages once newer ones are due."""
    if active_run(context.instance, gate_docs.name):
        return dg.SkipReason("the pages are being made")
    due = docs_due(load_settings())
    if due is None:
        return dg.SkipReason("the pages show what the gates found")
    return attempt_or_wait(context.instance, f"gate_docs:{due}", "the pages could not be made")


@dg.definitions
def gate_documentation() -> dg.Definitions:
    """The pages, their job and its sensor."""
    owner = raci_of(load_settings()).accountable("layers", GROUP)
    return dg.Definitions(assets=[_pages(owner)], jobs=[gate_docs], sensors=[gate_docs_sensor])
