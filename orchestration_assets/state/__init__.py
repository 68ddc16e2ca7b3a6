"""The operational store: SQLAlchemy tables and Alembic migrations (SQLite, PostgreSQL)."""
