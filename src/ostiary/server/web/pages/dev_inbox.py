"""The dev inbox's page and JSON: `GET /dev/inbox`, `GET` and `DELETE /dev/inbox.json`.

The list is rendered in one place, the template; the script only swaps it for a newer one (`?part=messages`).
Moving the clock is another handler's work: the page posts to `/dev/clock`.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec

from ostiary.server.core.call import Lang
from ostiary.server.core.moments import iso
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.inbox import LIMIT, Inbox, typed_recipient
from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, Handler, Request
from ostiary.server.web.callers import language
from ostiary.server.web.pages.assets import asset
from ostiary.server.web.pages.dev_inbox_words import WORDS, topic
from ostiary.server.web.pages.templates import environment
from ostiary.server.web.strict_json import clean_text

_COUNT = re.compile(r"[0-9]{1,9}")
_SHOWN = 200
"""Messages on the page."""


class DevInboxPages:
    """Handlers over an inbox. `app_id` stands in the example of the empty page."""

    def __init__(self, inbox: Inbox, ports: Ports, public_url: str, app_id: str) -> None:
        self._inbox = inbox
        self._ports = ports
        self._public_url = public_url
        self._app_id = app_id
        self._templates = environment()

    def routes(self) -> Mapping[bytes, Mapping[str, Handler]]:
        """Path → method → handler, for the edge's table."""
        return {
            b"/dev/inbox": {"GET": self.page},
            b"/dev/inbox.json": {"GET": self.listed, "DELETE": self.clear},
            b"/dev/inbox.css": {"GET": asset("dev_inbox.css")},
            b"/dev/inbox.js": {"GET": asset("dev_inbox.js")},
        }

    async def page(self, request: Request) -> Answer:
        """The page, or with `?part=messages` its list alone; `?lang=zh-CN` or `en-US` before the browser's wish."""
        query = _query(request)
        lang: Lang = "en-US"
        if query.get("lang") == "zh-CN" or ("lang" not in query and language(request.headers) == "zh-CN"):
            lang = "zh-CN"
        template = "dev_inbox_list.html" if query.get("part") == "messages" else "dev_inbox.html"
        text = self._templates.get_template(template).render(
            t=WORDS[lang],
            lang=lang,
            other_lang="en-US" if lang == "zh-CN" else "zh-CN",
            topic=lambda purpose: topic(purpose, lang),
            entries=await self._inbox.entries(limit=_SHOWN),
            now=self._ports.now(),
            now_text=iso(self._ports.now()),
            offset=self._ports.clock.offset,
            public_url=self._public_url,
            app_id=self._app_id,
        )
        return answers.html(text)

    async def listed(self, request: Request) -> Answer:
        """The messages as JSON, newest first: `?to=` (exactly), `?limit=` (50; at most 500)."""
        query = _query(request)
        to, limit = query.get("to", ""), query.get("limit", "")
        if not clean_text(to):  # PostgreSQL has no text with NUL, so nobody has such an address
            return answers.json([])
        entries = await self._inbox.entries(
            typed_recipient(to), int(limit) if _COUNT.fullmatch(limit) else LIMIT
        )
        return answers.json(entries)

    async def clear(self, request: Request) -> Answer:  # noqa: ARG002 - every handler is given the request
        """Empty the inbox; the outbox keeps its rows."""
        await self._inbox.clear()
        return Answer(msgspec.json.encode({"success": True}))


def _query(request: Request) -> dict[str, str]:
    """The query's fields, the last of each."""
    return {name: values[-1] for name, values in parse_qs(request.query.decode("latin-1")).items()}
