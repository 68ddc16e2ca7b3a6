"""Assets `raw/<system>/<stream>`: one for every stream of the catalogue."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration_assets.connectors.catalog import SYSTEMS
from orchestration_assets.defs.resources import AccordResource
from orchestration_assets.errors import AccordError
from orchestration_assets.freshness import LANDED_HOURLY
from orchestration_assets.model import LandingResult, Stream
from orchestration_assets.settings import load_settings
from orchestration_assets.stages.governance import raci_of
from orchestration_assets.stages.land import land_stream, streams_of

DRIFT_CHECK = "fields_are_known"


class LandingConfig(dg.Config):
    """How to read: from the cursor on, or everything to find what vanished at the source."""

    full: bool = False


def _column_schema(stream: Stream) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                field.name,
                field.kind.value,
                description=f"Vendor field `{field.path}`.",
                constraints=dg.TableColumnConstraints(nullable=not field.required),
                tags={"personal_data": field.personal_data.value},
            )
            for field in stream.fields
        ]
    )


def _metadata(result: LandingResult) -> dict[str, Any]:
    return {
        "dagster/row_count": result.rows_total,
        "rows_read": result.rows_read,
        "rows_landed": result.rows_landed,
        "rows_deleted": result.rows_deleted,
        "rows_unchanged": result.rows_unchanged,
        "rows_quarantined": sum(result.quarantined.values()),
        "quarantined_by_reason": dict(result.quarantined),
        "watermark": result.watermark or "none",
    }


def landing_asset(stream: Stream, category: str, owner: str) -> dg.AssetsDefinition:
    """Build the asset of one stream."""
    key = dg.AssetKey(["raw", stream.system, stream.name])

    @dg.asset(
        key=key,
        group_name=f"raw_{stream.system}",
        description=stream.description,
        kinds={stream.system, "dlt"},
        owners=[f"team:{owner}"],
        pool=f"{stream.system}_api",
        tags={"layer": "raw", "domain": category},
        freshness_policy=LANDED_HOURLY,
        metadata={
            "dagster/column_schema": _column_schema(stream),
            "dagster/table_name": f"raw_{stream.system}.{stream.name}",
        },
        check_specs=[
            dg.AssetCheckSpec(
                DRIFT_CHECK,
                asset=key,
                description="Every field the system sent is in the contract; an unknown one is kept"
                " in the raw record and reported here.",
            )
        ],
    )
    def _land(
        config: LandingConfig, accord: AccordResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        try:
            result = land_stream(accord.open(), stream.system, stream.name, full=config.full)
        except AccordError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        yield dg.MaterializeResult(asset_key=key, metadata=_metadata(result))
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=DRIFT_CHECK,
            passed=not result.drift,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"unknown_fields": list(result.drift)},
            description=f"Unknown fields: {', '.join(result.drift)}" if result.drift else None,
        )

    return _land


@dg.definitions
def landing_assets() -> dg.Definitions:
    """One asset for every stream in the catalogue."""
    raci = raci_of(load_settings())
    return dg.Definitions(
        assets=[
            landing_asset(stream, entry.category, raci.accountable("connectors", system))
            for system, entry in SYSTEMS.items()
            for stream in streams_of(system).values()
        ]
    )
