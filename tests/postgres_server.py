"""A real PostgreSQL for the tests: one cluster for a whole run, one fresh database for each test.

- The server is Debian's (``make setup`` installs it), run with its default settings, so a commit
  here costs what it costs in production. ``OSTIARY_TEST_POSTGRES_BIN`` names another build.
- It refuses to run as root, so root starts it as the user ``postgres``.
- A test that must kill or stop a server asks for one of its own: the fixture ``own_postgres_server``.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADMIN = "ostiary"
START_TRIES = 5
RUN_PREFIX = "ostiary-tests-"


class PostgresUnavailableError(Exception):
    """PostgreSQL can't be had on this machine; the message says why."""


def bin_folder() -> Path:
    """Find the folder with initdb and pg_ctl: the newest that Debian installed, or the one named."""
    named = os.environ.get("OSTIARY_TEST_POSTGRES_BIN")
    if named:
        folders = [Path(named)]
    else:
        debian = Path("/usr/lib/postgresql").glob("*/bin")
        folders = sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
        on_path = shutil.which("initdb")
        if on_path:
            folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise PostgresUnavailableError("PostgreSQL's server was not found (Debian: apt-get install postgresql)")


def server_user() -> str | None:
    """Name the user to run the server as; None: the one we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise PostgresUnavailableError("root can't run PostgreSQL, and there is no user postgres or nobody")


def free_port() -> int:
    """Pick a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PostgresServer:
    """One cluster in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self._url = folder / "url"

    @property
    def url(self) -> str:
        """Where the administrator connects: the database ``postgres`` of a started cluster."""
        return self._url.read_text()

    @property
    def started(self) -> bool:
        """Has somebody started this cluster (perhaps another process)?"""
        return self._url.exists()

    def start(self) -> "PostgresServer":
        """Make the cluster where there is none, and start it."""
        binaries = bin_folder()
        self._make_folder()
        if not self.data.exists():
            self._initdb(binaries)
        password = (self.folder / "password").read_text()
        said = ""
        for _ in range(START_TRIES):
            port = free_port()  # somebody may take it before we do: then once more
            settings = f"-c listen_addresses=127.0.0.1 -p {port} -k {self.folder} -c max_connections=300"
            result = self._run(
                [binaries / "pg_ctl", "start", "-w", "-D", self.data, "-l", self.log, "-o", settings]
            )
            if result.returncode == 0:
                self._url.write_text(f"postgresql://{ADMIN}:{password}@127.0.0.1:{port}/postgres")
                return self
            said = result.stdout
        log = self.log.read_text() if self.log.exists() else ""
        raise PostgresUnavailableError(f"PostgreSQL did not start:\n{said}\n{log}")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; ``immediate`` is a crash to the data (nothing is flushed), ``fast`` is not."""
        self._url.unlink(missing_ok=True)
        self._run([bin_folder() / "pg_ctl", "stop", "-w", "-m", mode, "-D", self.data])

    def fresh_database(self, template: str = "template1") -> str:
        """Make a new database (a copy of the template) and give its URL."""
        name = f"t_{secrets.token_hex(8)}"
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return f"{self.url.rpartition('/')[0]}/{name}"

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        self._admin(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _admin(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        user = server_user()
        if user:
            owner = pwd.getpwnam(user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def _initdb(self, binaries: Path) -> None:
        # A password, though it is only the loopback: other users of the machine share that.
        password = self.folder / "password"
        password.write_text(secrets.token_hex(16))
        user = server_user()
        if user:
            os.chown(password, pwd.getpwnam(user).pw_uid, -1)
        password.chmod(0o600)
        command: list[str | Path] = [binaries / "initdb", "-D", self.data, "-U", ADMIN, "--pwfile", password]
        # --no-sync only for the making: the server itself runs with fsync on.
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        result = self._run([*command, *options])
        if result.returncode != 0:
            raise PostgresUnavailableError(f"initdb failed:\n{result.stdout}")

    def _run(self, command: list[str | Path]) -> subprocess.CompletedProcess[str]:
        user = server_user()
        become = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
        # To a file, not a pipe: the server inherits it and would hold a pipe open for its whole life.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
                **become,  # type: ignore[call-overload] # mypy can't see keywords through a dict
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, result.returncode, stdout=output.read())


# ── one server for a whole run, whichever worker needs it first ─────────────────────────────


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def new_run_folder() -> Path:
    """Make the folder of this run. Its name carries our process id, so that others can tell if we live."""
    folder = Path(tempfile.mkdtemp(prefix=f"{RUN_PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)  # the server's user has to pass
    return folder


def shared_server(run_folder: Path) -> PostgresServer:
    """Give the run's server; the first to ask starts it."""
    server = PostgresServer(run_folder / "postgres")
    with lock(run_folder / "postgres.lock"):
        if not server.started:
            server.start()
    return server


def own_server(run_folder: Path) -> PostgresServer:
    """Start a server that only the caller uses."""
    return PostgresServer(Path(tempfile.mkdtemp(prefix="own-", dir=run_folder))).start()


def clean_up(run_folder: Path) -> None:
    """Stop the run's servers and remove its folder."""
    for folder in run_folder.iterdir():
        server = PostgresServer(folder)
        if (server.data / "postmaster.pid").exists():
            server.stop()
    shutil.rmtree(run_folder, ignore_errors=True)


def clean_up_after_the_dead() -> None:
    """Do the same for runs that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{RUN_PREFIX}*"):
        process = folder.name.removeprefix(RUN_PREFIX).partition("-")[0]
        if folder.stat().st_uid == os.geteuid() and not Path("/proc", process).exists():
            clean_up(folder)
