"""What the inbox page says, in two languages."""

from collections.abc import Mapping
from typing import Final

from ostiary.server.core.call import Lang
from ostiary.server.delivery import texts
from ostiary.server.delivery.messages import is_code

WORDS: Final[Mapping[Lang, Mapping[str, str]]] = {
    "en-US": {
        "title": "Dev inbox",
        "lead": "Every message that would have been sent. Nothing leaves this machine.",
        "filter": "Filter by number, address or channel",
        "clear_all": "Clear",
        "copy_it": "Copy",
        "copied": "Copied",
        "copy_code": "Copy the code",
        "sms": "SMS",
        "email": "E-mail",
        "notice": "Notice",
        "to": "to",
        "now": "just now",
        "queued": "queued",
        "sending": "being sent",
        "sent": "sent",
        "clock": "Service clock",
        "ahead": "{time} ahead of the machine",
        "forward": "Move on by",
        "seconds": "seconds",
        "move": "Move",
        "minute": "1 min",
        "five": "5 min",
        "hour": "1 h",
        "day": "1 day",
        "clock_hint": "Only forward. Codes, tokens, sessions and limits all follow this clock.",
        "empty": "Nothing has arrived yet",
        "empty_hint": "Request a code and it will appear here:",
        "none_match": "No message matches the filter",
        "none_match_hint": "Shorten it, or clear it to see everything.",
        "lost": "The service is not responding; retrying …",
        "failed": "That did not work:",
        "language": "中文",
        "messages": "Messages",
    },
    "zh-CN": {
        "title": "开发收件箱",
        "lead": "本应发出的每一条消息都在这里，没有任何内容离开这台机器。",
        "filter": "按号码、邮箱或用途筛选",
        "clear_all": "清空",
        "copy_it": "复制",
        "copied": "已复制",
        "copy_code": "复制验证码",
        "sms": "短信",
        "email": "邮件",
        "notice": "通知",
        "to": "发往",
        "now": "刚刚",
        "queued": "排队中",
        "sending": "发送中",
        "sent": "已发送",
        "clock": "服务时钟",
        "ahead": "比本机快 {time}",
        "forward": "向前拨",
        "seconds": "秒",
        "move": "拨动",
        "minute": "1 分钟",
        "five": "5 分钟",
        "hour": "1 小时",
        "day": "1 天",
        "clock_hint": "只能向前。验证码、令牌、会话和限额都以此时钟为准。",
        "empty": "还没有消息",
        "empty_hint": "请求一个验证码，它会自动出现在这里：",
        "none_match": "没有符合筛选条件的消息",
        "none_match_hint": "请缩短或清空筛选条件。",
        "lost": "服务没有响应，正在重试……",
        "failed": "操作失败：",
        "language": "English",
        "messages": "消息",
    },
}


def topic(purpose: str, lang: Lang) -> str:
    """What a message is about, in a few words."""
    words = texts.CODES[purpose].topic if is_code(purpose) else texts.SUBJECTS[purpose]  # type: ignore[index] # a channel is its name
    return words.say(lang)
