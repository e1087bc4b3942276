"""OpenAPI is valid, the pages are fresh, and both tell all that the table holds."""

import json

import jsonschema_rs
import pytest
import schemathesis
from schemathesis.core.result import Ok

from ostiary.contract.openapi import build
from ostiary.contract.operation import Kind
from ostiary.contract.operations import BY_PATH, OPERATIONS
from tools.reference import FOLDER, pages

DOCUMENT = build()


@pytest.mark.parametrize("name", sorted(pages()))
def test_pages_are_fresh(name):
    assert (FOLDER / name).read_text() == pages()[name], f"{name} is stale: make generate"


def test_no_other_page_is_among_them():
    assert {path.name for path in FOLDER.iterdir()} == set(pages())


def test_every_schema_is_a_valid_one():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        try:
            jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        except jsonschema_rs.ValidationError as error:
            pytest.fail(f"{name}: {error}")


def test_every_reference_leads_somewhere():
    for ref in references(DOCUMENT):
        node = DOCUMENT
        for part in ref.removeprefix("#/").split("/"):
            assert part in node, ref
            node = node[part]


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_nothing_is_described_that_is_not_used():
    used = {ref.rpartition("/")[2] for ref in references(DOCUMENT)}
    assert set(DOCUMENT["components"]["schemas"]) <= used


def test_schemathesis_can_read_it():
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    read = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    found = {(operation.method.upper(), operation.path) for operation in read}
    assert found == {(method, path) for path, methods in BY_PATH.items() for method in methods}


def test_operation_ids_are_unique():
    ids = [said["operationId"] for item in DOCUMENT["paths"].values() for said in item.values()]
    assert len(ids) == len(set(ids))
    assert {op.name for op in OPERATIONS} <= set(ids)


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_operations_are_described(op):
    said = DOCUMENT["paths"][op.path][op.method.lower()]
    assert said["summary"] == op.summary
    assert op.summary.endswith(".")
    assert "200" in said["responses"]
    media = "application/x-www-form-urlencoded" if op.kind is Kind.OAUTH else "application/json"
    if op.method == "POST" and op.request:
        assert list(said["requestBody"]["content"]) == [media]
    if op.kind is Kind.API:
        headers = [ref["$ref"].rpartition("/")[2] for ref in said["parameters"] if "$ref" in ref]
        assert {"GenauthAppId", "AuthingAppId", "GenauthLang", "AuthingLang"} <= set(headers)
        told = {error["key"] for error in said.get("x-ostiary-errors", [])}
        assert {key.value for key in op.own_errors} <= told


def test_the_json_is_one_document():
    assert json.loads(pages()["openapi.json"]) == DOCUMENT


def test_the_address_is_told_where_it_is_known():
    assert build("https://id.example.com")["servers"] == [{"url": "https://id.example.com"}]
    assert "servers" not in DOCUMENT
