"""A client and a resource server with Authlib: RFC 8414, 6749, 8707 and 9068."""

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

@pytest.mark.parametrize("key", AuthorizationServerMetadata.REGISTRY_KEYS)
def test_rfc8414_2_metadata_is_valid(key, metadata):
    getattr(AuthorizationServerMetadata(metadata), f"validate_{key}")()


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def session(request, client, metadata):
    assert request.param in metadata["token_endpoint_auth_methods_supported"]
    return OAuth2Session(
        client["client_id"],
        client["client_secret"],
        token_endpoint=metadata["token_endpoint"],
        token_endpoint_auth_method=request.param,
    )


@pytest.fixture
def resource_server(client, metadata, monkeypatch):
    """Makes a validator for the tokens that are meant for one audience."""
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())
    # The validator takes what joserfc recommends, and that leaves PS256 and EdDSA out.
    monkeypatch.setattr(JWSRegistry, "recommended", [client["alg"]])

    class ResourceServer(JWTBearerTokenValidator):
        def get_jwks(self):
            return keys

        def accept(self, access_token, *scopes):
            claims = self.authenticate_token(access_token)
            self.validate_token(claims, [" ".join(scopes)], request=None)
            return claims

    return lambda audience: ResourceServer(metadata["issuer"], audience)


def test_rfc6749_4_4_the_default_is_the_clients_own(client, session, resource_server):
    answer = session.fetch_token(grant_type="client_credentials")
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == "read"
    claims = resource_server(client["audience"]).accept(answer["access_token"], "read")
    assert claims["sub"] == claims["client_id"] == client["client_id"]
    assert 0 < answer["expires_in"] <= client["access_ttl"]


def test_rfc6749_3_3_a_scope_is_granted(client, session, resource_server):
    answer = session.fetch_token(grant_type="client_credentials", scope="read write")
    assert answer["scope"] == "read write"
    resource_server(client["audience"]).accept(answer["access_token"], "read", "write")


def test_rfc8707_2_a_resource_becomes_the_audience(client, session, resource_server):
    answer = session.fetch_token(
        grant_type="client_credentials", resource=client["other_audience"]
    )
    resource_server(client["other_audience"]).accept(answer["access_token"], "read")
    with pytest.raises(InvalidTokenError):
        resource_server(client["audience"]).accept(answer["access_token"], "read")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "delete"}, "invalid_scope"),
        (
            {"grant_type": "client_credentials", "resource": "https://nobody.example/"},
            "invalid_target",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rfc6749_5_2_errors_are_understood(asked, error, session):
    with pytest.raises(OAuthError) as refused:
        session.fetch_token(**asked)
    assert refused.value.error == error


def test_rfc6749_5_2_a_wrong_secret_is_invalid_client(session, wrong_secret):
    session.client_secret = wrong_secret
    with pytest.raises(OAuthError) as refused:
        session.fetch_token(grant_type="client_credentials")
    assert refused.value.error == "invalid_client"


def test_rfc9068_4_a_missing_scope_is_refused(client, token, resource_server):
    with pytest.raises(InsufficientScopeError):
        resource_server(client["audience"]).accept(token, "read", "write")


def test_rfc9068_4_a_tampered_token_is_refused(client, tampered_token, resource_server):
    with pytest.raises(InvalidTokenError):
        resource_server(client["audience"]).accept(tampered_token, "read")
