"""The first tables: `schema.sql` as it stands.

Editable until the first release; from then on a change of the tables is a revision of its own, and
this one keeps a copy of the file it was released with.
"""

from alembic import op

from ostiary.server.storage.migrate import statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    connection = op.get_bind()
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
