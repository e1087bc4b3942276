"""Revisions of the tables, oldest first in `versions/`; run through `storage/migrate.py`."""
