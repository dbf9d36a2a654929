"""Clients with Authlib refresh, revoke and introspect: RFC 6749 §6, 7009, 7662, 8707 and 9700."""

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from conftest import GRANT_CLIENTS, INACTIVE


@pytest.fixture
def new_session(metadata):
    """Makes the session of a client that authenticates by one method everywhere."""

    def new_session(client, method):
        for endpoint in ("token", "revocation"):
            assert method in metadata[f"{endpoint}_endpoint_auth_methods_supported"]
        return OAuth2Session(
            client["client_id"],
            client.get("client_secret"),
            token_endpoint=metadata["token_endpoint"],
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )

    return new_session


CALLERS = [
    ("confidential", "client_secret_basic"),
    ("confidential", "client_secret_post"),
    ("public", "none"),
]


@pytest.fixture(params=CALLERS, ids=lambda param: param[1])
def caller(request):
    name, method = request.param
    return GRANT_CLIENTS[name], method


@pytest.fixture
def client(caller):
    return caller[0]


@pytest.fixture
def session(caller, new_session):
    return new_session(*caller)


@pytest.fixture
def confidential(new_session):
    return new_session(GRANT_CLIENTS["confidential"], "client_secret_basic")


@pytest.fixture
def resource_server(new_session):
    return new_session(GRANT_CLIENTS["resource_server"], "client_secret_basic")


@pytest.fixture
def ask(metadata):
    """What a session's client is told of a token."""

    def ask(session, token, **hint):
        answer = session.introspect_token(metadata["introspection_endpoint"], token, **hint)
        assert answer.status_code == 200
        return answer.json()

    return ask


@pytest.fixture
def revoke(metadata):
    def revoke(session, token, **hint):
        answer = session.revoke_token(metadata["revocation_endpoint"], token, **hint)
        assert (answer.status_code, answer.json()) == (200, {})

    return revoke


def assert_refused(session, refresh_token, error="invalid_grant", **asked):
    with pytest.raises(OAuthError) as refused:
        session.refresh_token(refresh_token=refresh_token, **asked)
    assert refused.value.error == error


def test_rfc6749_6_every_refresh_makes_a_successor(
    client, session, subject, new_grant, ask, resource_server
):
    grant = new_grant(client)
    tokens = [grant["refresh_token"]]
    for _ in range(5):
        answer = session.refresh_token(refresh_token=tokens[-1])
        assert answer["token_type"] == "Bearer"
        assert answer["scope"] == "read write"
        tokens.append(answer["refresh_token"])
        said = ask(resource_server, answer["access_token"])
        assert said["active"] is True
        assert said["client_id"] == client["client_id"]
        assert (said["sub"], said["grant_id"]) == (subject, grant["grant_id"])
        assert (said["aud"], said["scope"]) == (client["audience"], "read write")
    assert len(set(tokens)) == 6


def test_rfc9700_4_14_2_a_lost_answer_is_asked_for_again(confidential, new_grant):
    token = new_grant(GRANT_CLIENTS["confidential"])["refresh_token"]
    for _ in range(3):
        lost = confidential.refresh_token(refresh_token=token)
        answer = confidential.refresh_token(refresh_token=token)
        assert answer["refresh_token"] == lost["refresh_token"]
        assert answer["access_token"] != lost["access_token"]
        token = answer["refresh_token"]


def test_rfc9700_4_14_2_reuse_ends_the_grant(client, session, new_grant, introspect):
    refresh_tokens = [new_grant(client)["refresh_token"]]
    access_tokens = []
    for _ in range(3):
        answer = session.refresh_token(refresh_token=refresh_tokens[-1])
        refresh_tokens.append(answer["refresh_token"])
        access_tokens.append(answer["access_token"])
    assert all(introspect(token)["active"] for token in access_tokens)
    assert_refused(session, refresh_tokens[0])
    assert [introspect(token) for token in access_tokens] == [INACTIVE] * 3
    for token in refresh_tokens:
        assert_refused(session, token)


def test_rfc6749_6_narrowing_a_token_does_not_shrink_the_grant(
    client, session, new_grant, introspect
):
    token = new_grant(client)["refresh_token"]
    for asked, granted in [("read", "read"), ("write", "write"), (None, "read write")]:
        answer = session.refresh_token(refresh_token=token, scope=asked)
        assert answer["scope"] == granted
        assert introspect(answer["access_token"])["scope"] == granted
        token = answer["refresh_token"]
    assert_refused(session, token, "invalid_scope", scope="read delete")
    # What was refused has consumed nothing.
    assert session.refresh_token(refresh_token=token)["scope"] == "read write"


