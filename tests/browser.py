"""A real browser, driven by its own protocol: what a page loads, looks like and says."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class BrowserUnavailableError(Exception):
    """There is no browser on this machine; the message says why."""


class Tab:
    """One page of a browser, driven by its own protocol."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.loaded: list[str] = []
        self.complaints: list[str] = []
        """What the pages did against their own policy."""
        self.failures: list[str] = []
        """What else the browser's console shows in red."""
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
            if said["method"] == "Log.entryAdded":
                self._hear(said["params"]["entry"])

    def _hear(self, entry: Any) -> None:
        if entry["source"] == "security":
            self.complaints.append(entry["text"])
        elif entry["level"] == "error":
            self.failures.append(f"{entry['text']} {entry.get('url', '')}")

    def look(self, url: str, *, width: int = 1_280) -> None:
        """Open a page in a window of this width, and wait until it stands."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self.ask("Page.navigate", url=url)
        self.until("document.readyState", "complete")

    def value(self, script: str) -> Any:
        return self.ask("Runtime.evaluate", expression=script)["result"].get("value")

    def until(self, script: str, wanted: Any) -> None:
        end = time.monotonic() + 20
        while (found := self.value(script)) != wanted:
            assert time.monotonic() < end, found
            time.sleep(0.1)


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@contextmanager
def opened(profile: Path) -> Iterator[Tab]:
    """A browser with one page, on a new profile. Raises `BrowserUnavailableError`."""
    if CHROMIUM is None:
        raise BrowserUnavailableError("neither `chromium` nor `google-chrome` is a command here")
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
        with suppress(subprocess.TimeoutExpired):
            browser.wait(20)
        browser.kill()
