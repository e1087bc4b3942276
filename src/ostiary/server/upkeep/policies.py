"""Reading and changing the settings of a pool or of one of its applications."""

from functools import partial

from ostiary.server.core.people import Pool
from ostiary.server.guards import audit, signing_keys
from ostiary.server.settings import StartRefusedError
from ostiary.server.storage import keys, pools
from ostiary.server.storage.pools import PoolRow
from ostiary.server.storage.tx import Tx
from ostiary.server.upkeep import policy_rules
from ostiary.server.upkeep.policy_rules import Setting
from ostiary.server.upkeep.site import Site


def shown(site: Site, pool: PoolRow, app_id: str | None) -> list[Setting]:
    """The settings of a pool, or of its application of this id. Raises `StartRefusedError`."""
    if app_id is None:
        return policy_rules.pool_settings(pool.policy)
    return site.store.read_now(lambda tx: policy_rules.app_settings(_app(tx, pool, app_id).policy))


def change(site: Site, pool: PoolRow, app_id: str | None, name: str, text: str) -> list[Setting]:
    """Change one setting, with an audit row; all of them after. Raises `StartRefusedError` with the reason."""
    if app_id is not None and name == "signingAlg" and text in signing_keys.ALGORITHMS:
        _make_key(site, pool, text)
    step = partial(_change_pool, site, pool) if app_id is None else partial(_change_app, site, pool, app_id)
    return site.store.write_now(lambda tx: step(name, text, tx))


def _make_key(site: Site, pool: PoolRow, alg: str) -> None:
    """A pool's first key of a kind, before it is wanted: every process shows it when its first token is out."""
    if all(row.alg != alg for row in site.store.read_now(lambda tx: keys.signing_keys_of(tx, pool.id))):
        row = signing_keys.new_key(site.ports, pool.id, alg)
        site.store.write_now(lambda tx: keys.insert_signing_key(tx, row))


def _change_pool(site: Site, pool: PoolRow, name: str, text: str, tx: Tx) -> list[Setting]:
    before = pools.policy(tx, pool.id, lock=True) or pool.policy
    seen = Pool(pool.id, pool.name, pool.country_code, pool.locale, before)
    after = policy_rules.change_pool(seen, name, text)
    if isinstance(after, str):
        raise StartRefusedError(after)
    if after != before:
        pools.set_policy(tx, pool.id, after)
        errand = site.errand(tx, pool)
        audit.note(errand, "security_settings_changed", user_id="", actor=errand.actor, fields=name)
    return policy_rules.pool_settings(after)


def _change_app(site: Site, pool: PoolRow, app_id: str, name: str, text: str, tx: Tx) -> list[Setting]:
    before = _app(tx, pool, app_id, lock=True).policy
    after = policy_rules.change_app(before, name, text)
    if isinstance(after, str):
        raise StartRefusedError(after)
    if after != before:
        pools.set_app_policy(tx, app_id, after)
        errand = site.errand(tx, pool)
        audit.note(errand, "app_settings_changed", user_id="", actor=errand.actor, app=app_id, fields=name)
    return policy_rules.app_settings(after)


def _app(tx: Tx, pool: PoolRow, app_id: str, *, lock: bool = False) -> pools.AppRow:
    found = pools.app_of(tx, pool.id, app_id, lock=lock)
    if found is None:
        known = ", ".join(f"{app.id} ({app.name})" for app in pools.apps_of(tx, pool.id))
        raise StartRefusedError(f"the pool has no application {app_id}; its applications are {known}")
    return found
