"""Whether time tells if an account is there: `python -m bench.enumeration [samples]`, against a service of its own.

Unknown names, wrong passwords and locked accounts are tried in turns, so that what the machine does meanwhile falls on
all alike. Told are the medians, and how often one of a pair of classes was the slower one (0.5: nothing to tell).
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from tests.service import Service, start

WARM_UP = 20
LIMIT = 5


def measure(service: Service, samples: int) -> dict[str, list[float]]:
    """Milliseconds of each try, by class."""
    known, locked = service.person(sign_in=False), service.person(sign_in=False)
    check = {"enabled": True, "limit": LIMIT, "timeInterval": 86_400}
    with service.settings(
        loginAnomalyDetection={"accountLockLoginPasswordFailCheck": check}, accountLockTime=86_400
    ):
        for _ in range(LIMIT):
            ask(service.http, service, locked.username, "wrong")
    # A limit that is never reached here: a lock that stands goes on, and nobody else's begins.
    check = {"enabled": True, "limit": 1_000, "timeInterval": 1}
    found: dict[str, list[float]] = {"unknown": [], "wrong": [], "locked": [], "locked, right": []}
    with service.settings(loginAnomalyDetection={"accountLockLoginPasswordFailCheck": check}):
        tries = (
            ("unknown", "nobody", "wrong"),
            ("wrong", known.username, "wrong"),
            ("locked", locked.username, "wrong"),
            ("locked, right", locked.username, locked.password),
        )
        for turn in range(samples + WARM_UP):
            for kind, name, password in tries:
                took = ask(service.http, service, name, password)
                if turn >= WARM_UP:
                    found[kind].append(took)
    return found


def ask(http: httpx2.Client, service: Service, name: str, password: str) -> float:
    body = {
        "connection": "PASSWORD",
        "passwordPayload": {"account": name, "password": password},
        "client_id": service.ids["appId"],
        "client_secret": service.ids["appSecret"],
    }
    began = time.perf_counter()
    answer = http.post("/api/v3/signin", json=body)
    took = (time.perf_counter() - began) * 1_000
    assert answer.json()["apiCode"] == 2333, answer.text
    return took


def slower(left: list[float], right: list[float]) -> float:
    """How often a try of `left` takes longer than one of `right`: the area under the ROC curve."""
    ordered = sorted([(value, 0) for value in right] + [(value, 1) for value in left])
    below, pairs = 0, 0
    for _, is_left in ordered:
        if is_left:
            pairs += below
        else:
            below += 1
    return pairs / (len(left) * len(right))


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory() as folder:
        service = start(Path(folder) / "data")
        try:
            found = measure(service, samples)
        finally:
            service.stop()
    for kind, times in found.items():
        print(f"{kind:14} median {statistics.median(times):7.2f} ms")
    for kind in list(found)[1:]:
        print(f"unknown against {kind:14} AUC {slower(found['unknown'], found[kind]):.3f}")


if __name__ == "__main__":
    main()
