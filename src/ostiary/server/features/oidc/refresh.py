"""Refreshing: one refresh token in, new tokens out. Of any number of takers exactly one gets them."""

from msgspec.structs import replace

from ostiary.server.core import scopes
from ostiary.server.core.people import Scene
from ostiary.server.core.refused import Refused
from ostiary.server.features.oidc import rules
from ostiary.server.features.oidc.rules import INVALID_GRANT, INVALID_SCOPE, Refresh, Verdict
from ostiary.server.guards import audit, grants, sessions
from ostiary.server.guards.entry import Visit, after_lock
from ostiary.server.guards.grants import Grant
from ostiary.server.storage import people, users
from ostiary.server.storage import sessions as stored
from ostiary.server.storage.sessions import RefreshRow
from ostiary.server.storage.tx import ConflictError


def refresh(came: Visit[object], ask: Refresh) -> Grant | Refused:
    """Whose token it is, then that user's lock, then the token again: it may have been used meanwhile."""
    hashed = came.ports.sha256(ask.token)
    seen = stored.find_refresh(came.tx, hashed)
    if seen is None or seen.app_id != came.app.id:
        return INVALID_GRANT
    people.lock_user(came.tx, seen.user_id)
    row = stored.find_refresh(came.tx, hashed)
    scene = people.scene(came.tx, came.app.id, seen.user_id, seen.session_id)
    if row is None or scene is None:
        return INVALID_GRANT
    came = after_lock(came)
    verdict = rules.judge_refresh(
        used=row.used_at is not None,
        made_at=row.made_at,
        ends_at=row.ends_at,
        session=scene.session,
        account=scene.account,
        now=came.now,
    )
    if verdict is Verdict.REUSED:
        return _end_family(came, row)
    return _renew(came, ask, scene, row) if verdict is Verdict.GOOD else INVALID_GRANT


def _renew(came: Visit[object], ask: Refresh, scene: Scene, row: RefreshRow) -> Grant | Refused:
    """New tokens of the same session; a new refresh token where the application rotates them."""
    user = users.must_load(came.tx, came.pool.id, row.user_id)
    session = scene.session
    assert session is not None  # `judge_refresh` saw it
    scope = scopes.narrowed(ask.scope, session.scope)
    if scope is None:
        return INVALID_SCOPE
    if not came.app.policy.refresh_token_rotation:
        return grants.grant(came, user, session, scope, ask.token)
    if not stored.use_refresh(came.tx, row.hash, came.now):
        raise ConflictError("the refresh token was used a moment ago")
    return grants.grant(came, user, session, scope, sessions.refresh_token(came, session))


def _end_family(came: Visit[object], row: RefreshRow) -> Refused:
    """A used token was shown again: the sign-in ends, with every token of it."""
    stored.end(came.tx, row.session_id, came.now)
    audit.note(
        replace(came, account=None),
        "refresh_token_reused",
        INVALID_GRANT,
        user_id=row.user_id,
        ended_session=row.session_id,
    )
    return INVALID_GRANT
