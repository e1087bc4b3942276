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
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.storage.tx import UnavailableError
from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, GoneError, Handler, Receive, Request, Scope, Send
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


class Edge:
    """The ASGI application."""

    def __init__(
        self,
        routes: Routes,
        origins: Origins,
        metrics: Metrics,
        *,
        most_requests: int,
        body_timeout: float,
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
        self._body_timeout = body_timeout
        self._around_data = _defence(_DATA_POLICY, https=https)
        self._around_pages = _defence(_PAGE_POLICY, https=https)
        self._only_hosts = only_hosts
        self.under_way = 0
        """Requests not yet answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of scope do not come here (no lifespan, no WebSocket)."""
        started = time.perf_counter()
        request = Request(
            method=scope["method"],
            path=scope.get("raw_path") or scope["path"].encode(),
            query=scope["query_string"],
            headers=_joined(scope["headers"]),
            peer=scope["client"][0] if scope.get("client") else None,
            id=Ports.request_id(),
            receive=receive,
            body_timeout=self._body_timeout,
        )
        request_id.set(request.id)  # a task, and so a context, of its own
        self.under_way += 1
        try:
            answer = await self._answer(request)
        except GoneError:
            return
        finally:
            self.under_way -= 1
        if b"origin" in request.headers:
            answer.headers += await self._origins.headers(request, answer.pool_id)
        await self._send(request, answer, send)
        self._tell(request, answer, time.perf_counter() - started)

    async def _answer(self, request: Request) -> Answer:
        if self.under_way > self._most:
            return refusal(request, Refused(Key.UNAVAILABLE, retry_after=1))
        try:
            return await self._routed(request)
        except UnavailableError as error:
            facts = {"request_id": request.id, "operation": request.operation, "why": error.why}
            log.warning("unavailable", **facts, exc_info=True)
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

    async def _send(self, request: Request, answer: Answer, send: Send) -> None:
        is_page = answer.content_type.startswith(b"text/html")
        headers = [
            *(self._around_pages if is_page else self._around_data),
            (b"x-request-id", request.id.encode()),
            *answer.headers,
        ]
        if answer.status != 204:
            headers += [
                (b"content-type", answer.content_type),
                (b"content-length", b"%d" % len(answer.body)),
            ]
        if answer.close:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _tell(self, request: Request, answer: Answer, seconds: float) -> None:
        self._metrics.answered(request.operation, answer.key, seconds)
        self._traces.answered(request, answer, seconds)
        log.told(
            "answered",
            {
                "request_id": request.id,
                "operation": request.operation,
                "http": answer.status,
                "status_code": _STATUSES.get(answer.key, answer.status),
                "key": answer.key,
                "ms": int(seconds * 10_000) / 10,  # round() takes as long as all of this
                **request.facts,
            },
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


def _joined(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _defence(policy: bytes, *, https: bool) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that stand around every answer of a kind."""
    strict = [(b"strict-transport-security", b"max-age=31536000")] if https else []
    return (*_DEFENCE, *strict, (b"content-security-policy", policy), _NO_STORE)
