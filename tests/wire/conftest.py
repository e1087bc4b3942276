"""What the wire's tests share."""

from collections.abc import Iterator

import pytest

from tests.wire.scripted_server import ScriptedServer, serving


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A scripted HTTP server; see ``scripted_server``."""
    with serving() as scripted:
        yield scripted
