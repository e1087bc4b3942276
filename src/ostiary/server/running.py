"""Running processes: one that serves, several behind one socket, or the worker alone."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress

import msgspec

from ostiary.server.app import check, compose, compose_backstage
from ostiary.server.core.log import log
from ostiary.server.founding import root_keys
from ostiary.server.settings import Settings, StartRefusedError
from ostiary.server.web import logs

STOP_WITHIN = 9.5
"""Seconds from SIGTERM to the end of the process, whatever hangs. Supervisors wait ten or more before they kill."""


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises `StartRefusedError`."""
    logs.configure(settings.log_level, verbose=settings.dev)
    check(settings)
    root_keys(settings)
    listener = listen(settings)
    url = public_url(settings, listener)
    tell = _print_ready(settings)
    if settings.workers == 1:
        return _run(_serve_one(settings, url, listener, lambda: tell(url)))
    from ostiary.server.web import processes

    _run(_prepare(settings, url))  # once, so that the workers find everything made
    return processes.run(
        settings.workers,
        lambda ready: _run(_serve_one(settings, url, listener, ready)),
        lambda: tell(url),
    )


def work(settings: Settings, told_ready: Callable[[], None]) -> int:
    """Run the outbox worker, the audit sealer and the janitor alone, until SIGTERM or SIGINT."""
    logs.configure(settings.log_level, verbose=settings.dev)
    check(settings)
    return _run(_work(settings, told_ready))


def listen(settings: Settings) -> socket.socket:
    """The listening socket, which all workers share."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StartRefusedError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another with --host or --port"
        ) from error
    listener.listen(2_048)
    return listener


def public_url(settings: Settings, listener: socket.socket) -> str:
    """What clients call us: the setting, else where we listen."""
    if settings.public_url:
        return settings.public_url
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _run(main: Coroutine[None, None, int]) -> int:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code: int = runner.run(main)
        return code


async def _prepare(settings: Settings, url: str) -> int:
    process = await compose(settings, url)
    await process.close()
    return 0


async def _serve_one(settings: Settings, url: str, listener: socket.socket, ready: Callable[[], None]) -> int:
    from ostiary.server.web import protocol

    process = await compose(settings, url)
    _collect_less()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, process.backstage.keys.look)
    work = asyncio.create_task(process.background.run())

    def stopping() -> None:
        process.health.stopping = True
        asyncio.get_running_loop().call_later(STOP_WITHIN, _give_up)

    server = protocol.server(process.edge, settings, ready, stopping)
    await server.serve([listener])
    process.background.stop()
    await work
    await process.close()
    return 0


async def _work(settings: Settings, ready: Callable[[], None]) -> int:
    backstage = await compose_backstage(settings)
    _collect_less()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, backstage.background.stop)
    loop.add_signal_handler(signal.SIGHUP, backstage.keys.look)
    ready()
    await backstage.background.run()
    await backstage.close()
    return 0


def _print_ready(settings: Settings) -> Callable[[str], None]:
    def tell(url: str) -> None:
        line = {"event": "ready", "url": url, "dataDir": str(settings.folder.absolute())}
        with suppress(BrokenPipeError):
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()

    return tell


def _collect_less() -> None:
    """What stands after start stays: the collector need not look at it again, nor so often at what comes and goes.

    A request or a message leaves hardly any cycles; with Python's own thresholds looking for them took 6 % of a change (ADR 0016).
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _give_up() -> None:
    """The last resort of a stop: something hangs, and what was answered is stored already."""
    log.error("stop_took_too_long")
    os._exit(0)
