"""Alembic's entry: runs on the connection that `state.store` hands in, in its transaction."""

from alembic import context

from orchestration_assets.state.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
