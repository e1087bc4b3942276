"""Management tokens: an access key, exchanged for a token that lives two hours.

The secret is 256 random bits, so plain SHA-256 of it is kept; the comparison takes as long for a key that is not
there. A token outlives neither its key nor its two hours: the door looks the key up each time.
"""

from ostiary.contract.keys import Key
from ostiary.contract.management import GetManagementToken, ManagementTokenData
from ostiary.server.core.call import Call, ManagementToken
from ostiary.server.core.millis import SECOND, Millis
from ostiary.server.core.refused import Refused
from ostiary.server.guards.service import Service
from ostiary.server.storage import keys
from ostiary.server.storage.keys import AccessKeyRow

LIFE_SECONDS = 7_200


async def get_management_token(
    service: Service, call: Call, form: GetManagementToken | Refused
) -> ManagementTokenData | Refused:
    """Exchange an access key for a management token. Which half of a wrong pair is wrong is not told."""
    if isinstance(form, Refused):
        return form
    key_id = form.access_key_id
    key = await service.store.read(lambda tx: keys.load_access_key(tx, key_id))
    right = _is_secret_of(service, key, form.access_key_secret)
    if key is None or not right or call.pool_id not in {None, key.pool_id}:
        return Refused(Key.ACCESS_KEY_INVALID)
    ends_at = Millis(service.ports.now() + LIFE_SECONDS * SECOND)
    token = await service.signer.management_token(ManagementToken(key.pool_id, key.id, ends_at))
    return ManagementTokenData(access_token=token, expires_in=LIFE_SECONDS)


def _is_secret_of(service: Service, key: AccessKeyRow | None, secret: str) -> bool:
    stored = key.secret_hash if key is not None else service.ports.sha256("")
    return service.ports.same(stored, service.ports.sha256(secret)) and key is not None
