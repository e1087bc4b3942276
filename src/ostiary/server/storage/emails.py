"""The table of addresses; its contacts are in the one spelling of `core.credentials.read_email`."""

from ostiary.server.storage.contacts import EMAILS

holder, claim, put = EMAILS.holder, EMAILS.claim, EMAILS.put
release, raise_version, verify = EMAILS.release, EMAILS.raise_version, EMAILS.verify
