"""OpenAPI 3.1, built from the operations table: nothing is said twice, so nothing can differ.

`/openapi.json`, `docs/reference/openapi.json` and the schema-driven tests use the same document.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.operations import OPERATIONS, common_errors
from ostiary.contract.shape import fields
from ostiary.contract.tokens import OAuthError

Schema = dict[str, Any]

_REF = "#/components/schemas/{name}"
_ABOUT = """Identity service speaking the GenAuth/Authing V3 API.

Every answer under `/api/v3` has the HTTP status 200 and an envelope: it went well exactly when `statusCode` is 200.
Where no operation answered, the HTTP status is the real one and the envelope is the same.
In requests `null` and `""` mean that a field is absent, and unknown fields are ignored; in answers fields that are
not set are left out. A token may stand in `authorization` bare or after `Bearer`."""
_SECURITY: Mapping[Who, list[dict[str, list[str]]]] = {
    Who.ANYONE: [{}, {"userToken": []}],
    Who.CLIENT: [{}, {"clientBasic": []}],
    Who.USER: [{"userToken": []}],
    Who.MANAGEMENT: [{"managementToken": []}],
}
_SCHEMES: Schema = {
    "userToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A user's access token, as `sign_in_by_credentials` gives it. Also without `Bearer`.",
    },
    "managementToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A pool's management token, as `get_management_token` gives it.",
    },
    "clientBasic": {
        "type": "http",
        "scheme": "basic",
        "description": "`client_id` and `client_secret` of an application that is set to `client_secret_basic`.",
    },
}
_HEADERS: Mapping[str, tuple[str, str]] = {
    "app-id": ("AppId", "The application; where missing, the token's."),
    "userpool-id": ("UserPoolId", "The user pool; must agree with the credential."),
    "lang": (
        "Lang",
        "Language of `message`: `zh-CN` (where absent) or `en-US`. `Accept-Language` counts, too.",
    ),
}
_FAMILIES = {"x-genauth-": "Genauth", "x-authing-": "Authing"}
_NO_OPERATION: tuple[Key, ...] = (
    Key.BODY_TOO_LARGE,
    Key.UNSUPPORTED_MEDIA_TYPE,
    Key.THROTTLED,
    Key.INTERNAL,
    Key.UNAVAILABLE,
)


def build(server_url: str | None = None) -> Schema:
    """The document. `server_url` is where this service answers, if that is to be said."""
    structs: set[type] = {op.request for op in OPERATIONS if op.request and "POST" in op.methods}
    structs |= {op.struct for op in OPERATIONS if op.struct}
    schemas = _schemas([OAuthError, *structs])
    schemas |= {f"{_camel(op.name)}Answer": _answer(op) for op in OPERATIONS if op.kind is Kind.API}
    schemas["Refusal"] = _REFUSAL
    document: Schema = {
        "openapi": "3.1.0",
        "info": {"title": "Ostiary", "version": "3", "description": _ABOUT},
        "tags": [{"name": group} for group in dict.fromkeys(op.group for op in OPERATIONS)],
        "paths": _paths(),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {_camel(key.value): _no_operation(key) for key in _NO_OPERATION},
            "parameters": _header_parameters(),
            "securitySchemes": _SCHEMES,
        },
    }
    if server_url:
        document["servers"] = [{"url": server_url}]
    return document


def _schemas(structs: Iterable[type]) -> Schema:
    """Component schemas by class name, without `default: null`: absent is not a value."""
    listed = sorted(structs, key=lambda struct: struct.__name__)
    _, schemas = msgspec.json.schema_components(listed, ref_template=_REF)
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if field.get("default", ...) is None:
                del field["default"]
    for struct in _all_structs(listed):
        told = {field.name: field.note for field in fields(struct) if field.note}
        for name, note in told.items():
            schemas[struct.__name__]["properties"][name].setdefault("description", note)
    return schemas


def _all_structs(structs: list[type]) -> set[type[msgspec.Struct]]:
    """These and those inside them."""
    found: set[type[msgspec.Struct]] = set()
    waiting = list(structs)
    while waiting:
        struct = waiting.pop()
        if struct not in found:
            found.add(struct)
            waiting += [inner for field in fields(struct) for inner in field.inner]
    return found


def _paths() -> Schema:
    paths: Schema = {}
    for op in OPERATIONS:
        for path in (op.path, *op.aliases):
            item = paths.setdefault(path, {})
            for method in op.methods:
                item[method.lower()] = _operation(op, method, path)
    return paths


def _operation(op: Operation, method: str, path: str) -> Schema:
    name = op.name if method == op.method else f"{op.name}_by_{method.lower()}"
    if path != op.path:
        name += "_at_" + path.strip("/").replace("/", "_")
    said: Schema = {
        "operationId": name,
        "tags": [op.group],
        "summary": op.summary,
        "description": _description(op),
        "security": _SECURITY[op.who],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _header_parameters()]
        if op.kind is Kind.API
        else [],
        "responses": _responses(op),
    }
    if op.request is not None and method == "GET":
        said["parameters"] += _query_parameters(op.request)
    elif op.request is not None:
        said["requestBody"] = _body(op, op.request)
    errors = (*common_errors(op), *op.own_errors)
    if errors:
        said["x-ostiary-errors"] = [_error(key) for key in errors]
    return said


def _description(op: Operation) -> str:
    parts = [op.description] if op.description else []
    if op.own_errors:
        lines = [_error_line(key) for key in op.own_errors]
        parts.append("Refusals, in the order in which they are checked:\n" + "\n".join(lines))
    if op.later:
        paths = ", ".join(f"`{later.path}`" for later in op.later)
        parts.append(f"Not implemented yet (answered with 501): {paths}.")
    return "\n\n".join(parts)


def _error_line(key: Key) -> str:
    row = CATALOGUE[key]
    number = f"{row.status_code}/{row.api_code}" if row.api_code else str(row.status_code)
    return f"- {number} `{key}`"


def _error(key: Key) -> Schema:
    row = CATALOGUE[key]
    said: Schema = {"key": key.value, "statusCode": row.status_code}
    if row.api_code is not None:
        said["apiCode"] = row.api_code
    return said


def _body(op: Operation, request: type[msgspec.Struct]) -> Schema:
    media = "application/x-www-form-urlencoded" if op.kind is Kind.OAUTH else "application/json"
    fields = msgspec.structs.fields(request)
    return {
        "required": any(field.required for field in fields),
        "content": {media: {"schema": {"$ref": _REF.format(name=request.__name__)}}},
    }


def _query_parameters(request: type[msgspec.Struct]) -> list[Schema]:
    schema = _schemas([request])[request.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _without_null(of),
        }
        for name, of in schema["properties"].items()
    ]


def _without_null(schema: Schema) -> Schema:
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return dict(kinds[0]) if len(kinds) == 1 else schema


def _header_parameters() -> Schema:
    return {
        f"{family}{name}": {
            "name": prefix + header,
            "in": "header",
            "required": False,
            "description": about,
            "schema": {"type": "string"},
        }
        for header, (name, about) in _HEADERS.items()
        for prefix, family in _FAMILIES.items()
    }


# --- answers ----------------------------------------------------------------------------------


_ENVELOPE: Schema = {
    "message": {"type": "string", "description": "A sentence for people, in the requested language."},
    "requestId": {"type": "string", "description": "Also in the header `x-request-id`, and in the log."},
}
_REFUSAL: Schema = {
    "title": "Refusal",
    "description": "Why the request was refused. `apiCode` is the reason; each operation lists the possible ones.",
    "type": "object",
    "properties": {
        "statusCode": {"type": "integer", "minimum": 201, "description": "The class of the refusal."},
        **_ENVELOPE,
        "apiCode": {"type": "integer"},
        "data": {
            "type": "object",
            "description": "Details: `field`, `path`, `retryAfter` (seconds), `methods`, `success`.",
        },
    },
    "required": ["statusCode", "message", "requestId"],
}


def _answer(op: Operation) -> Schema:
    """The envelope of an operation's success."""
    properties: Schema = {"statusCode": {"const": 200}, **_ENVELOPE}
    required = ["statusCode", "message", "requestId"]
    if op.struct is not None:
        properties["data"] = _data(op.struct, is_list=op.is_list)
        required.append("data")
    return {
        "title": f"{_camel(op.name)}Answer",
        "description": "Success.",
        "type": "object",
        "properties": properties,
        "required": required,
    }


