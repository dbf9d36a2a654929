"""Whatever is sent, the answer is a verdict or a refusal, and never another exception, which would be a 500."""

import json
import random

import httpx
import pytest
from support import API

from tokensmith_verifier import Refusal, Verifier
from tokensmith_verifier.jose import decoded, encoded
from tokensmith_verifier.testing import SigningKey

VALUES = [None, True, 0, -1, 1e300, 2**70, "", "x", "\ud800", [], [None], {}, {"a": 1}, [{}], {"jkt": None}, {"sub": 1}]


def changed(chance, members):
    """With one member more, less or other, of whatever type."""
    members = dict(members)
    name = chance.choice([*members, "cnf", "parents", "act", "nbf", "crit", "jwk", "kid"])
    if chance.random() < 0.2:
        members.pop(name, None)
    else:
        members[name] = chance.choice(VALUES)
    return members


def scrambled(chance, text):
    """With a few characters that are others."""
    letters = list(text)
    for _ in range(chance.randrange(1, 4)):
        letters[chance.randrange(len(letters))] = chance.choice(".=A_~é\ud800\0 ,")
    return "".join(letters)


def hostile_tokens(chance, issuer):
    header, payload, signature = issuer.token(scope="a").split(".")
    while True:
        yield scrambled(chance, f"{header}.{payload}.{signature}")
        yield issuer.key.sign(changed(chance, json.loads(decoded(payload))), {"typ": "at+jwt", "kid": issuer.key.kid})
        other = json.dumps(changed(chance, json.loads(decoded(header)))).encode()
        yield f"{encoded(other)}.{payload}.{signature}"


def test_hostile_tokens_get_a_verdict(issuer):
    verifier = Verifier(issuer.url, API, client=issuer.client(), clock=issuer.clock)
    tokens = hostile_tokens(random.Random(1), issuer)
    reasons = set()
    for _ in range(1500):
        try:
            verifier.verify(next(tokens))
        except Refusal as refusal:
            reasons.add(refusal.reason)
            assert refusal.challenge().status in (401, 503)
    assert reasons >= {"malformed", "bad_signature", "unknown_key", "wrong_algorithm"}, reasons


def test_hostile_proofs_get_a_verdict(issuer):
    chance, caller, url = random.Random(2), SigningKey(), f"{API}/orders"
    verifier = Verifier(issuer.url, API, dpop="required", client=issuer.client(), clock=issuer.clock)
    token = issuer.bound_token(caller)
    header, payload, signature = issuer.proof(caller, "GET", url, token).split(".")
    reasons = set()
    for turn in range(1500):
        claims, members = json.loads(decoded(payload)), json.loads(decoded(header))
        if turn % 3 == 0:
            proof = scrambled(chance, f"{header}.{payload}.{signature}")
        elif turn % 3 == 1:
            proof = caller.sign(changed(chance, claims), members)
        else:
            members["jwk"] = changed(chance, members["jwk"])
            proof = f"{encoded(json.dumps(changed(chance, members)).encode())}.{payload}.{signature}"
        try:
            verifier.authorize([f"DPoP {token}"], [proof], "GET", url)
        except Refusal as refusal:
            reasons.add(refusal.reason)
    assert reasons >= {"malformed_proof", "bad_proof_signature", "proof_with_unusable_key", "wrong_proof_type"}, reasons


def hostile_documents(chance, issuer):
    issuer.revoke_client("c")
    while True:
        entry = changed(chance, issuer._entries[0][1])
        yield issuer.feed(entries=[entry])
        yield issuer.feed(**changed(chance, {"iat": int(issuer.clock()), "entries": []}))
        yield scrambled(chance, issuer.feed())


@pytest.mark.parametrize("path", ["/oauth2/revocations", "/.well-known/jwks.json"])
def test_hostile_documents_break_nothing(issuer, path):
    chance = random.Random(3)
    documents = hostile_documents(chance, issuer)
    keys = [json.dumps(issuer.jwks()), '{"keys":[1,null,{"kty":[]},{"kty":"EC","crv":{},"kid":"k","use":"sig","alg":"ES256"}]}', "[]"]

    def answer(request):
        if request.url.path != path:
            return issuer._answer(request)
        text = next(documents) if path.endswith("revocations") else chance.choice(keys)
        return httpx.Response(200, content=text.encode("utf-8", "surrogatepass"))

    client = httpx.Client(transport=httpx.MockTransport(answer))
    verifier = Verifier(issuer.url, API, client=client, clock=issuer.clock)
    said = set()
    for _ in range(200):
        issuer.clock.advance(5)
        try:
            verifier.verify(issuer.token())
            said.add(None)
        except Refusal as refusal:
            said.add(refusal.reason)
    assert said <= {None, "unavailable"} and None in said, said
