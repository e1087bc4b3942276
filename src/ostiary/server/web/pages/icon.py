"""The icon of every page, in the page itself: one that names none has the browser ask for /favicon.ico."""

from typing import Final
from urllib.parse import quote

_SVG: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2f5bea"/>'
    '<path d="M10.5 25V14a5.5 5.5 0 0 1 11 0v11M6 25.5h20" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)
LINK: Final = f'<link rel="icon" href="data:image/svg+xml,{quote(_SVG, safe="/:= ")}">'
