"""Around every request: an id, a place in the queue, a deadline, headers of defence, a log line, a count.

Whatever happens inside, the client gets JSON with a request id, and never a text from inside.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping

from ostiary.contract import envelope
from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.server.core.call import Lang
from ostiary.server.core.log import log, request_id
from ostiary.server.core.refused import Refused
from ostiary.server.storage.tx import UnavailableError
from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, GoneError, Handler, Request
from ostiary.server.web.callers import language
from ostiary.server.web.cors import Origins
from ostiary.server.web.metrics import Metrics
from ostiary.server.web.tracing import NoTraces, Traces

Routes = Mapping[bytes, Mapping[str, Handler]]
"""Path as on the wire → method → who answers."""

_PAGE_POLICY = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DEFENCE = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_DATA_POLICY = b"default-src 'none'; frame-ancestors 'none'"
_NO_STORE = (b"cache-control", b"no-store")

_STATUSES = {key.value: row.status_code for key, row in CATALOGUE.items()}


_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class Edge:
    """What stands between the connections and the handlers."""

    def __init__(
        self,
        routes: Routes,
        origins: Origins,
        metrics: Metrics,
        *,
        most_requests: int,
        https: bool = False,
        only_hosts: Callable[[bytes], bool] | None = None,
        traces: Traces | None = None,
    ) -> None:
        self._routes = routes
        self._shapes = [(_shape(path), methods) for path, methods in routes.items() if b"{" in path]
        self._origins = origins
        self._metrics = metrics
        self._traces = traces or NoTraces()
        self._most = most_requests
        self._around_data = _defence(_DATA_POLICY, https=https)
        self._around_pages = _defence(_PAGE_POLICY, https=https)
        self._standing: dict[bytes, bytes] = {}
        """Content type → the lines that stand in every answer of it."""
        self._only_hosts = only_hosts
        self.under_way = 0
        """Requests not yet answered."""

    async def __call__(self, request: Request) -> None:
        """Answer one request. In a task, and so a context, of its own."""
        started = time.perf_counter()
        request_id.set(request.id)
        self.under_way += 1
        try:
            answer = await self._answer(request)
        except GoneError:
            return
        finally:
            self.under_way -= 1
        if b"origin" in request.headers:
            answer.headers += await self._origins.headers(request, answer.pool_id)
        request.reply(
            answer.status, self._lines(request, answer), answer.body, close=answer.close or request.unread
        )
        self._tell(request, answer, time.perf_counter() - started)

    async def _answer(self, request: Request) -> Answer:
        if self.under_way > self._most:
            return refusal(request, Refused(Key.UNAVAILABLE, retry_after=1))
        try:
            return await self._routed(request)
        except UnavailableError:
            log.warning("unavailable", request_id=request.id, operation=request.operation, exc_info=True)
            return refusal(request, Refused(Key.UNAVAILABLE, retry_after=1))
        except asyncio.CancelledError:
            # Only the end of a graceful stop cancels: whether it was stored is not known, as with any 503.
            log.warning("cut_short", request_id=request.id, operation=request.operation)
            answer = refusal(request, Refused(Key.UNAVAILABLE, retry_after=1))
            answer.close = True
            return answer
        except Exception:
            log.exception("error", request_id=request.id, operation=request.operation)
            return refusal(request, Refused(Key.INTERNAL))

    async def _routed(self, request: Request) -> Answer:
        if self._only_hosts is not None and not self._only_hosts(request.headers.get(b"host", b"")):
            return refusal(request, Refused(Key.NOT_FOUND))
        methods = self._routes.get(request.path) or self._by_shape(request.path)
        if methods is None:
            return refusal(request, Refused(Key.NOT_FOUND))
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is not None:
            return await handler(request)
        if request.method == "OPTIONS" and b"access-control-request-method" in request.headers:
            preflight = await self._origins.preflight(request, methods)
            if preflight is not None:
                return preflight
        answer = refusal(request, Refused(Key.METHOD_NOT_ALLOWED))
        answer.headers.append((b"allow", ", ".join(methods).encode()))
        return answer

    def _by_shape(self, path: bytes) -> Mapping[str, Handler] | None:
        """The few routes with a place for an id."""
        return next((methods for shape, methods in self._shapes if shape.fullmatch(path)), None)

    def _lines(self, request: Request, answer: Answer) -> bytes:
        """The answer's headers."""
        kind = answer.content_type
        lines = b"%bx-request-id: %b\r\n" % (
            self._standing.get(kind) or self._stand(kind),
            request.id.encode(),
        )
        if answer.headers:
            lines += b"".join([_line(*header) for header in answer.headers])
        if answer.status == 204:
            return lines
        return b"%bcontent-type: %b\r\ncontent-length: %d\r\n" % (lines, kind, len(answer.body))

    def _stand(self, kind: bytes) -> bytes:
        around = self._around_pages if kind.startswith(b"text/html") else self._around_data
        lines = self._standing[kind] = b"".join([_line(*header) for header in around])
        return lines

    def _tell(self, request: Request, answer: Answer, seconds: float) -> None:
        self._metrics.answered(request.operation, answer.key, seconds)
        self._traces.answered(request, answer, seconds)
        log.info(
            "answered",
            request_id=request.id,
            operation=request.operation,
            http=answer.status,
            status_code=_STATUSES.get(answer.key, answer.status),
            key=answer.key,
            ms=round(seconds * 1_000, 1),
            **request.facts,
        )


def refusal(
    request: Request, refused: Refused, lang: Lang | None = None, sentence: str | None = None
) -> Answer:
    """The envelope of a refusal, with the HTTP status that belongs to it."""
    lang = lang or language(request.headers) or "zh-CN"
    return Answer(
        envelope.no(refused.key, lang, request.id, refused.facts(), sentence),
        answers.http_status(refused),
        headers=answers.retry_headers(refused),
        key=refused.key.value,
    )


def _shape(path: bytes) -> re.Pattern[bytes]:
    """`/api/v3/ip-list/{id}`: the braces stand for anything up to the next slash."""
    return re.compile(b"[^/]+".join(re.escape(part) for part in re.split(rb"\{\w+\}", path)))


def _line(name: bytes, value: bytes) -> bytes:
    """A header as it is sent. One that holds a control character is an error: it could begin another header."""
    if _CONTROL.search(name) or _CONTROL.search(value):
        raise ValueError("a header of the answer holds a control character")
    return b"%b: %b\r\n" % (name, value)


def _defence(policy: bytes, *, https: bool) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that stand around every answer of a kind."""
    strict = [(b"strict-transport-security", b"max-age=31536000")] if https else []
    return (*_DEFENCE, *strict, (b"content-security-policy", policy), _NO_STORE)
