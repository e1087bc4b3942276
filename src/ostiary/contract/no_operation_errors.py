"""Rows of the catalogue where no operation answered: these have a real HTTP status."""

from collections.abc import Mapping

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

NO_OPERATION: Mapping[Key, Row] = {
    Key.NOT_FOUND: Row(
        404,
        None,
        zh="接口不存在，请检查路径",
        en="There is nothing here: check the path",
        hint_en="No operation has this path.",
        http_status=404,
    ),
    Key.METHOD_NOT_ALLOWED: Row(
        405,
        None,
        zh="请求方法不正确，请检查后重试",
        en="This method is not served here: check the method",
        hint_en="The header `allow` names those that are.",
        http_status=405,
    ),
    Key.BODY_TOO_LARGE: Row(
        413,
        None,
        zh="请求体过大，请缩小后重试",
        en="The body is too large: make it smaller",
        hint_en="A body may have 64 KiB.",
        http_status=413,
    ),
    Key.UNSUPPORTED_MEDIA_TYPE: Row(
        415,
        None,
        zh="不支持的内容类型，请使用 JSON",
        en="This content type is not served: send JSON",
        hint_en="`content-type: application/json`, or none. The OAuth endpoints want a form.",
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
        en="Something went wrong in the service: try again later, or report the request id",
        hint_en="A defect. The log has the request id.",
        http_status=500,
    ),
    Key.UNAVAILABLE: Row(
        503,
        None,
        zh="服务暂时不可用，请稍后重试",
        en="The service can't answer at the moment: try again later",
        hint_en="The database is away or too slow. Wrong codes that were compared are counted all the same.",
        http_status=503,
    ),
}
