"""The verification page in a real browser: what it loads, what its policy lets through, and what the button does."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from tests.conftest import missing
from tests.journeys.hands import send
from tests.service import Service

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LINK = "CHANNEL_VERIFY_EMAIL_LINK"


class Tab:
    """One page of a browser, driven by its own protocol."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.loaded: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(timeout=20))
            if said.get("id") == self._number:
                return said["result"]
            if said["method"] == "Network.requestWillBeSent":
                self.loaded.append(said["params"]["request"]["url"])
            if said["method"] == "Log.entryAdded" and said["params"]["entry"]["source"] == "security":
                self.complaints.append(said["params"]["entry"]["text"])

    def value(self, script: str) -> Any:
        return self.ask("Runtime.evaluate", expression=script)["result"].get("value")

    def until(self, script: str, wanted: Any) -> None:
        end = time.monotonic() + 20
        while (found := self.value(script)) != wanted:
            assert time.monotonic() < end, found
            time.sleep(0.1)


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    if CHROMIUM is None:
        missing("Chromium", "neither `chromium` nor `google-chrome` is a command here")
    profile = tmp_path / "profile"
    browser = subprocess.Popen(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip # a command line
    try:
        end = time.monotonic() + 60
        while len(told := lines_of(profile / "DevToolsActivePort")) < 2:
            assert time.monotonic() < end, "the browser did not start"
            time.sleep(0.1)
        port = told[0]
        pages = httpx2.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
        [page] = [one for one in pages if one["type"] == "page"]
        with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
            yield Tab(socket)
    finally:
        browser.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            browser.wait(20)
        browser.kill()


def test_a_person_opens_the_link_and_presses_the_button(sqlite_service: Service, tab: Tab):
    service = sqlite_service
    ann = service.person(email_verified=False)
    send(service.client(), LINK, ann.email)
    [link] = re.findall(r"https?://\S+", service.message(ann.email, LINK)["text"])
    tab.ask("Page.navigate", url=link)
    tab.until("document.title", "Verify your e-mail address")
    tab.until("document.querySelector('button').getBoundingClientRect().height > 30", wanted=True)
    assert tab.value("getComputedStyle(document.querySelector('button')).cursor") == "pointer", (
        "its style came"
    )
    assert not ann.client.get_profile().data.email_verified
    tab.value("document.querySelector('button').click()")
    tab.until("document.title", "The address is verified")
    assert ann.client.get_profile().data.email_verified
    picture = base64.b64decode(tab.ask("Page.captureScreenshot", format="png")["data"])
    assert picture.startswith(b"\x89PNG")
    assert all(url.startswith(service.url) for url in tab.loaded), tab.loaded
    assert not tab.complaints, "the page does nothing that its own policy forbids"
