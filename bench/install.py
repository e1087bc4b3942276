"""Installing the peers at their pinned versions into bench/.peers; what can't be had is left out, with its reason.

`python -m bench.install` does it (`make bench` does too), `python -m bench.install lock` writes allauth's lock anew.
"""

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
SOURCES = HERE / "peers"
_SECONDS = 900


class NotInstallableError(Exception):
    """A peer can't be had here; the message says why."""


def better_auth() -> Path:
    """The folder to run it in."""
    source, folder = SOURCES / "better_auth", PEERS / "better_auth"
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise NotInstallableError("there is no node with npm on this machine")
    _mirror(source, folder)
    lock = (source / "package-lock.json").read_bytes()
    if not _installed(folder, lock):
        _run(["npm", "ci", "--no-audit", "--no-fund", "--omit=optional", "--omit=peer"], folder)
        _run(["node", "-e", "require('better-sqlite3')(':memory:')"], folder)
        _note(folder, lock)
    return folder


def allauth() -> Path:
    """The folder to run it in; its environment is `.venv` there."""
    source, folder = SOURCES / "allauth", PEERS / "allauth"
    _mirror(source, folder)
    lock = (source / "requirements.txt").read_bytes()
    if not _installed(folder, lock):
        _run([sys.executable, "-m", "venv", "--clear", ".venv"], folder)
        _run(
            [".venv/bin/python", "-m", "pip", "install", "-q", "--require-hashes", "-r", "requirements.txt"],
            folder,
        )
        _note(folder, lock)
    return folder


def ours() -> None:
    """Our own bytecode, as pip leaves it where it installs a wheel: a checkout's servers may not write any."""
    compileall.compile_dir(HERE.parent / "src", quiet=1)


def lock() -> None:
    """Write the hashed requirements of allauth; no line names a registry."""
    source = SOURCES / "allauth"
    machines = {"PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX"}
    subprocess.run(
        [
            *(
                HERE.parent / ".venv/bin/uv",
                "pip",
                "compile",
                "--quiet",
                "--universal",
                "--python-version",
                "3.11",
            ),
            *("--generate-hashes", "--no-config", "--no-emit-index-url"),
            *("--custom-compile-command", "python -m bench.install lock"),
            *(source / "requirements.in", "--output-file", source / "requirements.txt"),
        ],
        check=True,
        env={name: value for name, value in os.environ.items() if name not in machines},
    )


def _mirror(source: Path, folder: Path) -> None:
    """Our files there as they are here; what was installed stays."""
    shutil.copytree(
        source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
    )


def _installed(folder: Path, lock: bytes) -> bool:
    noted = folder / ".installed"
    return noted.exists() and noted.read_bytes() == lock


def _note(folder: Path, lock: bytes) -> None:
    (folder / ".installed").write_bytes(lock)


def _run(command: list[str], folder: Path) -> None:
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallableError(f"{command[0]} {command[1]}: {error}") from error
    if result.returncode:
        said = result.stdout.decode(errors="replace").strip().splitlines()
        raise NotInstallableError(f"{' '.join(command[:3])} failed: {said[-1] if said else 'without a word'}")


def main() -> None:
    if sys.argv[1:] == ["lock"]:
        lock()
        return
    for install in (better_auth, allauth):
        try:
            print(f"{install.__name__:<12} {install()}")
        except NotInstallableError as error:
            print(f"{install.__name__:<12} left out: {error}")


if __name__ == "__main__":
    main()
