"""The vectors of tests/vectors, which the verifier in Rust makes: the same verdicts, reasons and challenges. Both of ours run them all."""

import asyncio
import hashlib
import json
from pathlib import Path

import httpx
import pytest

from tokensmith_verifier import AsyncVerifier, InvalidScopes, Refusal, RequiredScopes, Revocations, Verifier
from tokensmith_verifier.feed import verified_document
from tokensmith_verifier.jose import VerificationKeys, encoded
from tokensmith_verifier.reasons import Rejected
from tokensmith_verifier.view import hash_of

VECTORS = Path(__file__).resolve().parents[3] / "tests" / "vectors"

# Fewer than there were would be skipped in silence.
LEAST = {"tokens": 220, "dpop": 94, "documents": 49, "feed": 17}


def loaded(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


KEYS = loaded("keys")
TOKENS = loaded("tokens")["cases"]
DPOP = loaded("dpop")["cases"]
FEED = loaded("feed")
DPOP_OPTIONS = {"bearer": False, "dpop_and_bearer": "optional", "dpop": "required"}


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


def members(value, *expected):
    """The members of an object that has these and no others: what is not known is not skipped."""
    assert value.keys() == set(expected), value.keys() ^ set(expected)
    return [value[name] for name in expected]


class Issuer:
    """Answers as a case says."""

    def __init__(self):
        self.jwks = json.dumps(KEYS)
        self.feed = []
        self.cursors = []

    def __call__(self, request):
        if request.url.path == "/.well-known/jwks.json":
            return httpx.Response(200, text=self.jwks)
        self.cursors.append(int(request.url.params["since"]))
        assert self.feed, f"the feed was asked once too often: {self.cursors}"
        answer = self.feed.pop(0)
        headers = {"Cache-Control": answer["cache_control"]} if "cache_control" in answer else {}
        document = answer["document"]
        return httpx.Response(503) if document is None else httpx.Response(200, text=document, headers=headers)


class Blocking:
    """A verifier of a case, and what the case sets."""

    def __init__(self, case, **options):
        self.now = 0
        self.issuer = Issuer()
        client = self.client(httpx.MockTransport(self.issuer))
        clock = lambda: self.now  # noqa: E731
        self.verifier = self.kind(case["issuer"], case["audiences"], client=client, clock=clock, **options)

    kind, client = Verifier, staticmethod(lambda transport: httpx.Client(transport=transport))

    def run(self, outcome):
        return outcome

    def authorize(self, *asked):
        return self.run(self.verifier.authorize(*asked))

    def refresh(self):
        self.run(self.verifier.refresh())

    def close(self):
        pass


class Asynchronous(Blocking):
    kind, client = AsyncVerifier, staticmethod(lambda transport: httpx.AsyncClient(transport=transport))

    def __init__(self, *options, **named):
        super().__init__(*options, **named)
        self.loop = asyncio.new_event_loop()

    def run(self, outcome):
        return self.loop.run_until_complete(outcome)

    def close(self):
        self.loop.close()


@pytest.fixture(params=[Blocking, Asynchronous], ids=["threads", "asyncio"])
def new(request):
    """Makes verifiers."""
    made = []

    def new(case, **options):
        made.append(request.param(case, **{"revocations": None, **options}))
        return made[-1]

    yield new
    for one in made:
        one.close()


def outcome(authorize, *asked):
    try:
        return {"verdict": "accept", "claims": authorize(*asked).to_dict()}
    except Refusal as refusal:
        challenge = refusal.challenge()
        sent = {"status": challenge.status}
        for name in ("WWW-Authenticate", "Retry-After"):
            value = challenge.headers.get(name)
            sent[name.lower().replace("-", "_")] = int(value) if value is not None and value.isdigit() else value
        return {"verdict": "reject", "reason": refusal.reason, "challenge": sent}


def test_there_are_as_many_vectors_as_there_were():
    found = {"tokens": len(TOKENS), "dpop": len(DPOP), "documents": len(FEED["documents"]), "feed": len(FEED["cases"])}
    assert all(found[name] >= LEAST[name] for name in LEAST), found


@named([case for case in TOKENS if case["kind"] != "expression"])
def test_rfc9068_4_tokens(case, new):
    assert case["kind"] in ("token", "headers")
    sent = "token" if case["kind"] == "token" else "authorization"
    _, _, now, _, _, required, sent, expected = members(
        case, "kind", "name", "now", "issuer", "audiences", "required", sent, "expected"
    )
    verifier = new(case)
    verifier.now = now
    authorization = [f"Bearer {sent}"] if case["kind"] == "token" else sent
    assert outcome(verifier.authorize, authorization, [], None, None, required) == expected


@named([case for case in TOKENS if case["kind"] == "expression"])
def test_rfc6749_3_3_scope_expressions(case):
    _, _, expression, granted, expected = members(case, "kind", "name", "expression", "granted", "expected")
    try:
        required = RequiredScopes(expression)
    except InvalidScopes as err:
        assert {"verdict": "invalid", "reason": err.reason} == expected
        return
    verdict = "met" if required.are_met_by(granted) else "not_met"
    assert {"verdict": verdict, "sufficient": required.sufficient()} == expected
    assert RequiredScopes(str(required)) == required


@named(DPOP)
def test_rfc9449_7_1_bound_tokens(case, new):
    kind, _, _, _, schemes, required, requests = members(
        case, "kind", "name", "issuer", "audiences", "schemes", "required", "requests"
    )
    assert kind == "requests"
    verifier = new(case, dpop=DPOP_OPTIONS[schemes])
    for request in requests:
        verifier.now, method, url, authorization, dpop, expected = members(
            request, "now", "method", "url", "authorization", "dpop", "expected"
        )
        assert outcome(verifier.authorize, authorization, dpop, method, url, required) == expected


@pytest.mark.parametrize("case", FEED["hashes"], ids=[case["kind"] for case in FEED["hashes"]])
def test_an_entry_of_the_feed_names_what_is_revoked_by_a_hash(case):
    kind, name, text, expected = members(case, "kind", "name", "input", "hash")
    assert encoded(hash_of(kind.replace("_", " "), name)) == expected
    assert encoded(hashlib.sha256(bytes.fromhex(text)).digest()[:16]) == expected


@named(FEED["documents"])
def test_documents_of_the_feed(case):
    _, now, issuer, since, jws, expected = members(case, "name", "now", "issuer", "since", "document", "expected")
    keys = VerificationKeys(json.dumps(KEYS).encode())
    try:
        _, document = verified_document(jws, keys, issuer, since, now)
    except Rejected as err:
        assert {"verdict": "reject", "reason": err.reason} == expected
        return
    found = {"until": document.until, "more": document.more, "entries": len(document.entries)}
    assert {"verdict": "accept", **found} == expected


@named(FEED["cases"])
def test_the_feed_is_followed(case, new):
    kind, _, _, _, interval, max_age, stale, steps = members(
        case, "kind", "name", "issuer", "audiences", "interval", "max_age", "stale", "steps"
    )
    assert kind == "steps"
    policy = {"closed": "fail-closed", "open": "fail-open"}[stale]
    verifier = new(case, revocations=Revocations(interval, max_age, policy))
    for step in steps:
        assert step.keys() <= {"now", "jwks", "fetches", "tokens"}, step.keys()
        verifier.now = step["now"]
        verifier.issuer.cursors.clear()
        verifier.issuer.feed = list(step["fetches"])
        if step.get("jwks") is not None:
            verifier.issuer.jwks = json.dumps(step["jwks"])
        verifier.refresh()
        for token in step["tokens"]:
            _, text, expected = members(token, "name", "token", "expected")
            assert outcome(verifier.authorize, [f"Bearer {text}"]) == expected
        assert verifier.issuer.cursors == [fetch["since"] for fetch in step["fetches"]]
        assert all(fetch.keys() <= {"since", "document", "cache_control"} for fetch in step["fetches"])
