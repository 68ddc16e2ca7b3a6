"""Masked views for analysts, from the classes that the models declare; kept valid by releases."""

import structlog

from orchestration_assets.alerting.incidents import Incident, clear, report
from orchestration_assets.deployment import Deployment
from orchestration_assets.errors import AccordError
from orchestration_assets.governance.masking import Masked, apply_masking
from orchestration_assets.governance.masking_rules import Classes
from orchestration_assets.stages.tell import tell_people_if_possible
from orchestration_assets.transform.profiles import engine_of
from orchestration_assets.transform.project import ensure_manifest, load_nodes
from orchestration_assets.warehouse.released_tables import RELEASED_TABLES

INCIDENT = "masking/views"


def mask(deployment: Deployment) -> Masked:
    """Make role, views and rights what the models' classes say.

    Raises:
        FatalError: DuckDB, no salt, or rights that are missing or too many; says what to do.
    """
    settings = deployment.settings
    return apply_masking(
        deployment.warehouse,
        classes_of(engine_of(settings.resolved_warehouse_url)),
        settings.analyst_role,
        settings.masking_salt.get_secret_value(),
    )


def classes_of(engine: str) -> Classes:
    """Personal-data class of every column of the released tables, as core declares it."""
    return {
        node.name: {column.name: column.personal_data for column in node.columns}
        for node in load_nodes(ensure_manifest(engine))
        if node.schema == "core" and node.name in RELEASED_TABLES
    }


def mask_again(deployment: Deployment) -> None:
    """After a release: bring views back that it dropped and cover what it added.

    Masking is wanted once a salt is set on PostgreSQL. What fails here leaves analysts with less,
    never with more, so that the release stands and people are told.
    """
    settings = deployment.settings
    if not settings.masking_salt.get_secret_value() or deployment.warehouse.dialect == "duckdb":
        return
    try:
        masked = mask(deployment)
    except AccordError as error:
        report(
            deployment.state,
            Incident(
                key=INCIDENT,
                title="Analysts' masked views are not up to date",
                what=error.message,
                next_step=error.next_step,
                subject="layers.released",
            ),
        )
        tell_people_if_possible(deployment)
        return
    if clear(deployment.state, INCIDENT):
        tell_people_if_possible(deployment)
    if masked.changed:
        structlog.get_logger(__name__).info("masked_views_made", views=list(masked.changed))
