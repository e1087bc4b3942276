"""What must be there before anything can start: root keys, a database, a first pool with app and keys."""

from dataclasses import dataclass

from ostiary.server import keyfile
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.phone import read_country_code
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.guards import sealing, signing_keys
from ostiary.server.settings import Settings, StartRefusedError
from ostiary.server.storage import keys, pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Tx


@dataclass(frozen=True, slots=True)
class Founded:
    """The rows to store, and the two secrets that nobody can read again."""

    pool: pools.PoolRow
    app: pools.AppRow
    app_secret: str
    access_key: keys.AccessKeyRow
    access_key_secret: str
    signing_key: keys.SigningKeyRow

    def store(self, tx: Tx) -> None:
        """Write all of it, in one transaction."""
        pools.insert(tx, self.pool)
        pools.insert_app(tx, self.app)
        keys.insert_access_key(tx, self.access_key)
        keys.insert_signing_key(tx, self.signing_key)

    def __repr__(self) -> str:
        return f"Founded(pool={self.pool.id!r})"


def found(ports: Ports, name: str, country_code: str, locale: str, policy: PoolPolicy) -> Founded:
    """Make the parts; nothing is stored yet. Takes a tenth of a second (an RSA key)."""
    now = ports.now()
    pool = pools.PoolRow(ports.object_id(), name, country_code, locale, policy, now)
    app_id, app_secret, key_secret = ports.object_id(), ports.secret(), ports.secret()
    sealed = sealing.seal_app_secret(ports, app_id, app_secret)
    return Founded(
        pool=pool,
        app=pools.AppRow(app_id, pool.id, name, sealed, AppPolicy(), now),
        app_secret=app_secret,
        access_key=keys.AccessKeyRow(ports.object_id(), pool.id, ports.sha256(key_secret), now),
        access_key_secret=key_secret,
        signing_key=signing_keys.new_key(ports, pool.id),
    )


def root_keys(settings: Settings) -> RootKeys:
    """The keys; dev mode makes them in an empty folder. Raises `KeyFileError`."""
    path = settings.keys_path
    if settings.dev and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keyfile.write(path, keyfile.make())
    return keyfile.read(path)


def open_store(settings: Settings, ports: Ports) -> Store:
    """The database, brought to this version's revision."""
    if settings.on_sqlite and not settings.database:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return Store.open(settings.database_url, ports)
    except Exception as error:
        # Each driver has its own errors; whichever it is, there is no database to serve.
        raise StartRefusedError(f"the database can't be opened: {error}") from error


def begin(settings: Settings, name: str, country_code: str, locale: str) -> Founded:
    """`ostiary init`: keys, database, pool, app, access key. Raises where there are keys or pools already."""
    if read_country_code(country_code) is None:
        raise StartRefusedError(f"{country_code!r} is no calling code (like +86)")
    if locale not in {"zh-CN", "en-US"}:
        raise StartRefusedError(f"there are texts in zh-CN and en-US, not in {locale!r}")
    path = settings.keys_path
    if path.exists():
        raise StartRefusedError(f"{path} exists: this installation was begun already")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = keyfile.make()
    ports = Ports(keys)
    code = f"+{read_country_code(country_code)}"
    founded = found(ports, name, code, locale, PoolPolicy(allowed_countries=(code,)))
    store = open_store(settings, ports)
    try:
        if store.read_now(pools.every):
            raise StartRefusedError("the database has a pool already: its root keys are elsewhere")
        keyfile.write(path, keys)
        try:
            store.write_now(founded.store)
        except BaseException:
            path.unlink()  # keys of nothing would only keep the next try from working
            raise
    finally:
        store.close_now()
    return founded
