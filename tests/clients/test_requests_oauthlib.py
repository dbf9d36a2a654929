"""A client with requests-oauthlib gets tokens (RFC 6749 §4.4)."""

import pytest
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError
from requests_oauthlib import OAuth2Session


@pytest.fixture
def session(client):
    return OAuth2Session(client=BackendApplicationClient(client["client_id"]))


def test_rfc6749_4_4_client_secret_basic(client, session, metadata):
    token = session.fetch_token(
        metadata["token_endpoint"],
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )
    assert token["token_type"] == "Bearer"
    assert token.scopes == ["read"]
    assert session.authorized


def test_rfc6749_4_4_client_secret_post(client, session, metadata):
    token = session.fetch_token(
        metadata["token_endpoint"],
        client_secret=client["client_secret"],
        include_client_id=True,
    )
    assert token["token_type"] == "Bearer"
    assert token.scopes == ["read"]
    assert session.authorized


def test_rfc6749_5_2_a_wrong_secret_is_invalid_client(
    client, session, metadata, wrong_secret
):
    with pytest.raises(InvalidClientError):
        session.fetch_token(
            metadata["token_endpoint"],
            client_id=client["client_id"],
            client_secret=wrong_secret,
        )


def test_rfc6749_5_2_an_unknown_scope_is_invalid_scope(client, session, metadata):
    with pytest.raises(InvalidScopeError):
        session.fetch_token(
            metadata["token_endpoint"],
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            scope=["read", "delete"],
        )
