"""How revocations are followed, and what happens when they cannot be."""

import asyncio
import hashlib
import random
import threading
import time

import pytest
from support import API, paths

from tokensmith_verifier import AsyncVerifier, Refusal, Revocations, Verifier
from tokensmith_verifier.view import ALWAYS, Revocation, RevocationView

FEED = "revocations"
OPEN = Revocations(when_stale="fail-open")


@pytest.mark.parametrize(
    ("revoke", "reason"),
    [
        (lambda issuer: issuer.revoke_token("t"), "token_revoked"),
        (lambda issuer: issuer.revoke_grant("g"), "grant_revoked"),
        (lambda issuer: issuer.revoke_client("c"), "client_revoked"),
        (lambda issuer: issuer.revoke_subject("s"), "subject_revoked"),
        (lambda issuer: issuer.end_api_key("k"), "api_key_ended"),
        (lambda issuer: issuer.withdraw_key(issuer.first), "withdrawn_key"),
    ],
)
def test_what_was_revoked_is_refused_within_the_interval(issuer, new, revoke, reason):
    token = issuer.token(jti="t", grant_id="g", client_id="c", sub="s", parents=[{"key": "k"}])
    issuer.first = issuer.key.kid
    issuer.rotate_key()
    verifier = new()
    assert verifier.reason(token) is None
    revoke(issuer)
    issuer.clock.advance(4)
    assert verifier.reason(token) is None
    issuer.clock.advance(1)
    assert verifier.reason(token) == reason


def test_the_feed_is_asked_once_in_each_interval_and_with_rounded_cursors(issuer, new):
    issuer.clock.seconds = 1_800_000_003
    verifier = new()
    for _ in range(12):
        verifier.verify(issuer.token())
        issuer.clock.advance(1)
    cursors = [int(request.url.params["since"]) for request in issuer.requests if request.url.path.endswith(FEED)]
    assert cursors == [0, 1_799_999_970, 1_799_999_975]


def test_an_issuer_that_is_down_fails_closed_after_two_minutes(issuer, new):
    verifier = new()
    token = issuer.token()
    assert verifier.reason(token) is None
    issuer.is_down = True
    issuer.clock.advance(120)
    assert verifier.reason(token) is None
    issuer.clock.advance(1)
    assert verifier.reason(token) == "unavailable"
    issuer.is_down = False
    issuer.clock.advance(5)
    assert verifier.reason(token) is None


def test_an_issuer_that_is_down_fails_open_by_what_is_known(issuer, new):
    verifier = new(revocations=OPEN)
    issuer.revoke_token("gone")
    gone, other = issuer.token(jti="gone"), issuer.token()
    assert verifier.reason(other) is None
    issuer.is_down = True
    issuer.clock.advance(600)
    assert verifier.reason(other) is None
    assert verifier.reason(gone) == "token_revoked"
    assert verifier.verifier.staleness() == 600


def test_a_refusal_says_why_revocations_are_not_available(issuer, new):
    verifier = new()
    verifier.verify(issuer.token())
    issuer.is_down = True
    issuer.clock.advance(121)
    with pytest.raises(Refusal, match="the revocation feed cannot be read: ConnectError"):
        verifier.verify(issuer.token())


def test_a_token_that_is_refused_for_its_claims_needs_no_revocations(issuer, new):
    verifier = new()
    assert verifier.reason(issuer.token(exp=1)) == "expired"
    assert FEED not in paths(issuer)


def test_a_timer_renews_the_view_so_that_no_request_waits(issuer, new):
    verifier = new()
    verifier.run(verifier.verifier.refresh())
    assert sorted(paths(issuer)) == ["jwks.json", FEED]
    verifier.verify(issuer.token())
    assert paths(issuer) == []


def test_start_follows_the_feed_in_the_background(issuer):
    with Verifier(issuer.url, API, client=issuer.client(), clock=issuer.clock) as verifier:
        verifier.start()
        deadline = time.monotonic() + 10
        while verifier.staleness() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert not any(thread.name == "tokensmith-revocations" for thread in threading.enumerate())


def test_start_follows_the_feed_in_a_task(issuer):
    async def main():
        async def until_known():
            while verifier.staleness() is None:
                await asyncio.sleep(0.01)

        async with AsyncVerifier(issuer.url, API, client=issuer.async_client(), clock=issuer.clock) as verifier:
            await verifier.start()
            await asyncio.wait_for(until_known(), 10)

    asyncio.run(main())


def test_on_refusal_hears_of_every_refusal(issuer, new):
    heard = []
    verifier = new(on_refusal=lambda refusal: heard.append(refusal.reason))
    issuer.revoke_token("t")
    verifier.reason(issuer.token(jti="t"))
    verifier.reason("x")
    assert heard == ["token_revoked", "malformed"]


def hashed(number):
    return hashlib.sha256(number.to_bytes(8, "big")).digest()[:16]


def test_the_view_knows_what_a_dictionary_knows():
    view, known, chance = RevocationView(), {}, random.Random(1)
    for now in range(1000, 1400):
        entries = [
            Revocation(hashed(chance.randrange(3000)), chance.choice((ALWAYS, now)), now + chance.randrange(200))
            for _ in range(50)
        ]
        view.apply(entries, now)
        for entry in entries:
            later = (entry.until + 60, entry.not_before)
            known[entry.hash] = max(known.get(entry.hash, later), later)
    for key in map(hashed, range(3000)):
        until, not_before = known.get(key, (0, 0))
        assert view.not_before(key, 1400) == (not_before if until >= 1400 else None)
    assert len(view) < len(known), "what has expired is forgotten"


def test_a_revocation_takes_at_most_64_bytes():
    view = RevocationView()
    view.apply((Revocation(hashed(number), ALWAYS, 10**9) for number in range(100_000)), 1)
    assert len(view) == 100_000
    assert view.nbytes() <= 64 * 100_000


def test_readers_and_a_writer_do_not_disturb_each_other():
    view = RevocationView()
    view.apply([Revocation(hashed(0), ALWAYS, 10**9)], 1)
    missed, stopped = [], threading.Event()

    def read():
        while not stopped.is_set():
            if view.not_before(hashed(0), 1) is None:
                missed.append(1)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for start in range(1, 20_000, 100):
        view.apply([Revocation(hashed(number), ALWAYS, 10**9) for number in range(start, start + 100)], 1)
    stopped.set()
    for reader in readers:
        reader.join()
    assert not missed


@pytest.mark.parametrize("options", [{"interval": 0}, {"max_age": 0}, {"when_stale": "fail-sometimes"}])
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match="interval and max_age|when_stale"):
        Revocations(**options)
