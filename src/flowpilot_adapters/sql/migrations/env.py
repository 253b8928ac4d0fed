"""What Alembic runs: all steps in one transaction, on the connection it was handed."""

from alembic import context

from flowpilot_adapters.sql.migrations.steps import OPTIONS

context.configure(connection=context.config.attributes["connection"], **OPTIONS)
with context.begin_transaction():
    context.run_migrations()
