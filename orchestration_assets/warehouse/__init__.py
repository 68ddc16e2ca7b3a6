"""The one door to the warehouse: engine, sessions, writer lock (DuckDB, PostgreSQL)."""
