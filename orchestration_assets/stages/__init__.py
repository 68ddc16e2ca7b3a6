"""The stages of the path, one function each, over a `Deployment`.

Batch runs, sensors, the live worker and the command line all call these; none knows Dagster.
"""
