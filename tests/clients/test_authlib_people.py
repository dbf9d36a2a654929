"""Clients with Authlib sign people in: OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207 and RFC 8628."""

import uuid

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from conftest import DEVICE_CODE, ISSUER, REDIRECT_URI
from joserfc import jwt
from joserfc.jwk import KeySet

SCOPE = "openid profile email offline_access read"


@pytest.fixture(scope="module")
def openid():
    """The metadata of OpenID Connect Discovery 1.0 §4."""
    answer = requests.get(f"{ISSUER}/.well-known/openid-configuration")
    answer.raise_for_status()
    return answer.json()


@pytest.fixture(params=["client_secret_basic", "client_secret_post", "none"])
def session(request, new_app, metadata):
    app = new_app(*(["--public"] if request.param == "none" else []))
    return OAuth2Session(
        app["client_id"],
        app.get("client_secret"),
        token_endpoint_auth_method=request.param,
        revocation_endpoint_auth_method=request.param,
        scope=SCOPE,
        redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
    )


@pytest.fixture
def begin(session, metadata):
    """Starts an authorization request: its URL and its state, verifier and nonce."""

    def begin(**asked):
        verifier, nonce = generate_token(48), str(uuid.uuid4())
        url, state = session.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **asked
        )
        return url, state, verifier, nonce

    return begin


@pytest.fixture
def sign_in(session, begin, person):
    """The answer with the tokens, and the nonce."""

    def sign_in(**asked):
        url, state, verifier, nonce = begin(**asked)
        back = person.visit(url)
        answer = session.fetch_token(authorization_response=back, state=state, code_verifier=verifier)
        return answer, nonce

    return sign_in


def claims_of(id_token, metadata, session, **parameters):
    """The claims, after the signature and they were checked as Authlib's integrations do."""
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())
    token = jwt.decode(id_token, keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    must_be = {"iss": {"values": [metadata["issuer"]]}, "aud": {"values": [session.client_id]}}
    claims = CodeIDToken(token.claims, token.header, must_be, {"client_id": session.client_id, **parameters})
    claims.validate(leeway=60)
    return claims


def test_oidc_discovery_3_the_metadata_is_valid(openid):
    OpenIDProviderMetadata(openid).validate()


def test_oidc_core_3_1_a_person_signs_in(session, sign_in, openid, user):
    answer, nonce = sign_in(max_age=600)
    assert (answer["token_type"], set(answer["scope"].split())) == ("Bearer", set(SCOPE.split()))
    parameters = {"nonce": nonce, "max_age": 600, "access_token": answer["access_token"]}
    claims = claims_of(answer["id_token"], openid, session, **parameters)
    assert (claims["sub"], claims["nonce"]) == (user["subject"], nonce)
    assert claims["at_hash"] and claims["auth_time"]
    told = session.get(openid["userinfo_endpoint"]).json()
    assert (told["sub"], told["name"]) == (user["subject"], "Ada Lovelace")
    assert told["email"] == "ada@example.com"


def test_rfc6749_6_what_a_person_has_granted_is_refreshed_and_revoked(session, sign_in, openid, user):
    first, _ = sign_in()
    second = session.refresh_token(refresh_token=first["refresh_token"])
    assert claims_of(second["id_token"], openid, session)["sub"] == user["subject"]
    assert session.get(openid["userinfo_endpoint"]).status_code == 200
    revoked = session.revoke_token(openid["revocation_endpoint"], second["refresh_token"])
    assert revoked.status_code == 200
    assert session.get(openid["userinfo_endpoint"]).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(refresh_token=second["refresh_token"])


def test_rfc7636_4_6_a_code_without_its_verifier_is_refused(session, begin, person):
    url, state, _, _ = begin()
    back = person.visit(url)
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.fetch_token(authorization_response=back, state=state, code_verifier=generate_token(48))


def test_rfc8628_3_a_person_approves_a_device(session, person, metadata, openid, user):
    # Authlib has no call for the first step: its caller sends the form.
    url = metadata["device_authorization_endpoint"]
    begun = requests.post(url, {"scope": SCOPE}, auth=session.client_auth(session.token_endpoint_auth_method))
    begun.raise_for_status()
    device = begun.json()
    person.enter(device)
    answer = session.fetch_token(grant_type=DEVICE_CODE, device_code=device["device_code"])
    assert claims_of(answer["id_token"], openid, session)["sub"] == user["subject"]
    assert answer["refresh_token"]
