"""The operations over HTTP: a path finds its row in the table, and the row says all the rest.

A request's hops: the body's bytes and their meaning (`wire`; a form error is a value, and the action judges it
after the token), the caller (`callers`), the action, its answer in the form of the operation's kind. The answer
leaves after the action's commit.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from ostiary.contract import envelope
from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind, Operation
from ostiary.contract.operations import BY_PATH
from ostiary.contract.tokens import UserInfoParams
from ostiary.contract.unserved import OPTIONS, UNSERVED
from ostiary.contract.unserved_row import Unserved
from ostiary.server.core.call import Call, Lang, UserToken
from ostiary.server.core.masking import mask_address
from ostiary.server.core.refused import Refused
from ostiary.server.guards.service import Service
from ostiary.server.web import oauth, wire
from ostiary.server.web.answers import Answer, Handler, Request
from ostiary.server.web.callers import Callers
from ostiary.server.web.middleware import refusal

Action = Callable[[Service, Call, Any], Awaitable[Any]]
"""`async def <operation name>(service, call, form)`: data, None, or a refusal."""

NOT_SERVED = "not_served"
"""What logs and metrics call all operations of the other table: a stranger who tries them all makes one label."""
_NOT_OPERATIONS_FAULT = {Key.BODY_TOO_LARGE, Key.UNSUPPORTED_MEDIA_TYPE}
"""Refusals of the bytes themselves: no operation answers them."""


class Api:
    """All operations of the table, each with its action."""

    def __init__(self, service: Service, callers: Callers, actions: Mapping[str, Action]) -> None:
        self._service = service
        self._callers = callers
        self._actions = actions

    def routes(self) -> dict[bytes, dict[str, Handler]]:
        """Path → method → handler, for every row of both tables: what is served, and what is not."""
        routes: dict[bytes, dict[str, Handler]] = {
            path.encode(): {
                method: partial(self._answer, operation, self._actions[operation.name])
                for method, operation in methods.items()
            }
            for path, methods in BY_PATH.items()
        }
        for row in UNSERVED:
            if row.path:
                routes.setdefault(row.path.encode(), {}).setdefault(
                    row.method, partial(self._not_served, row)
                )
        return routes

    async def _answer(self, operation: Operation, action: Action, request: Request) -> Answer:
        request.operation = operation.name
        form = await self._form(operation, request)
        # OpenID Connect's user info may be given its token in the query or the form (RFC 6750 §2.2, §2.3).
        form_token = form.access_token if isinstance(form, UserInfoParams) else None
        call = await self._callers.read(request.headers, request.peer, request.id, form_token)
        request.facts = _facts(call)
        if isinstance(form, Refused) and form.key in _NOT_OPERATIONS_FAULT:
            answer = self._refused(operation, call, form, request)
        else:
            result = await action(self._service, call, form)
            if isinstance(result, Refused):
                answer = self._refused(operation, call, result, request)
            else:
                answer = _done(operation, call, result)
        answer.close = request.unread
        answer.pool_id = _pool(call)
        return answer

    async def _not_served(self, row: Unserved, request: Request) -> Answer:
        """A 501 that says what to use instead. Nothing of the request is judged: it would not help."""
        request.operation = NOT_SERVED
        call = await self._callers.read(request.headers, request.peer, request.id)
        request.facts = _facts(call) | {"asked": row.name}
        if row.kind is Kind.API:
            answer = refusal(request, Refused(Key.NOT_SERVED), call.lang, row.instead.sentence(call.lang))
        else:
            answer = oauth.not_served(row.instead)
        answer.pool_id = _pool(call)
        return answer

    @staticmethod
    async def _form(operation: Operation, request: Request) -> Any:
        """What the request says: a Struct, a refusal, or None where the operation reads nothing."""
        body = b""
        content_type = request.headers.get(b"content-type")
        if request.method == "POST":
            if not wire.media_type_ok(operation, content_type):
                return Refused(Key.UNSUPPORTED_MEDIA_TYPE)
            whole = await request.body()
            if isinstance(whole, Refused):
                return whole
            body = whole
        return wire.read(operation, body, request.query, content_type, method=_verb(request.method))

    @staticmethod
    def _refused(operation: Operation, call: Call, refused: Refused, request: Request) -> Answer:
        if operation.kind is Kind.OAUTH:
            return oauth.refused(operation, refused)
        return refusal(request, refused, call.lang, _instead(operation, refused, call.lang))


def _done(operation: Operation, call: Call, data: Any) -> Answer:
    if operation.kind is Kind.API:
        return Answer(envelope.ok(data, envelope.done(call.lang), call.request_id))
    if operation.kind is Kind.OAUTH:
        return oauth.done(data)
    return Answer(msgspec.json.encode(data))


def _instead(operation: Operation, refused: Refused, lang: Lang) -> str | None:
    """What to use instead of an option that is not served, where leaving it out is no help."""
    if refused.key is not Key.NOT_IMPLEMENTED or refused.data is None:
        return None
    instead = OPTIONS.get((operation.name, refused.data.get("path", refused.data.get("field"))))
    return instead.sentence(lang) if instead else None


def _verb(method: str) -> str:
    """HEAD reads what GET reads."""
    return "GET" if method == "HEAD" else method


def _facts(call: Call) -> dict[str, str]:
    """Who asks, as a log may know it: ids are no secrets, and an address tells its network only."""
    facts = {"address": mask_address(call.address)} if call.address else {}
    if isinstance(call.user, UserToken):
        facts["user"], facts["app"] = call.user.user_id, call.user.app_id
    elif call.app_id is not None:
        facts["app"] = call.app_id[:64]  # the caller's word
    if not isinstance(call.manager, Refused):
        facts["manager"] = call.manager.access_key_id
    return facts


def _pool(call: Call) -> str | None:
    """Whose website may read the answer, where the caller said."""
    if isinstance(call.user, UserToken):
        return call.user.pool_id
    if not isinstance(call.manager, Refused):
        return call.manager.pool_id
    return call.pool_id
