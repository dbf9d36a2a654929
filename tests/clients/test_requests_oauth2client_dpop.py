"""Clients with requests_oauth2client have tokens that are bound to a key (RFC 9449)."""

import uuid

import pytest
from conftest import ISSUER, tokensmith
from requests_oauth2client import ClientSecretBasic, DPoPToken, OAuth2Client, UnknownTokenEndpointError


@pytest.fixture
def bound():
    """A client of a resource whose verifiers check proofs, and the resource."""
    uri = f"https://api.example/{uuid.uuid4()}"
    tokensmith("resource", "create", uri, "--scope", "read=Read it", "--dpop", "required")
    created = tokensmith("client", "create", "--id", f"bound-{uuid.uuid4()}", "--allow", f"{uri}=read")
    client = OAuth2Client.from_discovery_endpoint(
        issuer=ISSUER,
        auth=ClientSecretBasic(created["client_id"], created["client_secret"]),
        # The issuer is on loopback, where it speaks plain http.
        testing=True,
    )
    return client, uri


def test_rfc9449_5_a_clients_own_token_is_bound(bound):
    client, uri = bound
    token = client.client_credentials(resource=uri, dpop=True)
    assert isinstance(token, DPoPToken)
    told = client.introspect_token(token)
    assert (told["active"], told["token_type"]) == (True, "DPoP")
    assert told["cnf"]["jkt"] == token.dpop_key.dpop_jkt


def test_rfc9449_5_without_a_proof_there_is_no_token(bound):
    client, uri = bound
    with pytest.raises(UnknownTokenEndpointError, match="a DPoP proof is needed"):
        client.client_credentials(resource=uri)
