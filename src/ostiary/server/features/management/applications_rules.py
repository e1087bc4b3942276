"""Applications: what the forms mean, and what an application becomes. Pure."""

from typing import Any

import msgspec

from ostiary.contract.applications import CreateApplication, UpdateApplication
from ostiary.contract.keys import Key
from ostiary.server.core.links import is_web_link
from ostiary.server.core.people import Facts
from ostiary.server.core.policy import AppPolicy
from ostiary.server.core.refused import Refused

F = CreateApplication | UpdateApplication
_SETTINGS = tuple(info.name for info in msgspec.structs.fields(AppPolicy))


def read_create(form: CreateApplication, _facts: Facts) -> CreateApplication | Refused:
    """A new application."""
    return _bad_link(form) or form


def read_update(form: UpdateApplication, _facts: Facts) -> UpdateApplication | Refused:
    """A change of one."""
    return _bad_link(form) or form


def policy(before: AppPolicy, form: F) -> AppPolicy | Refused:
    """What the application decides then; what is absent stays."""
    given: dict[str, Any] = {
        name: value for name in _SETTINGS if (value := getattr(form, name, None)) is not None
    }
    for name in ("redirect_uris", "client_credentials_scopes", "required_factors"):
        if name in given:
            given[name] = tuple(given[name])
    after = msgspec.structs.replace(before, **given)
    if after.contradiction is None:
        return after
    field = "signingAlg" if after.signing_alg == "HS256" else "clientCredentialsScopes"
    return Refused(Key.BAD_REQUEST, data={"field": field})


def _bad_link(form: F) -> Refused | None:
    for place, link in enumerate(form.redirect_uris or ()):
        if not is_web_link(link):
            return Refused(Key.BAD_REQUEST, data={"field": "redirectUris", "path": f"redirectUris.{place}"})
    return None
