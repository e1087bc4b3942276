"""The HTML of an e-mail: the same words as its text, nothing from elsewhere in it. Pure.

No image, no style sheet, no script, no link but the one the text gives: a message that asks nothing of the network
tells nobody that it was read.
"""

from html import escape

from ostiary.server.core.call import Lang

_PAGE = "margin:0;padding:24px;background:#f4f5f7;color:#1f2329;font:16px/1.6 -apple-system,'Segoe UI',Roboto,'PingFang SC','Microsoft YaHei',sans-serif"
_CARD = "max-width:520px;margin:0 auto;padding:32px;background:#ffffff;border-radius:12px"
_CODE = "margin:24px 0;font:600 32px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:6px"
_BUTTON = "display:inline-block;padding:12px 28px;border-radius:8px;background:#1d4ed8;color:#ffffff;text-decoration:none;font-weight:600"
_SMALL = "font-size:13px;color:#646a73;word-break:break-all"


def to_html(
    text: str, title: str, lang: Lang, *, code: str | None = None, link: str | None = None, button: str = ""
) -> str:
    """A page of the text's paragraphs; the one that is the code stands large, the one that is the link is a button."""
    body = "".join(_paragraph(part, code, link, button) for part in text.split("\n\n"))
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)}</title></head><body style="{_PAGE}"><div style="{_CARD}">{body}</div></body></html>'
    )


def _paragraph(part: str, code: str | None, link: str | None, button: str) -> str:
    if code is not None and part == code:
        return f'<p style="{_CODE}">{escape(part)}</p>'
    if link is not None and part == link:
        address = escape(link, quote=True)
        return f'<p><a href="{address}" style="{_BUTTON}">{escape(button)}</a></p><p style="{_SMALL}">{address}</p>'
    return f"<p>{'<br>'.join(escape(line) for line in part.splitlines())}</p>"
