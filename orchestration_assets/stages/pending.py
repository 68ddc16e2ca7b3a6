"""What is left to be done, read from the stores: a release that nobody planned from."""

from datetime import UTC, datetime, timedelta

from orchestration_assets.deployment import Deployment
from orchestration_assets.warehouse.release import last_release


def newest_release(deployment: Deployment, *, older_than_s: float) -> int | None:
    """Number of the newest release; None before the first one, or while it is younger than that."""
    with deployment.warehouse.reader() as session:
        found = last_release(session)
    if found is None or found["released_at"] > datetime.now(UTC) - timedelta(seconds=older_than_s):
        return None
    return int(found["release_number"])
