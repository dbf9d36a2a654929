"""Clients with requests_oauth2client sign people in: OpenID Connect Core 1.0 §3.1, RFC 7636, 9126, 9207 and 8628."""

import pytest
from conftest import ISSUER, REDIRECT_URI
from requests_oauth2client import (
    AuthorizationResponseError,
    ClientSecretBasic,
    ClientSecretPost,
    InvalidGrant,
    OAuth2Client,
    PublicApp,
)

SCOPE = "openid profile email offline_access read"


def found(proof, **options):
    """A client that has found the issuer."""
    return OAuth2Client.from_discovery_endpoint(
        issuer=ISSUER,
        auth=proof,
        redirect_uri=REDIRECT_URI,
        # The issuer is on loopback, where it speaks plain http.
        testing=True,
        **options,
    )


@pytest.fixture(params=[ClientSecretBasic, ClientSecretPost, PublicApp])
def client(request, new_app, metadata):
    proof = request.param
    app = new_app(*(["--public"] if proof is PublicApp else []))
    credentials = [app["client_id"], app["client_secret"]] if "client_secret" in app else [app["client_id"]]
    return found(
        proof(*credentials),
        # The library does not read this one in the metadata.
        device_authorization_endpoint=metadata["device_authorization_endpoint"],
        # Without an algorithm of its own, a client gets ID tokens of the issuer's first.
        id_token_signed_response_alg="ES256",
    )


def test_oidc_core_3_1_a_person_signs_in(client, person, user):
    asked = client.authorization_request(scope=SCOPE, max_age=600)
    code = asked.validate_callback(person.visit(asked.uri))
    token = client.authorization_code(code, validate=True)
    assert set(token.scope.split()) == set(SCOPE.split())
    assert (token.id_token.sub, token.id_token.nonce) == (user["subject"], asked.nonce)
    told = client.userinfo(token)
    assert (told["sub"], told["name"]) == (user["subject"], "Ada Lovelace")


def test_oidc_core_2_by_default_id_tokens_are_signed_with_rs256(new_app, person, user):
    app = new_app("--alg", "RS256")
    client = found(ClientSecretBasic(app["client_id"], app["client_secret"]))
    asked = client.authorization_request(scope=SCOPE)
    code = asked.validate_callback(person.visit(asked.uri))
    assert client.authorization_code(code, validate=True).id_token.sub == user["subject"]


def test_rfc9126_2_a_pushed_request_signs_a_person_in(client, person, user):
    asked = client.authorization_request(scope=SCOPE)
    pushed = client.pushed_authorization_request(asked)
    code = asked.validate_callback(person.visit(pushed.uri))
    assert client.authorization_code(code, validate=True).id_token.sub == user["subject"]


def test_rfc6749_6_what_a_person_has_granted_is_refreshed_and_revoked(client, person):
    asked = client.authorization_request(scope=SCOPE)
    first = client.authorization_code(asked.validate_callback(person.visit(asked.uri)))
    second = client.refresh_token(first)
    assert second.refresh_token != first.refresh_token
    assert client.revoke_refresh_token(second)
    with pytest.raises(InvalidGrant):
        client.refresh_token(second)


def test_rfc6749_4_1_2_1_a_person_refuses(client, person):
    asked = client.authorization_request(scope=SCOPE)
    with pytest.raises(AuthorizationResponseError) as refused:
        asked.validate_callback(person.visit(asked.uri, "deny"))
    assert refused.value.error == "access_denied"


def test_rfc9700_4_5_a_code_that_was_used_is_refused(client, person):
    asked = client.authorization_request(scope=SCOPE)
    code = asked.validate_callback(person.visit(asked.uri))
    first = client.authorization_code(code)
    with pytest.raises(InvalidGrant):
        client.authorization_code(code)
    with pytest.raises(InvalidGrant):
        client.refresh_token(first)


def test_rfc8628_3_a_person_approves_a_device(client, person, user):
    device = client.authorize_device(scope="openid offline_access")
    person.enter({"verification_uri": device.verification_uri, "user_code": device.user_code})
    token = client.device_code(device)
    assert token.id_token
    assert client.userinfo(token)["sub"] == user["subject"]
