"""No log line carries a number, a code, a token or a password as it is.

A value goes through a function or attribute whose name begins with ``mask`` or ``hash``, or it stays out.
"""

import ast
import re

import pytest

from tests.house.walk import Finding, Module, check_tree, snippet

LOGGER = re.compile(r"^_?(log|logger|logging)$", re.IGNORECASE)
METHODS = {
    "debug",
    "info",
    "told",
    "warning",
    "warn",
    "error",
    "exception",
    "critical",
    "fatal",
    "log",
    "bind",
    "msg",
}
SECRET = re.compile(
    r"(^|_)(phone|phones|number|numbers|email|code|codes|token|tokens|password|secret|pass_?code|otp|credential)$",
    re.IGNORECASE,
)
# These end like a secret and are none.
HARMLESS = {"status_code", "api_code", "exit_code", "return_code", "country_code", "error_code"}
MASKS = ("mask", "hash")


def raw_secrets_in_logs(module: Module):
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Call) and is_log_call(node.func)):
            continue
        for keyword in node.keywords:
            if keyword.arg and is_secret(keyword.arg) and not is_masked(keyword.value):
                yield Finding(node.lineno, f"a log call takes {keyword.arg}= unmasked")
        for fact, value in facts_in_dicts(node):
            if is_secret(fact) and not is_masked(value):
                yield Finding(node.lineno, f"a log call takes {fact!r} unmasked")
        for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
            for name in raw_names(value):
                yield Finding(node.lineno, f"a log call takes {name} unmasked")


def facts_in_dicts(call: ast.Call):
    for given in call.args:
        if isinstance(given, ast.Dict):
            for key, value in zip(given.keys, given.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value


def is_log_call(function: ast.expr) -> bool:
    """Is it log.info, self._log.info, logging.getLogger().info or log.bind(…).info?"""
    if not (isinstance(function, ast.Attribute) and function.attr in METHODS):
        return False
    target = function.value
    if isinstance(target, ast.Call):
        return last_name(target.func) in {"get_logger", "getLogger"} or is_log_call(target.func)
    return bool(LOGGER.match(last_name(target)))


def raw_names(value: ast.AST):
    if isinstance(value, ast.expr) and is_masked(value):
        return
    if isinstance(value, ast.Name | ast.Attribute) and is_secret(last_name(value)):
        yield ast.unparse(value)
        return
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        key = value.slice.value
        if isinstance(key, str) and is_secret(key):
            yield ast.unparse(value)
    for child in ast.iter_child_nodes(value):
        yield from raw_names(child)


def is_masked(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):  # what stands in the source is no secret
        return True
    if isinstance(value, ast.Call):
        value = value.func
    return last_name(value).lstrip("_").startswith(MASKS)


def is_secret(name: str) -> bool:
    return bool(SECRET.search(name)) and name.lower() not in HARMLESS


def last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_no_log_call_takes_a_secret():
    check_tree(raw_secrets_in_logs)


@pytest.mark.parametrize(
    "bad",
    [
        'log.info("sent", phone=phone)',
        'log.told("sent", {"phone": typed})',
        'log.told("sent", {"to": phone})',
        'log.info("sent", to=ask.new_phone)',
        'self._log.warning("refused", code=typed)',
        'logger.info(f"sent to {user.phone}")',
        'logging.getLogger().info("in", access_token=value)',
        'log.bind(token=token).info("in")',
        'log.info("in", who=body["password"])',
        'logging.info("sent to %s", phone)',
    ],
)
def test_a_raw_secret_is_found(bad):
    assert list(raw_secrets_in_logs(snippet(bad)))


@pytest.mark.parametrize(
    "good",
    [
        'log.info("sent", phone=mask_phone(phone))',
        'log.told("sent", {"phone": mask_phone(phone), **facts})',
        'log.info("sent", phone=phone.masked)',
        'log.info("answered", status_code=answer.status_code)',
        'log.info("sent", to=masked(ask.phone))',
        "math.log(number)",
    ],
)
def test_a_masked_value_may_be_logged(good):
    assert not list(raw_secrets_in_logs(snippet(good)))
