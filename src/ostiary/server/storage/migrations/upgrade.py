"""Runs Alembic over one connection and one transaction, which holds the lock that keeps other starters out."""

from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

from ostiary.server.storage.migrate import HERE
from ostiary.server.storage.url import POSTGRESQL

LOCK = 7_283_519_266
"""The advisory lock of Ostiary's migrations: any number, as long as it stays the same."""


def upgrade(url: str) -> None:
    """Bring a database to the newest revision, or leave it as it was. `migrate` has seen that it is ours."""
    engine = _postgresql(url) if url.startswith(POSTGRESQL) else _sqlite(url)
    try:
        with engine.begin() as connection:
            _lock(connection)
            command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _lock(connection: Connection) -> None:
    """Wait for other starters; what they did is seen after that. They may take longer than a request."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    else:
        connection.exec_driver_sql("PRAGMA busy_timeout = 60000")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _sqlite(url: str) -> Engine:
    from ostiary.server.storage.sqlite_file import connect, path_of

    path = path_of(url)
    # Our own connection commits nothing by itself, so BEGIN IMMEDIATE in `_lock` begins the one transaction.
    return sqlalchemy.create_engine("sqlite://", creator=lambda: connect(path), poolclass=sqlalchemy.NullPool)


def _postgresql(url: str) -> Engine:
    import psycopg

    def connect() -> Any:
        return psycopg.connect(url, connect_timeout=5)

    return sqlalchemy.create_engine("postgresql+psycopg://", creator=connect, poolclass=sqlalchemy.NullPool)
