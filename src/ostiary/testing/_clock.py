"""The service's clock: it can be moved on, never back."""

import httpx2


class Clock:
    """The clock by which the service judges codes, tokens, sessions and limits."""

    def __init__(self, url: str, http: httpx2.Client) -> None:
        self._url = f"{url}/dev/clock"
        self._http = http

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the clock on, by whole seconds (a fraction is rounded down).

        The move stays for all tests after: make people anew (`people`) instead of keeping them over a move, for
        an access token lives two hours on this clock. Raises ValueError where nothing is left to move.
        """
        whole = int(seconds + 60 * minutes + 3_600 * hours + 86_400 * days)
        if whole <= 0:
            raise ValueError("the clock only goes forward, by a second at least")
        self._http.post(self._url, json={"advanceSeconds": whole}).raise_for_status()
