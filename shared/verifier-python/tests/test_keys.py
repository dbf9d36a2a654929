"""How the published keys are fetched, kept and renewed."""

import asyncio
import threading
import time

import httpx
import pytest
from support import API, paths

from tokensmith_verifier import AsyncVerifier, Refusal, Verifier
from tokensmith_verifier.caching import CacheHeaders
from tokensmith_verifier.testing import SigningKey, TestIssuer

JWKS = "jwks.json"


def eventually(condition):
    """Waits for what another thread does."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 10 s"
        time.sleep(0.005)


def test_nothing_is_fetched_before_a_token_comes_and_keys_once_after(issuer, new):
    verifier = new(revocations=None)
    assert paths(issuer) == []
    for _ in range(3):
        verifier.verify(issuer.token())
    assert paths(issuer) == [JWKS]


def test_rfc9111_5_2_keys_are_fetched_again_when_max_age_is_over(issuer, new):
    verifier = new(revocations=None)
    verifier.verify(issuer.token())
    issuer.clock.advance(299)
    verifier.verify(issuer.token())
    assert paths(issuer) == [JWKS]
    issuer.clock.advance(301)
    # Older than two lifetimes: this one waits for the fetch.
    verifier.verify(issuer.token())
    (request,) = issuer.requests
    assert request.headers["If-None-Match"].startswith('"')


def test_keys_that_are_a_little_old_are_renewed_in_the_background(issuer):
    verifier = Verifier(issuer.url, API, revocations=None, client=issuer.client(), clock=issuer.clock)
    verifier.verify(issuer.token())
    issuer.clock.advance(301)
    verifier.verify(issuer.token())
    eventually(lambda: len(issuer.requests) == 2)


@pytest.mark.parametrize(
    ("cache_control", "age", "fresh_for"),
    [
        ("public, max-age=300", None, 300),
        ("Max-Age=300", "100", 200),
        ("max-age=300", "301", 0),
        ('max-age="60", must-revalidate', None, 60),
        ("max-age=60, no-cache", None, 0),
        ("max-age=10, max-age=20", None, 10),
        ("max-age=-1", None, None),
        ("public", None, None),
        (None, "5", None),
    ],
)
def test_rfc9111_4_2_freshness_is_max_age_less_age(cache_control, age, fresh_for):
    assert CacheHeaders(None, cache_control, age).fresh_for() == fresh_for


def test_made_up_key_names_cause_one_fetch_in_each_cooldown(issuer, new):
    verifier = new(revocations=None)
    verifier.verify(issuer.token())
    strangers = [issuer.token(key=SigningKey()) for _ in range(5)]
    assert [verifier.reason(token) for token in strangers] == ["unknown_key"] * 5
    assert paths(issuer) == [JWKS, JWKS]
    issuer.clock.advance(29)
    verifier.reason(strangers[0])
    assert paths(issuer) == []
    issuer.clock.advance(1)
    verifier.reason(strangers[0])
    assert paths(issuer) == [JWKS]


def test_a_new_key_is_found_when_a_token_names_it(issuer, new):
    verifier = new(revocations=None)
    verifier.verify(issuer.token())
    old = issuer.key
    issuer.rotate_key("EdDSA")
    assert verifier.verify(issuer.token()).subject == "alice"
    assert verifier.verify(issuer.token(key=old)).subject == "alice"


def test_in_an_outage_the_last_keys_are_used_for_a_day(issuer, new):
    verifier = new(revocations=None)
    verifier.verify(issuer.token())
    issuer.is_down = True
    issuer.clock.advance(24 * 3600 - 1)
    assert verifier.reason(issuer.token()) is None
    issuer.clock.advance(1)
    assert verifier.reason(issuer.token()) == "unavailable"


def test_in_an_outage_an_unknown_key_is_503_and_not_401(issuer, new):
    verifier = new(revocations=None)
    verifier.verify(issuer.token())
    issuer.is_down = True
    assert verifier.reason(issuer.token(key=SigningKey())) == "unavailable"


def test_without_keys_there_is_one_attempt_each_second(issuer, new):
    verifier = new(revocations=None)
    issuer.is_down = True
    for _ in range(3):
        assert verifier.reason(issuer.token()) == "unavailable"
    assert paths(issuer) == [JWKS]
    issuer.clock.advance(1)
    issuer.is_down = False
    assert verifier.reason(issuer.token()) is None


class SlowIssuer(TestIssuer):
    """It answers when everybody has asked."""

    __test__ = False

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()

    def jwks(self):
        assert self.gate.wait(10)
        return super().jwks()


def test_many_threads_share_one_fetch():
    issuer = SlowIssuer()
    verifier = Verifier(issuer.url, API, revocations=None, client=issuer.client(), clock=issuer.clock)
    token, verified = issuer.token(), []
    threads = [threading.Thread(target=lambda: verified.append(verifier.verify(token))) for _ in range(20)]
    for thread in threads:
        thread.start()
    issuer.gate.set()
    for thread in threads:
        thread.join()
    assert (len(verified), len(issuer.requests)) == (20, 1)


def test_many_tasks_share_one_fetch_and_one_that_is_dropped_does_not_end_it(issuer):
    async def main():
        verifier = AsyncVerifier(issuer.url, API, client=issuer.async_client(), clock=issuer.clock)
        token = issuer.token()
        tasks = [asyncio.create_task(verifier.verify(token)) for _ in range(20)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError)
        assert [claims.subject for claims in done[1:]] == ["alice"] * 19
        await verifier.close()

    asyncio.run(main())
    assert sorted(paths(issuer)) == [JWKS, "revocations"]


def test_an_asynchronous_verifier_outlives_its_event_loop(issuer):
    verifier = AsyncVerifier(issuer.url, API, client=issuer.async_client(), clock=issuer.clock)
    asyncio.run(verifier.verify(issuer.token()))
    issuer.clock.advance(700)
    asyncio.run(verifier.verify(issuer.token()))


def answering(answer):
    return httpx.Client(transport=httpx.MockTransport(lambda _: answer))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(302, headers={"Location": "https://issuer.test/keys"}), "the answer has status 302"),
        (httpx.Response(200, content=b" " * (64 * 1024 + 1)), "the answer is too long"),
        (httpx.Response(200, json={"keys": []}), "the key set has no key that can be used"),
        (httpx.Response(304), "304 answers a request without a tag"),
    ],
)
def test_what_is_no_key_set_is_not_used(issuer, answer, words):
    verifier = Verifier(issuer.url, API, client=answering(answer), clock=issuer.clock)
    with pytest.raises(Refusal, match=words) as refused:
        verifier.verify(issuer.token())
    challenge = refused.value.challenge()
    assert (challenge.status, dict(challenge.headers)) == (503, {"Retry-After": "1", "Cache-Control": "no-store"})


def test_keys_are_replaced_under_load_and_no_token_is_refused(issuer):
    verifier = Verifier(issuer.url, API, client=issuer.client(), clock=issuer.clock)
    refused, verified, stopped = [], [], threading.Event()

    def load():
        while not stopped.is_set():
            try:
                verified.append(verifier.verify(issuer.token()).token_id)
            except Refusal as refusal:
                refused.append(refusal.reason)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for alg in ("EdDSA", "RS256", "ES256"):
        # Only the issuer's clock moves, so that each key is new to the verifier.
        issuer.clock.advance(31)
        issuer.rotate_key(alg)
        seen = len(verified)
        eventually(lambda seen=seen: len(verified) + len(refused) > seen + 50)
    stopped.set()
    for thread in threads:
        thread.join()
    assert refused == []


def is_accepted(verifier, token):
    try:
        return verifier.verify(token).subject == "alice"
    except Refusal:
        return False


def test_nobody_waits_for_long_and_a_key_that_may_exist_is_503(monkeypatch):
    monkeypatch.setattr("tokensmith_verifier.keys._LONGEST_WAIT", 0.05)
    issuer = SlowIssuer()
    verifier = Verifier(issuer.url, API, revocations=None, client=issuer.client(), clock=issuer.clock)
    token = issuer.token()
    with pytest.raises(Refusal, match="the keys were never fetched"):
        verifier.verify(token)
    issuer.gate.set()
    eventually(lambda: is_accepted(verifier, token))
    issuer.gate.clear()
    with pytest.raises(Refusal, match="no answer within the time limit"):
        verifier.verify(issuer.token(key=SigningKey()))
    issuer.gate.set()


def test_a_server_is_ready_when_a_token_could_be_judged(issuer, new):
    verifier = new()
    issuer.is_down = True
    with pytest.raises(Refusal, match="keys are not available"):
        verifier.run(verifier.verifier.ready())
    issuer.is_down = False
    issuer.clock.advance(5)
    verifier.run(verifier.verifier.ready())
    assert sorted(paths(issuer))[-2:] == [JWKS, "revocations"]
    verifier.verify(issuer.token())
    verifier.run(verifier.verifier.ready())
    assert paths(issuer) == []
