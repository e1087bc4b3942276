"""Captchas for programs to show."""

from ostiary.contract.captcha import GetCaptchaCodeData
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.guards import captcha, clients
from ostiary.server.guards.entry import visit
from ostiary.server.guards.service import Service
from ostiary.server.storage.tx import Tx


async def get_captcha_code(
    service: Service, call: Call, _form: Refused | None
) -> GetCaptchaCodeData | Refused:
    """A picture and its token. Nothing is stored."""
    caller = clients.outside(call)
    if isinstance(caller, Refused):
        return caller

    def look(tx: Tx) -> tuple[str, int] | Refused:
        came = visit(tx, service.ports, caller, None, lambda _form, _facts: None, lock=False)
        return came if isinstance(came, Refused) else (came.pool.id, came.pool.policy.verify_code_length)

    looked = await service.store.read(look)
    if isinstance(looked, Refused):
        return looked
    made = captcha.new(service.ports, *looked)
    return GetCaptchaCodeData(captcha_code_svg=made.svg, captcha_token=made.token)
