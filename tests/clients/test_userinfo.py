"""Clients ask who somebody is: OpenID Connect Core 1.0 §5.3, with Authlib, requests-oauthlib, and a form."""

import uuid

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import UserInfo
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from requests_oauthlib import OAuth2Session as OtherSession

from conftest import ISSUER, KNOWN, granted_token, new_user, tokensmith

SCOPES = ["openid", "profile", "email", "address", "phone"]


@pytest.fixture(scope="module")
def provider():
    """What OpenID Connect Discovery says, as Authlib checks it."""
    response = requests.get(get_well_known_url(ISSUER, external=True))
    response.raise_for_status()
    return OpenIDProviderMetadata(response.json())


@pytest.fixture(scope="module")
def app():
    created = ["client", "create", "--id", f"app-{uuid.uuid4()}", "--public", "--grant", "refresh_token"]
    return tokensmith(*created, *(f"--scope={scope}" for scope in SCOPES))["client_id"]


@pytest.fixture(scope="module")
def somebody():
    return new_user()


def token(app, user, scopes=SCOPES):
    return {"access_token": granted_token(app, user["subject"], scopes), "token_type": "Bearer"}


def test_openid_discovery_3_authlib_accepts_what_is_said_of_userinfo_and_claims(provider):
    for member in ("scopes", "response_types", "grant_types", "subject_types", "id_token_signing_alg_values", "acr_values", "claims"):
        getattr(provider, f"validate_{member}_supported")()
    assert provider["userinfo_endpoint"].startswith(ISSUER)
    assert set(SCOPES) <= set(provider["scopes_supported"])
    assert set(KNOWN) <= set(provider["claims_supported"])


def test_oidc_core_5_3_authlib_is_told_all_that_its_scopes_allow(provider, app, somebody):
    with OAuth2Session(app, token=token(app, somebody)) as session:
        response = session.get(provider["userinfo_endpoint"])
    response.raise_for_status()
    told = UserInfo(response.json())
    assert told.sub == somebody["subject"] and told.preferred_username == somebody["user_name"]
    assert told.pop("updated_at") > 1_700_000_000
    assert told == {**KNOWN, "sub": somebody["subject"], "preferred_username": somebody["user_name"]}
    # Authlib knows by itself which scope a claim belongs to.
    for scope in SCOPES:
        asked = token(app, somebody, ["openid", scope])
        with OAuth2Session(app, token=asked) as session:
            narrowed = session.get(provider["userinfo_endpoint"]).json()
        assert narrowed == UserInfo({**narrowed, **KNOWN}).filter(f"openid {scope}")


def test_oidc_core_5_3_1_other_ways_to_ask_say_the_same(provider, app, somebody):
    endpoint, access = provider["userinfo_endpoint"], token(app, somebody, ["openid", "email"])
    expected = {"sub": somebody["subject"], "email": "ada@example.com", "email_verified": True}
    with OtherSession(client_id=app, token=access) as session:
        assert session.get(endpoint).json() == expected
        assert session.post(endpoint).json() == expected
    assert requests.post(endpoint, data={"access_token": access["access_token"]}).json() == expected


def test_rfc6750_3_a_client_can_tell_from_the_challenge_what_to_do(provider, app, somebody):
    endpoint, lesser = provider["userinfo_endpoint"], token(app, somebody, ["email"])
    bearer = {"Authorization": f"Bearer {lesser['access_token']}"}
    answer = requests.get(endpoint, headers=bearer)
    assert answer.status_code == 403
    challenge = requests.utils.parse_dict_header(answer.headers["WWW-Authenticate"].removeprefix("Bearer "))
    assert challenge["error"] == "insufficient_scope" and challenge["scope"] == "openid"
    revoked = {"token": lesser["access_token"], "client_id": app}
    requests.post(provider["revocation_endpoint"], data=revoked).raise_for_status()
    answer = requests.get(endpoint, headers=bearer)
    challenge = requests.utils.parse_dict_header(answer.headers["WWW-Authenticate"].removeprefix("Bearer "))
    assert (answer.status_code, challenge["error"]) == (401, "invalid_token")


def test_a_user_that_was_disabled_is_nobody_any_more(provider, app):
    gone = new_user()
    with OAuth2Session(app, token=token(app, gone)) as session:
        assert session.get(provider["userinfo_endpoint"]).status_code == 200
        tokensmith("user", "disable", gone["user_name"], "--yes")
        assert session.get(provider["userinfo_endpoint"]).status_code == 401