def test_rfc8707_2_2_a_refresh_names_a_resource(client, session, new_grant, introspect):
    answer = session.refresh_token(
        refresh_token=new_grant(client)["refresh_token"], resource=client["other_audience"]
    )
    told = introspect(answer["access_token"], GRANT_CLIENTS["confidential"])
    assert told["aud"] == client["other_audience"]
    token = answer["refresh_token"]
    assert_refused(session, token, "invalid_target", resource="https://nobody.example/")
    answer = session.refresh_token(refresh_token=token)
    assert introspect(answer["access_token"])["aud"] == client["audience"]


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", None])
def test_rfc7009_2_a_revoked_access_token_is_dead_and_its_grant_lives(
    hint, client, session, new_grant, introspect, revoke
):
    first = session.refresh_token(refresh_token=new_grant(client)["refresh_token"])
    revoke(session, first["access_token"], token_type_hint=hint)
    assert introspect(first["access_token"]) == INACTIVE
    second = session.refresh_token(refresh_token=first["refresh_token"])
    assert introspect(second["access_token"])["active"] is True


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", None])
def test_rfc7009_2_1_a_revoked_refresh_token_takes_its_grant_along(
    hint, client, session, new_grant, introspect, revoke
):
    first = session.refresh_token(refresh_token=new_grant(client)["refresh_token"])
    second = session.refresh_token(refresh_token=first["refresh_token"])
    revoke(session, second["refresh_token"], token_type_hint=hint)
    for answer in (first, second):
        assert introspect(answer["access_token"]) == INACTIVE
        assert_refused(session, answer["refresh_token"])
    # RFC 7009 §2.2: what is dead already is revoked as well.
    revoke(session, second["refresh_token"])


def test_rfc7009_2_1_a_client_revokes_only_its_own(
    client, session, new_grant, introspect, revoke, resource_server
):
    answer = session.refresh_token(refresh_token=new_grant(client)["refresh_token"])
    revoke(resource_server, answer["access_token"])
    revoke(resource_server, answer["refresh_token"])
    assert introspect(answer["access_token"])["active"] is True
    session.refresh_token(refresh_token=answer["refresh_token"])


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_rfc7662_2_2_a_client_is_told_of_its_own_tokens(
    method, subject, metadata, new_session, new_grant, ask, revoke
):
    assert method in metadata["introspection_endpoint_auth_methods_supported"]
    client = GRANT_CLIENTS["confidential"]
    session = new_session(client, method)
    grant = new_grant(client)
    answer = session.refresh_token(
        refresh_token=grant["refresh_token"], resource=client["other_audience"]
    )
    for hint in ("access_token", "refresh_token", None):
        for token in (answer["access_token"], answer["refresh_token"]):
            said = ask(session, token, token_type_hint=hint)
            assert said["active"] is True
            assert (said["sub"], said["client_id"]) == (subject, client["client_id"])
            assert (said["grant_id"], said["scope"]) == (grant["grant_id"], "read write")
            assert said["iss"] == metadata["issuer"]
            assert said["exp"] > said["iat"]
    # Looking at a token is not using it: its predecessor is honoured as before.
    assert ask(session, grant["refresh_token"])["active"] is True
    revoke(session, answer["refresh_token"])
    for token in (answer["access_token"], answer["refresh_token"], grant["refresh_token"]):
        assert ask(session, token) == INACTIVE


def test_rfc7662_4_a_resource_server_is_told_of_access_tokens_for_it_only(
    client, session, new_grant, ask, resource_server, confidential
):
    first = session.refresh_token(refresh_token=new_grant(client)["refresh_token"])
    assert ask(resource_server, first["access_token"])["active"] is True
    assert ask(resource_server, first["refresh_token"]) == INACTIVE
    elsewhere = session.refresh_token(
        refresh_token=first["refresh_token"], resource=client["other_audience"]
    )
    assert ask(resource_server, elsewhere["access_token"]) == INACTIVE
    assert ask(confidential, elsewhere["access_token"])["active"] is True


STRANGER = GRANT_CLIENTS["confidential"] | {
    "client_secret": GRANT_CLIENTS["resource_server"]["client_secret"]
}
WITHOUT_PROOF = {
    "public": (GRANT_CLIENTS["public"], "none"),
    "no secret": (GRANT_CLIENTS["confidential"], "none"),
    "wrong secret": (STRANGER, "client_secret_basic"),
}


@pytest.mark.parametrize("caller", WITHOUT_PROOF.values(), ids=WITHOUT_PROOF)
def test_rfc7662_2_1_who_does_not_authenticate_is_told_nothing(
    session, metadata, confidential, new_grant
):
    token = new_grant(GRANT_CLIENTS["confidential"])["refresh_token"]
    token = confidential.refresh_token(refresh_token=token)["access_token"]
    told = session.introspect_token(metadata["introspection_endpoint"], token)
    assert (told.status_code, told.json()["error"]) == (401, "invalid_client")
    assert told.headers["WWW-Authenticate"].startswith("Basic ")
    assert "active" not in told.json()
