"""The one resource: the deployment, read from the environment of the process that runs the step.

Also the names that several folders of `defs/` give Dagster for the same thing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration_assets.deployment import Deployment
from orchestration_assets.settings import load_settings

# Steps that write the warehouse wait for each other here instead of at its lock.
WRITER_POOL = "warehouse_writer"
# Dagster ends a tick after 60 s; one that meets a long write is better skipped than failed.
SENSOR_PATIENCE_S = 10.0


class AccordResource(dg.ConfigurableResource):
    """Hands the deployment to assets, checks and sensors; holds no secret of its own."""

    def open(self) -> Deployment:
        """A deployment with the settings as they are now."""
        return Deployment()

    @contextmanager
    def glance(self) -> Iterator[Deployment]:
        """A deployment for one tick of a sensor: waits little for others, leaves nothing open."""
        deployment = Deployment(
            load_settings().model_copy(update={"writer_lock_timeout_s": SENSOR_PATIENCE_S})
        )
        try:
            yield deployment
        finally:
            deployment.close()


@dg.definitions
def resources() -> dg.Definitions:
    """Declare the resource once for all of `defs/`."""
    return dg.Definitions(resources={"accord": AccordResource()})
