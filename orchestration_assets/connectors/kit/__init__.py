"""What every connector is built from: HTTP calls, errors by recovery, rate limits, paging."""
