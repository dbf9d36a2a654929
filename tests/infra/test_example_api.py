"""The example API: one route behind the authorizer, one whose function verifies tokens itself."""

import time

import pytest
import requests

from issuer import Issuer
from stack import EXAMPLE

BY_AUTHORIZER, BY_VERIFIER = "/authorizer/orders", "/verifier/orders"
# Both poll every few seconds, and a debug build on a busy machine takes its time.
SEEN_WITHIN_SECONDS = 30


class Api:
    """The deployed API, as a caller of it."""

    def __init__(self, url):
        self.url = url

    def get(self, path, token=None):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return requests.get(self.url + path, headers=headers)

    def status_once_it_changes(self, path, token):
        """The first status but 200. Revocations are seen with the next poll."""
        until = time.monotonic() + SEEN_WITHIN_SECONDS
        while (status := self.get(path, token).status_code) == 200 and time.monotonic() < until:
            time.sleep(0.2)
        return status


@pytest.fixture(scope="module")
def api(emulator, example):
    return Api(emulator.api(example["Api"]))


@pytest.fixture(scope="module")
def reader(emulator, stack, example, tokensmith):
    """A client as the stack's output says to make it, which may also get tokens without the scope."""
    command = example["Client"].replace(f" --table {stack['Table']}", "").split()
    made = tokensmith(stack, *command[1:], "--scope", "other")
    return Issuer(emulator.api(stack["Api"]), made)


@pytest.mark.parametrize("path", [BY_AUTHORIZER, BY_VERIFIER])
def test_a_good_token_is_let_through(api, reader, path):
    answer = api.get(path, reader.token())
    assert answer.status_code == 200, answer.text
    assert (answer.json()["subject"], answer.json()["client"]) == ("orders-reader", "orders-reader")


def test_the_function_hears_from_the_authorizer_whose_token_it_is(api, reader):
    token = reader.token()
    told = api.get(BY_AUTHORIZER, token).json()["authorizer"]
    assert told == {"sub": "orders-reader", "client_id": "orders-reader", "scope": "orders:read"}
    assert not api.get(BY_VERIFIER, token).json()["authorizer"]


def test_a_token_without_the_scope_is_forbidden(api, reader):
    token = reader.token(scope="other")
    assert api.get(BY_AUTHORIZER, token).status_code == 403
    refused = api.get(BY_VERIFIER, token)
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in challenge_of(refused) and 'scope="orders:read"' in challenge_of(refused)


def test_a_token_for_another_audience_is_refused(api, reader, stack, emulator, tokensmith):
    other = tokensmith(stack, "client", "create", "--id", "elsewhere", "--scope", "orders:read", "--default-scope", "orders:read")
    token = Issuer(emulator.api(stack["Api"]), other).token()
    assert api.get(BY_AUTHORIZER, token).status_code == 403
    refused = api.get(BY_VERIFIER, token)
    assert refused.status_code == 401 and 'error="invalid_token"' in challenge_of(refused)


def test_without_a_token_both_answer_401(api):
    assert api.get(BY_AUTHORIZER).status_code == 401
    refused = api.get(BY_VERIFIER)
    assert refused.status_code == 401
    assert challenge_of(refused).startswith("Bearer") and "error" not in challenge_of(refused)


def challenge_of(answer):
    return answer.headers["WWW-Authenticate"]


def test_a_revoked_token_is_refused_by_both_and_others_are_not(api, reader):
    token, other = reader.token(), reader.token()
    for path in (BY_AUTHORIZER, BY_VERIFIER):
        assert api.get(path, token).status_code == 200
    assert reader.post("/oauth2/revoke", token=token).status_code == 200
    assert api.status_once_it_changes(BY_AUTHORIZER, token) == 403
    assert api.status_once_it_changes(BY_VERIFIER, token) == 401
    for path in (BY_AUTHORIZER, BY_VERIFIER):
        assert api.get(path, other).status_code == 200


def test_deploying_it_again_changes_nothing(deploy, emulator, example):
    version = lambda: emulator.client("lambda").get_alias(FunctionName=example["OrdersFunction"], Name="live")["FunctionVersion"]
    before = version()
    # What came from the other stack is kept.
    assert deploy("--template", EXAMPLE) == example
    assert version() == before
