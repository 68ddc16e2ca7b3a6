"""What must hold before data may leave: suites of rules and the runner that judges them.

Knows Great Expectations and SQL tables; knows neither Dagster nor the rest of Accord.
"""
