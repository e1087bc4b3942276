"""The table of numbers; its contacts are E.164."""

from ostiary.server.storage.contacts import PHONES

holder, claim, put = PHONES.holder, PHONES.claim, PHONES.put
release, raise_version, verify = PHONES.release, PHONES.raise_version, PHONES.verify
