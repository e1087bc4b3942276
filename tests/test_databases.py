"""The databases that the other tests stand on are what they claim to be."""

import sqlite3

import psycopg


def test_each_database_is_empty_and_ours_to_use(database):
    connection: sqlite3.Connection | psycopg.Connection
    if database.startswith("sqlite"):
        connection = sqlite3.connect(database.removeprefix("sqlite:///"))
    else:
        connection = psycopg.connect(database)
    connection.execute("CREATE TABLE door (id integer)")
    connection.commit()
    connection.close()


def test_postgresql_flushes_as_it_does_in_production(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute(f"SHOW {setting}").fetchone()
            assert row == ("on",), setting


def test_two_databases_of_one_server_know_nothing_of_each_other(postgres_server_shared):
    urls = [postgres_server_shared.fresh_database() for _ in range(2)]
    assert urls[0] != urls[1]
    for url in urls:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE door (id integer)")
        postgres_server_shared.drop_database(url)


def test_a_server_of_ones_own_can_crash_and_come_back_with_what_was_committed(own_postgres_server):
    with psycopg.connect(own_postgres_server.url) as connection:
        connection.execute("CREATE TABLE door (id integer)")
    own_postgres_server.stop("immediate")
    assert not own_postgres_server.started
    own_postgres_server.start()
    with psycopg.connect(own_postgres_server.url) as connection:
        assert connection.execute("SELECT count(*) FROM door").fetchone() == (0,)
