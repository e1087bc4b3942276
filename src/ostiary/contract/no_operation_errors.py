"""Rows of the catalogue where no operation answered: these have a real HTTP status."""

from collections.abc import Mapping

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

NO_OPERATION: Mapping[Key, Row] = {
    Key.NOT_FOUND: Row(
        404,
        None,
        zh="接口不存在，请检查路径",
        en="There is no such path: check the URL",
        hint_en="No operation has this path.",
        http_status=404,
    ),
    Key.METHOD_NOT_ALLOWED: Row(
        405,
        None,
        zh="请求方法不正确，请检查后重试",
        en="This HTTP method is not allowed here: check the method",
        hint_en="The header `allow` lists the methods that are allowed.",
        http_status=405,
    ),
    Key.BODY_TOO_LARGE: Row(
        413,
        None,
        zh="请求体过大，请缩小后重试",
        en="The request body is too large: make it smaller",
        hint_en="The limit is 64 KiB.",
        http_status=413,
    ),
    Key.UNSUPPORTED_MEDIA_TYPE: Row(
        415,
        None,
        zh="不支持的内容类型，请使用 JSON",
        en="This content type is not supported: send JSON",
        hint_en="Send `content-type: application/json`, or none. The OAuth endpoints take a form.",
        http_status=415,
    ),
    Key.THROTTLED: Row(
        429,
        None,
        zh="请求过于频繁，请稍后重试",
        en="Too many requests: try again later",
        hint_en="The header `retry-after` is in seconds.",
        http_status=429,
    ),
    Key.INTERNAL: Row(
        500,
        None,
        zh="服务内部错误，请稍后重试；如仍失败，请提供请求编号",
        en="Something went wrong: try again later; if it keeps failing, report the request ID",
        hint_en="A defect in the service. Look up the request ID in the log.",
        http_status=500,
    ),
    Key.UNAVAILABLE: Row(
        503,
        None,
        zh="服务暂时不可用，请稍后重试",
        en="The service is temporarily unavailable: try again later",
        hint_en="The database is unreachable or too slow. Wrong codes that were already compared still count.",
        http_status=503,
    ),
}
