"""How old an asset may grow before Dagster says so, with the reason for each window."""

from datetime import timedelta

import dagster as dg

# Every stream is landed at each full hour: one hour that was missed warns, three of them fail.
LANDED_HOURLY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=2), fail_window=timedelta(hours=4)
)

# The model is refreshed when something has landed, and once a day in any case: a day that was
# missed warns, two of them fail. A gate that holds the release has an incident of its own at once.
REFRESHED_DAILY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
)
