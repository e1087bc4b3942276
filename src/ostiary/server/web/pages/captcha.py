"""`GET /api/v3/captcha-code`: the captcha as a picture by itself, for pages that show it in an `<img>`."""

from collections.abc import Awaitable, Callable

from ostiary.contract.captcha import GetCaptchaCodeData
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.guards.service import Service
from ostiary.server.web.answers import Answer, Handler, Request
from ostiary.server.web.callers import Callers
from ostiary.server.web.middleware import refusal

TOKEN_HEADER = b"x-genauth-captcha-token"
Captcha = Callable[[Service, Call, None], Awaitable[GetCaptchaCodeData | Refused]]


def routes(service: Service, callers: Callers, captcha: Captcha) -> dict[bytes, dict[str, Handler]]:
    """Path → method → handler. `captcha` is the action of `get-captcha-code`."""

    async def picture(request: Request) -> Answer:
        request.operation = "get_captcha_code"
        call = await callers.read(request.headers, request.peer, request.id)
        made = await captcha(service, call, None)
        if isinstance(made, Refused):
            return refusal(request, made, call.lang)
        headers = [(TOKEN_HEADER, made.captcha_token.encode())]
        return Answer(
            made.captcha_code_svg.encode(), content_type=b"image/svg+xml; charset=utf-8", headers=headers
        )

    return {b"/api/v3/captcha-code": {"GET": picture}}
