"""The pages for people, as a browser shows them: on a telephone and on a desk."""

import pytest

from tests.browser import Tab
from tests.service import Service

WIDE = "document.documentElement.scrollWidth <= innerWidth"
MESSAGE = (
    "document.querySelector('#sign_in_by_credentials .refusals td:last-child').getBoundingClientRect().width"
)
TYPED = """(words => {
  const field = document.getElementById("filter");
  field.value = words;
  field.dispatchEvent(new Event("input"));
  return document.querySelector("nav").innerText;
})"""


@pytest.mark.parametrize("path", ["/", "/docs", "/dev/inbox"])
@pytest.mark.parametrize("width", [360, 1_280])
def test_a_visit_leaves_the_console_clean_and_nothing_wider_than_the_window(
    sqlite_service: Service, tab: Tab, path: str, width: int
):
    tab.look(sqlite_service.url + path, width=width)
    tab.until("document.querySelector('link[rel=icon]').href.startsWith('data:image/svg+xml,')", wanted=True)
    assert tab.value(WIDE)
    assert not tab.failures, "no icon that is not there, for one"
    assert not tab.complaints
    assert all(url.startswith((sqlite_service.url, "data:")) for url in tab.loaded), tab.loaded


@pytest.mark.parametrize(("width", "least"), [(360, 300), (1_280, 400)])
def test_a_refusal_can_be_read_at_every_width(sqlite_service: Service, tab: Tab, width: int, least: int):
    tab.look(f"{sqlite_service.url}/docs", width=width)
    assert tab.value(MESSAGE) > least


def test_a_search_without_a_hit_says_so(sqlite_service: Service, tab: Tab):
    tab.look(f"{sqlite_service.url}/docs")
    assert "Nothing found" in tab.value(f"{TYPED}('no such thing')")
    found = tab.value(f"{TYPED}('bind_phone')")
    assert "bind_phone" in found
    assert "Nothing found" not in found
