"""Clients with requests-oauthlib sign people in: RFC 6749 §4.1, RFC 7636 and RFC 8628."""

import jwt
import pytest
import requests
from conftest import ISSUER, REDIRECT_URI
from oauthlib.oauth2 import AccessDeniedError, InvalidGrantError, MismatchingStateError
from oauthlib.oauth2.rfc8628.clients import DeviceClient
from requests_oauthlib import OAuth2Session

SCOPE = ["openid", "profile", "email", "offline_access", "read"]


@pytest.fixture(params=["client_secret_basic", "client_secret_post", "none"])
def method(request):
    return request.param


@pytest.fixture
def app(method, new_app):
    return new_app(*(["--public"] if method == "none" else []))


@pytest.fixture
def proof(app, method):
    """The arguments by which a session authenticates its client."""
    match method:
        case "client_secret_basic":
            return {"client_secret": app["client_secret"]}
        case "client_secret_post":
            return {"client_secret": app["client_secret"], "include_client_id": True}
        case _:
            return {"include_client_id": True}


@pytest.fixture
def session(app):
    return OAuth2Session(app["client_id"], redirect_uri=REDIRECT_URI, scope=SCOPE, pkce="S256")


@pytest.fixture
def sign_in(session, proof, metadata, person):
    def sign_in(decision="allow"):
        url, _ = session.authorization_url(metadata["authorization_endpoint"])
        back = person.visit(url, decision)
        return session.fetch_token(metadata["token_endpoint"], authorization_response=back, **proof)

    return sign_in


@pytest.fixture
def claims_of(app):
    """The claims of an ID token, which requests-oauthlib leaves to its caller."""

    def claims_of(id_token):
        openid = requests.get(f"{ISSUER}/.well-known/openid-configuration").json()
        key = jwt.PyJWKClient(openid["jwks_uri"]).get_signing_key_from_jwt(id_token)
        algorithms = openid["id_token_signing_alg_values_supported"]
        return jwt.decode(id_token, key, algorithms, audience=app["client_id"], issuer=ISSUER)

    return claims_of


def test_rfc6749_4_1_a_person_signs_in(session, sign_in, claims_of, user):
    # With a scope that was not granted as it was asked for, the library raises a warning, and that would fail.
    token = sign_in()
    assert set(token.scopes) == set(SCOPE)
    assert claims_of(token["id_token"])["sub"] == user["subject"]
    told = session.get(f"{ISSUER}/oauth2/userinfo").json()
    assert (told["sub"], told["name"]) == (user["subject"], "Ada Lovelace")


def test_rfc6749_6_what_a_person_has_granted_is_refreshed(session, sign_in, proof, method, app, metadata, user):
    first = sign_in()
    proof = {"client_id": app["client_id"]} if method == "none" else {"auth": (app["client_id"], app["client_secret"])}
    second = session.refresh_token(metadata["token_endpoint"], **proof)
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert session.get(f"{ISSUER}/oauth2/userinfo").json()["sub"] == user["subject"]


def test_rfc6749_4_1_2_1_a_person_refuses(sign_in):
    with pytest.raises(AccessDeniedError):
        sign_in("deny")


def test_rfc6749_10_12_an_answer_to_nobodys_request_is_refused(session, proof, metadata, person, app):
    other = OAuth2Session(app["client_id"], redirect_uri=REDIRECT_URI, scope=SCOPE, pkce="S256")
    url, _ = other.authorization_url(metadata["authorization_endpoint"])
    back = person.visit(url)
    session.authorization_url(metadata["authorization_endpoint"])
    with pytest.raises(MismatchingStateError):
        session.fetch_token(metadata["token_endpoint"], authorization_response=back, **proof)


def test_rfc7636_4_6_a_code_without_its_verifier_is_refused(session, proof, metadata, person):
    url, _ = session.authorization_url(metadata["authorization_endpoint"])
    back = person.visit(url)
    session.authorization_url(metadata["authorization_endpoint"], state=session._state)
    with pytest.raises(InvalidGrantError):
        session.fetch_token(metadata["token_endpoint"], authorization_response=back, **proof)


def test_rfc8628_3_a_person_approves_a_device(app, proof, method, metadata, person, claims_of, user):
    auth = (app["client_id"], app["client_secret"]) if method != "none" else None
    form = {"client_id": app["client_id"], "scope": "openid"}
    begun = requests.post(metadata["device_authorization_endpoint"], form, auth=auth)
    begun.raise_for_status()
    person.enter(begun.json())
    session = OAuth2Session(client=DeviceClient(app["client_id"], scope=["openid"]))
    token = session.fetch_token(metadata["token_endpoint"], device_code=begun.json()["device_code"], **proof)
    assert claims_of(token["id_token"])["sub"] == user["subject"]
