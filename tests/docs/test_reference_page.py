"""`/docs`: everything in the table is on it, its samples run, and it needs nothing from elsewhere."""

import html
import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind
from ostiary.contract.operations import BY_NAME, OPERATIONS, common_errors
from ostiary.contract.shape import fields
from ostiary.server.web.pages import docs_content
from ostiary.testing import Service, start

PAGE = docs_content.render()
ARTICLES = dict(re.findall(r'(?s)<article id="(\w+)">(.*?)</article>', PAGE))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with start() as running:
        yield running


def text_of(name: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", ARTICLES[name]))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_is_told_whole(operation):
    text = text_of(operation.name)
    assert operation.path in text
    assert operation.summary.replace("`", "") in text
    for struct in (operation.request, operation.struct):
        for field in fields(struct) if struct else ():
            assert field.name in text
            assert field.note.replace("`", "") in text
    for key in (*operation.own_errors, *common_errors(operation)):
        row = CATALOGUE[key]
        assert (f"{row.status_code} / {row.api_code}" if row.api_code else str(row.status_code)) in text
        assert row.en in text
        assert row.zh in text
    for later in operation.later:
        assert later.path in text


def test_every_operation_is_in_the_list():
    assert re.findall(r'<li><a href="#(\w+)"', PAGE) == list(BY_NAME)


_NOT_THERE = {
    CATALOGUE[key].api_code
    for key in (
        Key.USER_NOT_FOUND,
        Key.FACTOR_NOT_FOUND,
        Key.DEVICE_NOT_FOUND,
        Key.ROLE_NOT_FOUND,
        Key.GROUP_NOT_FOUND,
        Key.APP_NOT_FOUND,
    )
}
"""What a sample names need not exist."""


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_samples_are_understood(operation, service, tmp_path):
    """A shell takes the sample and the service its form: what is refused is a value, never how it is said."""
    [sample] = re.findall(r"(?s)<pre><code>(.*?)</code>", ARTICLES[operation.name])
    sample = html.unescape(sample)
    environment = {
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "no_proxy": "127.0.0.1",
        "URL": service.url,
        "APP_ID": service.app_id,
        "APP_SECRET": service.app_secret,
        "ACCESS_KEY_ID": service.access_key_id,
        "ACCESS_KEY_SECRET": service.access_key_secret,
        "TOKEN": service.person().access_token,
        "MANAGEMENT_TOKEN": service.management.get_management_token(
            service.access_key_id, service.access_key_secret
        ).data.access_token,
    }
    done = subprocess.run(
        ["bash", "-eu", "-c", sample.replace("curl ", "curl -sS ", 1)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if operation.name == "revoke_token":  # RFC 7009 §2.2: nothing to say about a token that is none
        assert done.stdout in {"", "{}"}
        return
    answer = json.loads(done.stdout)
    if operation.kind is Kind.API:
        not_there = answer.get("apiCode") in _NOT_THERE
        assert not_there or answer["statusCode"] not in {400, 401, 404, 405, 415, 501}, answer
    else:
        assert answer.get("error") in {None, "invalid_grant"}, answer


def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(service):
    import httpx2

    with httpx2.Client(base_url=service.url, trust_env=False) as http:
        page = http.get("/docs")
        assert page.text == PAGE
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|<script>|\sstyle=|\son\w+=", page.text)
        for link in re.findall(r'(?:src|href)="(?!data:)([^"#]+)"', page.text):
            assert link.startswith("/")
            assert http.get(link).status_code == 200
        assert http.get("/docs.css").headers["content-type"].startswith("text/css")
        assert http.get("/docs.js").headers["content-type"].startswith("text/javascript")
        for asset in ("/docs.css", "/docs.js"):
            assert not re.search(r"https?:|@import|url\(", http.get(asset).text)
