"""A resource server with PyJWT verifies access tokens (RFC 9068 §4)."""

import jwt
import pytest

# RFC 9068 §2.2
REQUIRED_CLAIMS = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]


@pytest.fixture
def verify(client, metadata):
    """Verifies a token with the published key that its header names."""
    keys = jwt.PyJWKClient(metadata["jwks_uri"])

    def verify(token, **changed):
        expected = {
            "algorithms": [client["alg"]],
            "audience": client["audience"],
            "issuer": metadata["issuer"],
            "options": {"require": REQUIRED_CLAIMS},
        }
        key = keys.get_signing_key_from_jwt(token)
        return jwt.decode_complete(token, key, **(expected | changed))

    return verify


def test_rfc9068_a_token_verifies(client, token, verify):
    verified = verify(token)
    assert verified["header"]["typ"] == "at+jwt"
    claims = verified["payload"]
    assert claims["sub"] == claims["client_id"] == client["client_id"]
    assert claims["scope"] == "read"
    assert claims["exp"] - claims["iat"] == client["access_ttl"]


def test_rfc9068_4_a_token_for_another_audience_is_refused(client, token, verify):
    with pytest.raises(jwt.InvalidAudienceError):
        verify(token, audience=client["other_audience"])


def test_rfc9068_4_a_token_of_another_issuer_is_refused(token, verify):
    with pytest.raises(jwt.InvalidIssuerError):
        verify(token, issuer="https://other-issuer.example")


def test_rfc9068_4_an_expired_token_is_refused(client, token, verify):
    # A negative leeway puts the clock forward, here by the token's whole lifetime.
    with pytest.raises(jwt.ExpiredSignatureError):
        verify(token, leeway=-client["access_ttl"], options={"verify_iat": False})


def test_rfc9068_4_a_tampered_token_is_refused(tampered_token, verify):
    with pytest.raises(jwt.InvalidSignatureError):
        verify(tampered_token)
