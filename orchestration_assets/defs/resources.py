"""The one resource: the deployment, read from the environment of the process that runs the step."""

import dagster as dg

from orchestration_assets.deployment import Deployment


class AccordResource(dg.ConfigurableResource):
    """Hands the deployment to assets, checks and sensors; holds no secret of its own."""

    def open(self) -> Deployment:
        """A deployment with the settings as they are now."""
        return Deployment()


@dg.definitions
def resources() -> dg.Definitions:
    """Declare the resource once for all of `defs/`."""
    return dg.Definitions(resources={"accord": AccordResource()})
