"""What must be there before anything can start: root keys, a database, a first pool with app and keys."""

from dataclasses import dataclass

from ostiary.server import keyfile
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.phone import read_country_code
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.guards import one_installation, sealing, signing_keys
from ostiary.server.settings import Settings, StartRefusedError
from ostiary.server.storage import first_contact, keys, pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.tx import Tx
from ostiary.server.storage.url import place


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


def new_installation(ports: Ports, name: str, country_code: str, locale: str, policy: PoolPolicy) -> Founded:
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
    return read_keys(settings)


def read_keys(settings: Settings) -> RootKeys:
    """The keys. Raises `KeyFileError`; where only they are missing, it asks for their backup."""
    try:
        return keyfile.read(settings.keys_path)
    except keyfile.NoKeysError as error:
        if not settings.on_sqlite or not path_of(settings.database_url).exists():
            raise
        raise keyfile.NoKeysError(
            f"there are no keys at {settings.keys_path}, but there is a database: put the backup of its keys.json there "
            "(mode 600, owned by the service's user)"
        ) from error


def open_store(settings: Settings, ports: Ports, *, migrate: bool = True, create: bool = True) -> Store:
    """The database, brought to this version's revision; `create=False`: never a new one, `migrate=False`: as it is."""
    if create and settings.on_sqlite and not settings.database:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return Store.open(settings.database_url, ports, migrate=migrate, create=create)
    except Exception as error:
        # Each driver has its own errors; whichever it is, there is no database to serve.
        raise StartRefusedError(first_contact.explain(error, settings.database_url)) from error


def require_one_installation(settings: Settings, ports: Ports, tx: Tx) -> None:
    """Raise `StartRefusedError` where keys and database are not one installation, by the newest signing key."""
    row = keys.newest_signing_key(tx)
    where = place(settings.database_url)
    if row is None:
        if settings.dev or pools.every(tx, 1):
            return
        raise StartRefusedError(
            f"the database has no pool ({where}): is the volume mounted, and is it the right one? Put a backup back "
            "with `ostiary restore`, or, where `ostiary init` was interrupted, run that again"
        )
    try:
        one_installation.require_opened(ports, [row])
    except sealing.UnsealError as error:
        raise StartRefusedError(
            f"{settings.keys_path} does not belong to {where}: {error}; put the keys.json of this installation there"
        ) from error


def initialize(settings: Settings, name: str, country_code: str, locale: str) -> Founded:
    """`ostiary init`: keys, database, pool, app, access key. Raises where there are keys or pools already.

    Keys are written before the pool, whose secrets they seal. An init that was killed in between leaves them with a
    database that has tables and no pool: the next one resumes with them. Where keys have no database at all, it was
    lost, and none is created in its place.
    """
    code = check_options(name, country_code, locale)
    keys, resumed = resumed_or_new_keys(settings)
    ports = Ports(keys)
    founded = new_installation(ports, name, code, locale, PoolPolicy(allowed_countries=(code,)))
    store_first_pool(settings, ports, founded, resumed=resumed)
    return founded


def check_options(name: str, country_code: str, locale: str) -> str:
    """The calling code in one spelling (`+86`). Raises `StartRefusedError` where an option can't be used."""
    if not name.strip():
        raise StartRefusedError("--name must not be empty")
    digits = read_country_code(country_code)
    if digits is None:
        raise StartRefusedError(f"{country_code!r} is not a calling code (like +86)")
    if locale not in {"zh-CN", "en-US"}:
        raise StartRefusedError(f"--locale must be zh-CN or en-US, not {locale!r}")
    return f"+{digits}"


def resumed_or_new_keys(settings: Settings) -> tuple[RootKeys, bool]:
    """The keys of an interrupted init and True, or new ones, not written yet, and False. Raises `KeyFileError`."""
    path = settings.keys_path
    if path.exists():
        return keyfile.read(path), True
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return keyfile.make(), False


def store_first_pool(settings: Settings, ports: Ports, founded: Founded, *, resumed: bool) -> None:
    """Create the database, or open that of the init being resumed; write new keys, then the pool.

    Raises `StartRefusedError` where there is a pool already.
    """
    path = settings.keys_path
    store = _reopened(settings, ports) if resumed else open_store(settings, ports)
    try:
        if store.read_now(pools.every):
            raise StartRefusedError(
                f"{path} exists: this installation is already initialized"
                if resumed
                else f"the database has a pool already: put the backup of its keys.json at {path}"
            )
        if not resumed:
            keyfile.write(path, ports.keys)
        store.write_now(founded.store)
    finally:
        store.close_now()


def _reopened(settings: Settings, ports: Ports) -> Store:
    """The database of an init that may have been killed."""
    try:
        return open_store(settings, ports, migrate=False)
    except StartRefusedError as error:
        raise StartRefusedError(
            f"{settings.keys_path} exists: this installation is already initialized, but {error}. To set up another "
            "one, move that file away"
        ) from error
