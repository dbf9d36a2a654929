"""Clients with Authlib sign what authenticates them (RFC 7523 §2.2, private_key_jwt)."""

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from conftest import INACTIVE, ISSUER, new_key

METHOD = "private_key_jwt"


@pytest.fixture
def new_session(metadata):
    """Makes the session of a client that signs with `key` for `audience`."""

    def new_session(client, key, audience, claims=None):
        for endpoint in ("token", "revocation", "introspection"):
            assert METHOD in metadata[f"{endpoint}_endpoint_auth_methods_supported"]
        session = OAuth2Session(
            client["client_id"],
            key,
            token_endpoint=metadata["token_endpoint"],
            token_endpoint_auth_method=METHOD,
            revocation_endpoint_auth_method=METHOD,
        )
        session.register_client_auth_method(PrivateKeyJWT(audience, claims=claims, alg=key.alg))
        return session

    return new_session


def assert_refused(session):
    with pytest.raises(OAuthError) as refused:
        session.fetch_token(grant_type="client_credentials")
    assert refused.value.error == "invalid_client"


def test_rfc7523_2_2_a_client_gets_refreshes_revokes_and_introspects(
    key, new_key_client, new_session, new_grant, metadata
):
    client = new_key_client(key)
    # The parameter is called token_endpoint, and is what assertions name as their audience.
    session = new_session(client, key, audience=ISSUER)

    def told(token):
        answer = session.introspect_token(metadata["introspection_endpoint"], token)
        assert answer.status_code == 200
        return answer.json()

    def revoke(token):
        answer = session.revoke_token(metadata["revocation_endpoint"], token)
        assert answer.status_code == 200

    own = session.fetch_token(grant_type="client_credentials")
    assert own["scope"] == "read"
    assert told(own["access_token"])["sub"] == client["client_id"]
    revoke(own["access_token"])
    assert told(own["access_token"]) == INACTIVE

    first = session.refresh_token(refresh_token=new_grant(client)["refresh_token"])
    assert told(first["access_token"])["client_id"] == client["client_id"]
    second = session.refresh_token(refresh_token=first["refresh_token"])
    revoke(second["refresh_token"])
    for answer in (first, second):
        assert told(answer["access_token"]) == INACTIVE


def test_rfc7523_3_by_default_the_audience_is_the_url_that_is_asked(
    key, new_key_client, new_session, metadata
):
    client = new_key_client(key, "token-endpoint")
    session = new_session(client, key, audience=None)
    token = session.fetch_token(grant_type="client_credentials")["access_token"]
    # No registration allows this one.
    told = session.introspect_token(metadata["introspection_endpoint"], token)
    assert (told.status_code, told.json()["error"]) == (401, "invalid_client")
    strict = new_key_client(key)
    assert_refused(new_session(strict, key, audience=None))


def test_rfc7523_3_an_assertion_by_another_key_is_refused(key, new_key_client, new_session):
    client = new_key_client(key)
    assert_refused(new_session(client, new_key(key.alg), audience=ISSUER))


def test_rfc7523_3_an_assertion_that_was_used_is_refused(new_key_client, new_session):
    key = new_key("ES256")
    # Authlib puts the first jti that it makes into the claims that it was given, and never another one.
    session = new_session(new_key_client(key), key, audience=ISSUER, claims={})
    session.fetch_token(grant_type="client_credentials")
    assert_refused(session)
