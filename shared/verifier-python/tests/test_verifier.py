"""The configuration of a verifier, and what a service reads of a token. What is refused, and how, the vectors say."""

import jwt
import pytest
from support import API

from tokensmith_verifier import Refusal, RequiredScopes, Verifier
from tokensmith_verifier.jose import VerificationKeys, encoded
from tokensmith_verifier.testing import SigningKey
from tokensmith_verifier.urls import is_origin, is_protected, is_same_resource, is_same_target


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"issuer": "http://issuer.example"}, "an issuer URL is"),
        ({"issuer": "https://issuer.example/path"}, "an issuer URL is"),
        ({"audience": []}, "an audience is required"),
        ({"audience": 'https://api.example/"'}, "an audience is printable"),
        ({"jwks_url": "http://issuer.example/keys"}, "the URL of the keys"),
        ({"dpop": "sometimes"}, "dpop is"),
    ],
)
def test_a_configuration_that_is_not_valid_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Verifier(**{"issuer": "https://issuer.example", "audience": API, **options})


def test_rfc9068_2_2_a_service_reads_the_claims(issuer, new):
    act = {"sub": "agent", "act": {"sub": "api"}}
    token = issuer.token(scope="a b", act=act, parents=[{"jti": "j", "client_id": "c"}, {"key": "k"}], tenant="acme")
    claims = new().verify(token)
    assert (claims.subject, claims.client_id, claims.grant_id, claims.api_key_id) == ("alice", "app", "grant", "k")
    assert (claims.scopes, claims.has_scope("b"), claims.has_scope("c")) == (("a", "b"), True, False)
    assert (claims.actors, claims.audiences, claims.issuer) == (("agent", "api"), (API,), issuer.url)
    assert (claims.get("tenant"), claims.get("sub"), claims.get("other", 1)) == ("acme", None, 1)
    assert "alice" in repr(claims) and token not in repr(claims)


def test_rfc8707_one_of_several_audiences_is_enough_and_the_first_is_the_realm(issuer):
    verifier = Verifier(issuer.url, [API, "https://two.example"], client=issuer.client(), clock=issuer.clock)
    assert verifier.verify(issuer.token(aud=["urn:x", "https://two.example/"])).subject == "alice"
    with pytest.raises(Refusal) as refused:
        verifier.verify(issuer.token(aud="https://three.example"))
    assert 'realm="https://api.example"' in refused.value.challenge().headers["WWW-Authenticate"]


def test_a_header_can_be_given_alone(issuer, new):
    assert new().authorize(f"Bearer {issuer.token()}").subject == "alice"


def test_a_parsed_expression_can_be_given(issuer, new):
    required = RequiredScopes("a & (b | c)")
    authorization = [b"Bearer " + issuer.token(scope="a c").encode()]
    assert new().authorize(authorization, scopes=required).scopes == ("a", "c")
    with pytest.raises(Refusal) as refused:
        new().authorize([f"Bearer {issuer.token(scope='a')}"], scopes=required)
    assert refused.value.reason == "insufficient_scope"
    assert str(refused.value) == "the token lacks a scope: a & (b | c)"


def test_rfc9449_7_1_a_proof_cannot_be_checked_without_the_url(issuer):
    verifier = Verifier(issuer.url, API, dpop="required", client=issuer.client(), clock=issuer.clock)
    with pytest.raises(TypeError, match="method and url"):
        verifier.authorize([f"DPoP {issuer.token()}"])


def signed(key, payload):
    """Whatever it is, as an access token."""
    return jwt.api_jws.encode(payload, key._private, key.alg, {"typ": "at+jwt", "kid": key.kid})


def test_rfc7519_4_a_repeated_claim_is_refused(issuer, new):
    token = issuer.token(note="x")
    assert new().reason(token) is None
    assert new().reason(signed(issuer.key, b'{"sub":"a","sub":"b"}')) == "malformed"


@pytest.mark.parametrize(
    "payload",
    [b"[]", b"{", b"\xff", b'{"sub":NaN}', b'{"sub":1e999}', b'{"sub":"\\ud800"}', b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"],
)
def test_what_is_no_json_of_a_token_is_malformed(issuer, new, payload):
    assert new().reason(signed(issuer.key, payload)) == "malformed"


def test_text_that_is_no_unicode_is_refused_and_nothing_breaks(issuer, new):
    assert new().reason(issuer.token() + "\ud800") == "malformed"
    assert new().reason("\ud800" * 9000) == "too_long"


def test_rfc7518_3_3_a_short_rsa_key_is_not_used():
    with pytest.raises(ValueError, match="no key that can be used"):
        VerificationKeys(b'{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","n":"AQAB","e":"AQAB"}]}')


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_each_algorithm_of_the_issuer_is_verified(issuer, new, alg):
    issuer.rotate_key(alg)
    assert new().verify(issuer.token()).subject == "alice"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_rfc9449_4_2_each_algorithm_of_a_proof_is_verified(issuer, new, alg):
    caller, url = SigningKey(alg), f"{API}/orders"
    verifier = new(dpop="required")
    token = issuer.bound_token(caller)
    proof = issuer.proof(caller, "GET", url, token)
    sent = {"authorization": [f"DPoP {token}"], "dpop": [proof], "method": "GET", "url": url}
    assert verifier.authorize(**sent).key_thumbprint == caller.kid
    with pytest.raises(Refusal) as refused:
        verifier.authorize(**sent)
    assert refused.value.reason == "proof_replayed"


def test_only_https_and_loopback_are_fetched_from():
    good = "https://i.example/jwks?x=1 http://localhost:8080/jwks http://127.0.0.1:8080 http://127.8.0.1/ http://[::1]:9/"
    bad = "http://i.example http://127.0.0.1.i.example http://127.0.0.1@i.example http://[::2] https://u@i.example ftp://127.0.0.1 //i"
    assert all(map(is_protected, good.split()))
    assert not any(map(is_protected, [*bad.split(), "https:///path", "https://i.example/a b", ""]))
    assert is_origin("https://i.example:8443") and not is_origin("https://i.example/")


def test_rfc3986_6_2_3_an_empty_path_is_the_root_and_nothing_else_is_normalized():
    assert is_same_resource("https://api.example", "https://api.example/")
    assert is_same_resource("https://api.example?x=/", "https://api.example/?x=/")
    for one, other in [("https://a/v1", "https://a/v1/"), ("https://a", "https://A/"), ("urn:a", "urn:a/"), ("https://a", "https://a//")]:
        assert not is_same_resource(one, other)


def test_rfc9449_4_3_urls_are_compared_after_normalization():
    for one in ("HTTPS://API.Example/a", "https://api.example:443/a", "https://api.example/x/../a?b#c", "https://api.example/%61"):
        assert is_same_target(one, "https://api.example/a")
    for one in ("https://api.example/A", "https://api.example/a/", "https://u@api.example/a", "https://api.example/%zz", "/a"):
        assert not is_same_target(one, "https://api.example/a")


def test_rfc9449_4_3_a_key_that_is_longer_than_anybody_needs_is_refused(issuer, new):
    caller, url = SigningKey("RS256"), f"{API}/orders"
    caller.jwk = {**caller.jwk, "n": encoded(b"\xff" * 513)}
    token = issuer.bound_token(caller)
    with pytest.raises(Refusal) as refused:
        new(dpop="required").authorize(f"DPoP {token}", issuer.proof(caller, "GET", url, token), "GET", url)
    assert refused.value.reason == "proof_with_unusable_key"
