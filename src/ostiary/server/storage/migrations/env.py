"""What Alembic runs: our revisions over the connection that `upgrade.py` hands in, all in one transaction."""

from alembic import context


def run() -> None:
    """Run the revisions."""
    connection = context.config.attributes["connection"]
    # SQLite rolls DDL back too, once its connection is not left to commit by itself.
    context.configure(connection=connection, transactional_ddl=True, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


run()
