"""Clients with requests_oauth2client sign what authenticates them (RFC 7523 §2.2, private_key_jwt)."""

import pytest
from conftest import INACTIVE, ISSUER, new_key
from requests_oauth2client import InvalidClient, OAuth2Client, PrivateKeyJwt


@pytest.fixture
def new_client(metadata):
    """Makes what signs with `key` for a client; `options` are those of the library."""

    def new_client(client, key, **options):
        proof = PrivateKeyJwt(client["client_id"], key.as_dict(private=True), **options)
        return OAuth2Client(
            metadata["token_endpoint"],
            revocation_endpoint=metadata["revocation_endpoint"],
            introspection_endpoint=metadata["introspection_endpoint"],
            auth=proof,
            # The issuer is on loopback, where it speaks plain http.
            testing=True,
        )

    return new_client


def test_rfc7523_2_2_a_client_gets_refreshes_revokes_and_introspects(
    key, new_key_client, new_client, new_grant
):
    registered = new_key_client(key)
    client = new_client(registered, key, aud=ISSUER)
    own = client.client_credentials()
    assert own.scope == "read"
    assert client.introspect_token(own)["sub"] == registered["client_id"]
    assert client.revoke_access_token(own)
    assert client.introspect_token(own) == INACTIVE

    first = client.refresh_token(new_grant(registered)["refresh_token"])
    assert client.introspect_token(first)["client_id"] == registered["client_id"]
    second = client.refresh_token(first)
    assert client.revoke_refresh_token(second)
    for answer in (first, second):
        assert client.introspect_token(answer) == INACTIVE


def test_rfc7523_3_by_default_the_audience_is_the_url_that_is_asked(key, new_key_client, new_client):
    client = new_client(new_key_client(key, "token-endpoint"), key)
    token = client.client_credentials()
    # No registration allows this one.
    with pytest.raises(InvalidClient):
        client.introspect_token(token)
    strict = new_client(new_key_client(key), key)
    with pytest.raises(InvalidClient):
        strict.client_credentials()


def test_rfc7523_3_an_assertion_by_another_key_is_refused(key, new_key_client, new_client):
    client = new_client(new_key_client(key), new_key(key.alg), aud=ISSUER)
    with pytest.raises(InvalidClient):
        client.client_credentials()


def test_rfc7523_3_an_assertion_that_was_used_is_refused(new_key_client, new_client):
    key = new_key("ES256")
    client = new_client(new_key_client(key), key, aud=ISSUER, jti_gen=lambda: "always the same")
    client.client_credentials()
    with pytest.raises(InvalidClient):
        client.client_credentials()
