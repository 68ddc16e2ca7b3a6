"""Alembic migrations of the operational store; `state.store.open_state` runs them."""
