"""`ostiary migrate`."""

from ostiary.cli.options import Config, Database, DataDir, refusals, refuse, settings


def migrate(database: Database = None, data_dir: DataDir = None, config: Config = None) -> None:
    """Upgrade the database schema to this version; `serve` also does this when it starts.

    Exit codes: 0 done, or nothing to do · 2 refused, with the reason.
    """
    chosen = settings(config, database=database, data_dir=data_dir)
    from ostiary.server.storage import first_contact
    from ostiary.server.storage import migrate as migrations

    with refusals():
        begun = chosen.keys_path.exists()  # then a database that is not there was lost
        if chosen.on_sqlite and not chosen.database and not begun:
            chosen.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            before, after = migrations.migrate(chosen.database_url, create=not begun)
        except Exception as error:  # noqa: BLE001 - each driver has its own errors; the text says which it was
            refuse(first_contact.explain(error, chosen.database_url))
    print(f"already at {after}" if before == after else f"{before or 'empty'} → {after}")
