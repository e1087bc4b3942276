"""The pool's applications: making, changing and deleting them, and their secrets.

A deleted application's sessions need not be looked for: nothing is opened by a session whose application is gone
(`guards/entry`), and refreshing wants the application to prove itself.
"""

from dataclasses import replace

from ostiary.contract.applications import (
    Application,
    ApplicationPaging,
    CreateApplication,
    DeleteApplication,
    GetApplication,
    GetApplicationSecret,
    GetApplicationSecretData,
    ListApplications,
    RefreshApplicationSecret,
    RefreshApplicationSecretData,
    UpdateApplication,
)
from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.call import Call
from ostiary.server.core.moments import iso
from ostiary.server.core.policy import AppPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import applications_rules as rules
from ostiary.server.features.management.errands import look, work
from ostiary.server.guards import audit, sealing
from ostiary.server.guards.entry import Errand, as_asked
from ostiary.server.guards.service import Service
from ostiary.server.storage import pools
from ostiary.server.storage.pools import AppRow

USUAL_LIMIT = 10


async def create_application(
    service: Service, call: Call, form: CreateApplication | Refused
) -> Application | Refused:
    """Make an application."""
    return await work(service, call, form, rules.read_create, _create)


async def get_application(
    service: Service, call: Call, form: GetApplication | Refused
) -> Application | Refused:
    """Read one application."""
    return await look(service, call, form, as_asked, _get)


async def list_applications(
    service: Service, call: Call, form: ListApplications | Refused
) -> ApplicationPaging | Refused:
    """List the pool's applications."""
    return await look(service, call, form, as_asked, _list)


async def update_application(
    service: Service, call: Call, form: UpdateApplication | Refused
) -> Application | Refused:
    """Change what an application decides."""
    return await work(service, call, form, rules.read_update, _update)


async def delete_application(
    service: Service, call: Call, form: DeleteApplication | Refused
) -> IsSuccess | Refused:
    """Delete an application."""
    return await work(service, call, form, as_asked, _delete)


async def get_application_secret(
    service: Service, call: Call, form: GetApplicationSecret | Refused
) -> GetApplicationSecretData | Refused:
    """Read an application's secret: a step that writes, because who did it is noted."""
    return await work(service, call, form, as_asked, _secret)


async def refresh_application_secret(
    service: Service, call: Call, form: RefreshApplicationSecret | Refused
) -> RefreshApplicationSecretData | Refused:
    """Give an application another secret."""
    return await work(service, call, form, as_asked, _refresh)


def _create(errand: Errand[CreateApplication]) -> Application | Refused:
    policy = rules.policy(AppPolicy(), errand.ask)
    if isinstance(policy, Refused):
        return policy
    app_id = errand.ports.object_id()
    sealed = sealing.seal_app_secret(errand.ports, app_id, errand.ports.secret())
    app = AppRow(app_id, errand.pool.id, errand.ask.app_name, sealed, policy, errand.now)
    pools.insert_app(errand.tx, app)
    _note(errand, app, "app_made")
    return _shown(app)


def _get(errand: Errand[GetApplication]) -> Application | Refused:
    app = pools.app_of(errand.tx, errand.pool.id, errand.ask.app_id)
    return _shown(app) if app is not None else Refused(Key.APP_NOT_FOUND)


def _list(errand: Errand[ListApplications]) -> ApplicationPaging:
    limit = errand.ask.limit or USUAL_LIMIT
    skip = ((errand.ask.page or 1) - 1) * limit
    total, found = pools.page_of_apps(errand.tx, errand.pool.id, limit=limit, skip=skip)
    return ApplicationPaging(total_count=total, list=[_shown(app) for app in found])


def _update(errand: Errand[UpdateApplication]) -> Application | Refused:
    app = pools.app_of(errand.tx, errand.pool.id, errand.ask.app_id, lock=True)
    if app is None:
        return Refused(Key.APP_NOT_FOUND)
    policy = rules.policy(app.policy, errand.ask)
    if isinstance(policy, Refused):
        return policy
    after = replace(app, name=errand.ask.app_name or app.name, policy=policy)
    pools.change_app(errand.tx, after)
    _note(errand, after, "app_changed")
    return _shown(after)


def _delete(errand: Errand[DeleteApplication]) -> IsSuccess | Refused:
    app = pools.app_of(errand.tx, errand.pool.id, errand.ask.app_id, lock=True)
    if app is None:
        return Refused(Key.APP_NOT_FOUND)
    pools.delete_app(errand.tx, app)
    _note(errand, app, "app_deleted")
    return IsSuccess(success=True)


def _secret(errand: Errand[GetApplicationSecret]) -> GetApplicationSecretData | Refused:
    app = pools.app_of(errand.tx, errand.pool.id, errand.ask.app_id)
    if app is None:
        return Refused(Key.APP_NOT_FOUND)
    _note(errand, app, "app_secret_read")
    return GetApplicationSecretData(secret=sealing.open_app_secret(errand.ports, app.id, app.secret))


def _refresh(errand: Errand[RefreshApplicationSecret]) -> RefreshApplicationSecretData | Refused:
    app = pools.app_of(errand.tx, errand.pool.id, errand.ask.app_id, lock=True)
    if app is None:
        return Refused(Key.APP_NOT_FOUND)
    secret = errand.ports.secret()
    pools.reseal_app(errand.tx, app, sealing.seal_app_secret(errand.ports, app.id, secret))
    _note(errand, app, "app_secret_changed")
    return RefreshApplicationSecretData(secret=secret)


def _shown(app: AppRow) -> Application:
    policy = app.policy
    return Application(
        app_id=app.id,
        app_name=app.name,
        user_pool_id=app.pool_id,
        created_at=iso(app.made_at),
        default_protocol="oidc",
        redirect_uris=list(policy.redirect_uris),
        self_service=policy.self_service,
        refresh_token_rotation=policy.refresh_token_rotation,
        token_endpoint_auth_method=policy.token_endpoint_auth_method,
        access_token_life=policy.access_token_life,
        refresh_token_life=policy.refresh_token_life,
        session_life=policy.session_life,
        signing_alg=policy.signing_alg,
        client_credentials_scopes=list(policy.client_credentials_scopes),
        required_factors=list(policy.required_factors),
    )


def _note(errand: Errand[object], app: AppRow, event: AuditEvent) -> None:
    audit.note(errand, event, user_id="", actor=errand.actor, app=app.id)
