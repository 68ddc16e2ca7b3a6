"""One module a version of the operational store."""
