"""What a field takes, in words, for those who set it."""

from msgspec import inspect


def allowed(kind: inspect.Type) -> str:
    """A type and its range, in words."""
    match kind:
        case inspect.Metadata(extra_json_schema={"title": str(words)}):
            return words
        case inspect.Metadata(inner):
            return allowed(inner)
        case inspect.UnionType(kinds):
            return " or ".join(allowed(one) for one in kinds if not isinstance(one, inspect.NoneType))
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=least, le=most):
            if least is None:
                return "a whole number"
            return f"{least} or more" if most is None else f"{least} to {most}"
        case inspect.LiteralType(values):
            return ", ".join(map(str, values))
        case inspect.VarTupleType() | inspect.ListType():
            return f"a list: {allowed(kind.item_type)}"
        case inspect.StrType(max_length=int(most)):
            return f"text of {most} characters at most"
    return "text"
