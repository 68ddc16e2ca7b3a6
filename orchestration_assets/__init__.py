"""Accord: customer-data orchestration on Dagster and dbt."""
