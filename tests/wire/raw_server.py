"""A server that says bytes: what no HTTP library would send."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Say = Callable[[socket.socket], None]


@contextmanager
def saying(say: Say) -> Iterator[str]:
    """Serve `say`, which is given each connection once its first request came; gives the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        open_ones: list[socket.socket] = []
        threading.Thread(target=_accept, args=(listener, say, open_ones), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in open_ones:
                one.close()


def _accept(listener: socket.socket, say: Say, open_ones: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            one, _ = listener.accept()
            open_ones.append(one)
            threading.Thread(target=_serve, args=(one, say), daemon=True).start()


def _serve(one: socket.socket, say: Say) -> None:
    with suppress(OSError):  # the client has had enough
        if one.recv(65536):
            say(one)
