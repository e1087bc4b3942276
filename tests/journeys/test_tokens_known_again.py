"""A token that was believed once is known again: its signature is checked once, its key and its end every time."""

import asyncio

import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.call import UserToken
from ostiary.server.core.refused import Refused
from ostiary.server.guards import signing
from ostiary.server.guards.signing import Signer
from ostiary.server.guards.signing_keys import SigningKey
from ostiary.server.storage.tx import Sql
from tests.journeys.test_edge_tokens import anyio_backend, bench, of_alice, signer

__all__ = ["anyio_backend", "bench", "signer"]


@pytest.mark.anyio
async def test_a_believed_token_is_known_again_while_its_key_stands_and_its_end_is_ahead(
    bench, signer, monkeypatch
):
    alice = of_alice(bench)
    token = await signer.access_token(alice)
    first = await signer.verify(token)
    checked = []
    monkeypatch.setattr(SigningKey, "signed", lambda _key, token: checked.append(token))
    assert await signer.verify(token) == first == alice, "the same, without its signature being checked"
    assert checked == []
    assert await signer.verify(token + "A") == Refused(Key.LOGIN_INVALID), "one more sign is another token"
    assert len(checked) == 1
    bench.clock.advance(seconds=7_201)
    assert await signer.verify(token) == Refused(Key.LOGIN_EXPIRED)


@pytest.mark.anyio
async def test_a_token_that_was_believed_goes_with_its_key(bench, signer):
    token = await signer.access_token(of_alice(bench))
    assert isinstance(await signer.verify(token), UserToken)
    await bench.store.write(lambda tx: tx.run(Sql("DELETE FROM signing_keys")))
    await signer.refresh()
    assert await signer.verify(token) == Refused(Key.LOGIN_INVALID)


@pytest.mark.anyio
async def test_a_crowd_at_a_server_that_just_started_waits_for_one_look_at_the_keys(bench, signer):
    """All of them come before its first look is over. The next look may not begin for a second."""
    tokens = [await signer.access_token(of_alice(bench, scope=f"openid s{n}")) for n in range(16)]
    started = Signer(bench.store, bench.ports, signer.issuer)
    before = bench.store.counts.statements
    verdicts = await asyncio.gather(*map(started.verify, tokens))
    assert all(isinstance(verdict, UserToken) for verdict in verdicts)
    assert bench.store.counts.statements == before + 1
    started.close()


@pytest.mark.anyio
async def test_a_key_that_came_after_the_look_that_was_joined_is_looked_for_again(bench, signer, monkeypatch):
    monkeypatch.setattr(signing, "_LOOK_EVERY", 0)
    token = await signer.access_token(of_alice(bench))
    started = Signer(bench.store, bench.ports, signer.issuer)
    learn, seen = started._learn, []

    def learns_late(rows):
        seen.append(len(rows))
        learn(rows if len(seen) > 1 else [])

    monkeypatch.setattr(started, "_learn", learns_late)
    first, second = await asyncio.gather(started.verify(token), started.verify(token))
    assert first == Refused(Key.LOGIN_INVALID), "whose own look it was"
    assert isinstance(second, UserToken)
    started.close()


@pytest.mark.anyio
async def test_the_tokens_that_are_known_again_are_bounded(bench, signer, monkeypatch):
    monkeypatch.setattr(signing, "MOST_KNOWN", 2)
    tokens = [await signer.access_token(of_alice(bench, scope=f"openid s{n}")) for n in range(4)]
    for token in tokens + tokens:
        assert isinstance(await signer.verify(token), UserToken)
    assert len(signer._known) == 2
