"""Requests that Schemathesis makes of our own OpenAPI document, sent by a stranger, a user and an administrator.

Its own checks read HTTP statuses, which say 200 here whatever happened; ours read `statusCode` (phone-change.md §9).
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ostiary.contract.openapi import build
from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.operations import BY_PATH
from tests.counts import EXAMPLES
from tests.service import Service, start

LONG = 20_000
"""Bytes of a URL that may, with headers, be more than a head may have."""
NOT_SIGNED_IN = {2020, 2206, 2207}
OWN = {Who.USER: "user", Who.MANAGEMENT: "manager"}
"""Who gets past the token; all others see little of an operation, and ask it less often."""
ROLES = ("stranger", "user", "manager")
DOCUMENT = build()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FOUND: list[Any] = list(SCHEMA.get_all_operations())
OPERATIONS = [found.ok() for found in FOUND]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One of its own: an administrator that sends anything changes the pool's settings."""
    service = start(tmp_path_factory.mktemp("schemathesis") / "data")
    yield service
    assert '"event":"error"' not in service.log().replace(" ", "")
    assert service.stop() == 0


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def credentials(service: Service) -> Mapping[str, Mapping[str, str]]:
    """What each role sends besides."""
    key = {name: service.ids[name] for name in ("accessKeyId", "accessKeySecret")}
    manager = service.http.post("/api/v3/get-management-token", json=key).json()["data"]["access_token"]
    app = {"x-genauth-app-id": service.ids["appId"]}
    return {
        "stranger": app,
        "user": {**app, "authorization": str(service.person().client._access_token)},
        "manager": {"authorization": f"Bearer {manager}"},
    }


def test_the_document_is_the_one_that_is_served(service: Service):
    served = service.http.get("/openapi.json").json()
    served.pop("servers", None)
    assert served == json.loads(json.dumps(DOCUMENT))


def validator(ref: str) -> Any:
    return jsonschema_rs.validator_for(
        {"$ref": f"#/components/schemas/{ref}", "components": DOCUMENT["components"]}
    )


VALIDATORS: dict[str, Any] = {}


def conforms(ref: str, value: Any) -> None:
    if ref not in VALIDATORS:
        VALIDATORS[ref] = validator(ref)
    error = next(iter(VALIDATORS[ref].iter_errors(value)), None)
    assert error is None, (ref, str(error))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("made", OPERATIONS, ids=lambda made: f"{made.method}_{made.path}")
def test_whatever_the_document_allows_or_not_is_answered_as_documented(
    service: Service,
    session: requests.Session,
    credentials: Mapping[str, Mapping[str, str]],
    made: Any,
    role: str,
):
    op = BY_PATH[made.path][made.method.upper()]
    modes = [made.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)]
    if op.request is not None:
        modes.append(made.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))

    @settings(
        max_examples=EXAMPLES if role == OWN.get(op.who, "stranger") else EXAMPLES // 5,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),  # generating a large form is slow, and filtering it wasteful
    )
    @given(st.one_of(modes))
    def ask(case: Any) -> None:
        headers = {**(case.headers or {}), **credentials[role]}
        response = case.call(base_url=service.url, session=session, headers=headers)
        judge(op, made, role, response)

    ask()


def judge(op: Operation, made: Any, role: str, response: Any) -> None:
    """Ours in place of not_a_server_error, status_code_conformance, response_schema_conformance and ignored_auth."""
    assert response.status_code < 500, response.content
    assert response.headers["content-type"][0].startswith("application/json")
    said = json.loads(response.content) if response.content else {}
    if response.status_code in {405, 413, 415} or len(response.request.url) > LONG:
        # No operation answered: another method, a large body, another type, a head that is too large.
        assert said.get("statusCode", response.status_code) == response.status_code
        return
    if op.kind is Kind.API:
        assert response.status_code == 200
        assert UUID.fullmatch(said["requestId"])
        assert response.headers["x-request-id"][0] == said["requestId"]
        judge_envelope(op, made, role, said)
    elif response.status_code == 200:
        assert op.who is not Who.USER or role == "user"
        if op.data is not None:
            conforms(op.data.__name__, said)
    else:
        conforms("OAuthError", said)
        assert response.status_code in {400, 401, 403}
        if op.who is Who.USER and role != "user":
            assert response.status_code == 401


def judge_envelope(op: Operation, made: Any, role: str, said: Any) -> None:
    if said["statusCode"] == 200:
        answers = DOCUMENT["paths"][made.path][made.method]["responses"]["200"]["content"][
            "application/json"
        ]["schema"]
        conforms(answers["anyOf"][0]["$ref"].rpartition("/")[2], said)
    else:
        conforms("Refusal", said)
        assert said["statusCode"] < 500 or said["statusCode"] == 501
        documented = DOCUMENT["paths"][made.path][made.method]["x-ostiary-errors"]
        assert (said["statusCode"], said.get("apiCode")) in {
            (row["statusCode"], row.get("apiCode")) for row in documented
        }, said
    wanted = OWN.get(op.who)
    if wanted is not None and role != wanted:
        assert said.get("apiCode") in NOT_SIGNED_IN, said


def test_the_service_still_stands(service: Service):
    """After all of the above: it signs people in, and its memory is bounded."""
    assert service.http.get("/healthz").status_code == 200
    assert sys.getsizeof(service.log()) > 0
