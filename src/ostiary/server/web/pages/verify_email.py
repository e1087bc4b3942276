"""The page behind a verification link: `GET /verify-email` shows a button, `POST /verify-email` spends the link.

A mail program, a scanner or a chat that previews the link reads the page and changes nothing: no database is asked.
The page loads nothing but its own style sheet, runs no script, and sends no referrer.
"""

from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import parse_qs

from ostiary.server.core.call import Call, Lang
from ostiary.server.core.masking import mask_email
from ostiary.server.core.refused import Refused
from ostiary.server.features.email_link import actions
from ostiary.server.guards.service import Service
from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, Handler, Request
from ostiary.server.web.callers import language
from ostiary.server.web.pages.assets import asset
from ostiary.server.web.pages.templates import page

_GONE = 410

WORDS: Final[Mapping[Lang, Mapping[str, str]]] = {
    "en-US": {
        "title": "Verify your e-mail address",
        "ask": "Press the button to verify {address}.",
        "care": "Didn't create an account here? Someone else did, using your address and a password they chose. Verifying"
        " would not remove that password. Close this page; nothing has been changed.",
        "button": "Verify this address",
        "done_title": "Your address is verified",
        "done": "You can close this page. If someone else set the account's password, reset it now.",
        "over_title": "This link has expired",
        "over": "It was already used, or its time is up. Request a new one.",
    },
    "zh-CN": {
        "title": "验证邮箱",
        "ask": "请按下面的按钮，验证 {address}。",
        "care": "您没有在这里注册账户？那么是他人用您的邮箱注册并设置了密码，按钮不会使该密码失效。"
        "请直接关闭本页，不会发生任何变化。",
        "button": "验证此邮箱",
        "done_title": "邮箱已验证",
        "done": "您可以关闭本页。如果账户的密码是他人设置的，请立即重置密码。",
        "over_title": "链接已失效",
        "over": "链接已被使用或已过期，请在原处重新获取。",
    },
}


class VerifyEmailPages:
    """The two halves of a visit."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> Mapping[bytes, Mapping[str, Handler]]:
        """Path → method → handler, for the edge's table."""
        return {
            b"/verify-email": {"GET": self.show, "POST": self.spend},
            b"/verify-email.css": {"GET": asset("verify_email.css", "verify_email_page")},
        }

    async def show(self, request: Request) -> Answer:
        """The button. Nothing is asked of the database: how often this is read does not matter."""
        request.operation = "verify_email_page"
        query = _fields(request.query)
        lang = _language(query, request)
        link = actions.look(self._service, query.get("token", ""))
        if link is None:
            return _over(lang)
        words = WORDS[lang]
        address = escape(mask_email(link.address))
        return answers.html(
            _page(
                lang,
                words["title"],
                f"<p>{words['ask'].format(address=f'<strong>{address}</strong>')}</p>"
                f'<form method="post" action="verify-email">'
                f'<input type="hidden" name="token" value="{escape(query["token"], quote=True)}">'
                f'<input type="hidden" name="lang" value="{lang}">'
                f'<button type="submit">{words["button"]}</button></form>'
                f'<p class="soft">{words["care"]}</p>',
            )
        )

    async def spend(self, request: Request) -> Answer:
        """The button was pressed."""
        request.operation = "verify_email"
        body = await request.body()
        form = {} if isinstance(body, Refused) else _fields(body)
        lang = _language(form, request)
        refused = await actions.verify(self._service, Call(request.id, lang=lang), form.get("token", ""))
        if refused is not None:
            answer = _over(lang)
            answer.key = refused.key.value
            return answer
        words = WORDS[lang]
        return answers.html(_page(lang, words["done_title"], f"<p>{words['done']}</p>"))


def _over(lang: Lang) -> Answer:
    words = WORDS[lang]
    answer = answers.html(_page(lang, words["over_title"], f"<p>{words['over']}</p>"))
    answer.status = _GONE
    return answer


def _page(lang: Lang, title: str, body: str) -> str:
    main = f"<main><h1>{escape(title)}</h1>{body}</main>"
    return page(title, main, style="verify-email.css", lang=lang)


def _fields(text: bytes) -> dict[str, str]:
    try:
        found = parse_qs(text.decode("ascii"), max_num_fields=8)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _language(fields: Mapping[str, str], request: Request) -> Lang:
    said = fields.get("lang")
    if said in WORDS:
        return "en-US" if said == "en-US" else "zh-CN"
    return language(request.headers) or "zh-CN"
