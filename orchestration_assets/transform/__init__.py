"""dbt, run inside the process: the project's paths and nodes, and the runner. Knows no Dagster."""
