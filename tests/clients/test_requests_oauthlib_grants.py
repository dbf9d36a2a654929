"""Clients with requests-oauthlib refresh, by hand and by themselves, and revoke with requests."""

import pytest
import requests
from conftest import GRANT_CLIENTS, INACTIVE
from oauthlib.oauth2 import InvalidGrantError, InvalidScopeError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session


@pytest.fixture(params=["client_secret_basic", "client_secret_post", "none"])
def method(request):
    return request.param


@pytest.fixture
def client(method):
    return GRANT_CLIENTS["public" if method == "none" else "confidential"]


@pytest.fixture
def proof(client, method):
    """The arguments by which a session authenticates its client."""
    if method == "client_secret_basic":
        return {"auth": HTTPBasicAuth(client["client_id"], client["client_secret"])}
    return {name: client[name] for name in ("client_id", "client_secret") if name in client}


@pytest.fixture
def session(client):
    return OAuth2Session(client["client_id"])


@pytest.fixture
def refresh(session, proof, metadata):
    def refresh(token, **asked):
        endpoint = metadata["token_endpoint"]
        return session.refresh_token(endpoint, refresh_token=token, **proof, **asked)

    return refresh


@pytest.fixture
def revoke(proof, metadata):
    """RFC 7009, which requests-oauthlib leaves to its caller."""

    def revoke(token):
        data = {name: value for name, value in proof.items() if name != "auth"}
        endpoint = metadata["revocation_endpoint"]
        answer = requests.post(endpoint, data=data | {"token": token}, auth=proof.get("auth"))
        assert (answer.status_code, answer.json()) == (200, {})

    return revoke


def test_rfc6749_6_every_refresh_makes_a_successor(
    client, refresh, subject, new_grant, introspect
):
    tokens = [new_grant(client)["refresh_token"]]
    for _ in range(5):
        answer = refresh(tokens[-1])
        assert set(answer.scopes) == {"read", "write"}
        tokens.append(answer["refresh_token"])
        told = introspect(answer["access_token"])
        assert (told["active"], told["sub"]) == (True, subject)
    assert len(set(tokens)) == 6


@pytest.mark.parametrize("name", ["confidential", "public"])
def test_rfc6749_6_a_session_refreshes_by_itself(name, metadata, new_grant, introspect):
    client = GRANT_CLIENTS[name]
    saved = []
    session = OAuth2Session(
        client["client_id"],
        token={
            "access_token": "expired",
            "refresh_token": new_grant(client)["refresh_token"],
            "token_type": "Bearer",
            "expires_in": -1,
        },
        auto_refresh_url=metadata["token_endpoint"],
        auto_refresh_kwargs={
            key: client[key] for key in ("client_id", "client_secret") if key in client
        },
        token_updater=saved.append,
    )
    for _ in range(3):
        # Any resource will do; the token that it gets is a new one each time.
        answer = session.get(metadata["jwks_uri"])
        sent = answer.request.headers["Authorization"].removeprefix("Bearer ")
        assert sent == saved[-1]["access_token"]
        assert introspect(sent)["active"] is True
        session.token = saved[-1] | {"expires_in": -1, "expires_at": 1}
    assert len({token["refresh_token"] for token in saved}) == 3
    assert len({token["access_token"] for token in saved}) == 3


def test_rfc9700_4_14_2_reuse_ends_the_grant(client, refresh, new_grant, introspect):
    refresh_tokens = [new_grant(client)["refresh_token"]]
    access_tokens = []
    for _ in range(3):
        answer = refresh(refresh_tokens[-1])
        refresh_tokens.append(answer["refresh_token"])
        access_tokens.append(answer["access_token"])
    for token in refresh_tokens:
        with pytest.raises(InvalidGrantError):
            refresh(token)
        assert [introspect(token) for token in access_tokens] == [INACTIVE] * 3


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"], indirect=True)
def test_rfc9700_4_14_2_a_lost_answer_is_asked_for_again(client, refresh, new_grant):
    token = new_grant(client)["refresh_token"]
    lost, answer = refresh(token), refresh(token)
    assert answer["refresh_token"] == lost["refresh_token"]
    refresh(answer["refresh_token"])


def test_rfc6749_6_narrowing_a_token_does_not_shrink_the_grant(
    client, session, refresh, new_grant
):
    token = new_grant(client)["refresh_token"]
    for asked in (["read"], ["write"], ["read", "write"]):
        session.scope = asked
        answer = refresh(token)
        assert set(answer.scopes) == set(asked)
        token = answer["refresh_token"]
    session.scope = ["delete"]
    with pytest.raises(InvalidScopeError):
        refresh(token)


def test_rfc8707_2_2_a_refresh_names_a_resource(client, refresh, new_grant, introspect):
    answer = refresh(new_grant(client)["refresh_token"], resource=client["other_audience"])
    told = introspect(answer["access_token"], GRANT_CLIENTS["confidential"])
    assert told["aud"] == client["other_audience"]
    answer = refresh(answer["refresh_token"])
    assert introspect(answer["access_token"])["aud"] == client["audience"]


def test_rfc7009_2_1_a_revoked_refresh_token_takes_its_grant_along(
    client, refresh, revoke, new_grant, introspect
):
    first = refresh(new_grant(client)["refresh_token"])
    second = refresh(first["refresh_token"])
    revoke(first["access_token"])
    assert introspect(first["access_token"]) == INACTIVE
    assert introspect(second["access_token"])["active"] is True
    revoke(second["refresh_token"])
    assert introspect(second["access_token"]) == INACTIVE
    with pytest.raises(InvalidGrantError):
        refresh(second["refresh_token"])


def test_rfc6749_6_a_grant_of_another_client_is_refused(client, refresh, new_grant):
    other = next(one for one in GRANT_CLIENTS.values() if one is not client)
    token = new_grant(other)["refresh_token"]
    with pytest.raises(InvalidGrantError):
        refresh(token)