def _data(struct: type, *, is_list: bool) -> Schema:
    reference = {"$ref": _REF.format(name=struct.__name__)}
    return {"type": "array", "items": reference} if is_list else reference


def _responses(op: Operation) -> Schema:
    if op.kind is Kind.API:
        kinds = [_REF.format(name=f"{_camel(op.name)}Answer"), _REF.format(name="Refusal")]
        first: Schema = {
            "description": "The envelope of a success or a refusal: `statusCode` tells which.",
            "content": _json({"anyOf": [{"$ref": ref} for ref in kinds]}),
        }
    else:
        first = {"description": "Success."}
        if op.struct is not None:
            first["content"] = _json(_data(op.struct, is_list=op.is_list))
    responses: Schema = {"200": first}
    if op.kind is Kind.OAUTH:
        refs = {"$ref": _REF.format(name="OAuthError")}
        for status, about in (("400", "Refused."), ("401", "The credential was not accepted.")):
            responses[status] = {"description": about, "content": _json(refs)}
    for key in _for_request(op):
        responses[str(CATALOGUE[key].http_status)] = {"$ref": f"#/components/responses/{_camel(key.value)}"}
    return responses


def _for_request(op: Operation) -> Iterable[Key]:
    of_a_body = {Key.BODY_TOO_LARGE, Key.UNSUPPORTED_MEDIA_TYPE}
    return [key for key in _NO_OPERATION if "POST" in op.methods or key not in of_a_body]


def _no_operation(key: Key) -> Schema:
    return {"description": CATALOGUE[key].en + ".", "content": _json({"$ref": _REF.format(name="Refusal")})}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
