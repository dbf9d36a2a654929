"""People at the stack as `infra/deploy` makes it: every page through API Gateway, and under the role of the function that serves it."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

import preflight
from options import TEMPLATE
from person import App, Person
from stack import PEOPLE

PASSWORD = "a long walk by the river"


@pytest.fixture(scope="module")
def app(stack, tokensmith):
    tokensmith(
        stack, "client", "create", "--id", "shop", "--name", "The Shop", "--public", "--redirect-uri", "https://shop.example/callback",
        "--scope", "openid", "--scope", "email", "--scope", "orders:read",
    )  # fmt: skip
    return lambda: App(stack["Issuer"], "shop", "https://shop.example/callback")


@pytest.fixture(scope="module")
def alice(stack, new_user):
    return new_user(stack, "alice", PASSWORD, "--email", "alice@example.com")


@pytest.fixture
def person(emulator, stack):
    return Person(emulator, stack)


def test_somebody_signs_in_agrees_and_the_client_gets_tokens(stack, person, app, alice):
    client = app()
    asked = person.open(client.link("openid email orders:read"))
    assert asked.status_code == 200 and "The Shop" in asked.text
    assert asked.headers["Cache-Control"] == "no-store" and "frame-ancestors 'none'" in asked.headers["Content-Security-Policy"]
    consent = person.sign_in(asked, "alice", PASSWORD)
    assert consent.status_code == 200, consent.text
    code = client.code_in(person.press(consent, {}, "allow"))
    issued = client.redeem(person.api, code)
    assert issued.status_code == 200, issued.text
    tokens = issued.json()
    assert {"access_token", "refresh_token", "id_token"} <= set(tokens)

    told = requests.get(person.api + "/oauth2/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert told.status_code == 200, told.text
    assert (told.json()["sub"], told.json()["email"]) == (alice["subject"], "alice@example.com")

    # The code is used once: whoever brings it again ends what it has made.
    assert client.redeem(person.api, code).status_code == 400
    refused = requests.get(person.api + "/oauth2/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert refused.status_code == 401


def test_who_refuses_is_sent_back_without_a_code(person, app, alice):
    client = app()
    consent = person.sign_in(person.open(client.link("orders:read", prompt="consent")), "alice", PASSWORD)
    address = person.press(consent, {}, "deny")
    assert parse_qs(urlsplit(address).query)["error"] == ["access_denied"]


def test_somebody_sees_what_they_have_given_and_ends_it(person, app, alice):
    client = app()
    consent = person.sign_in(person.open(client.link("openid orders:read", prompt="consent")), "alice", PASSWORD)
    tokens = client.redeem(person.api, client.code_in(person.press(consent, {}, "allow"))).json()
    account = person.open("/account")
    assert account.status_code == 200 and "The Shop" in account.text, account.text
    account = person.press(account, {}, "revoke-grant")
    assert account.status_code == 200, account.text
    refresh = {"grant_type": "refresh_token", "client_id": "shop", "refresh_token": tokens["refresh_token"]}
    assert requests.post(person.api + "/oauth2/token", data=refresh).status_code == 400


def test_a_pushed_request_is_answered_once(stack, emulator, tokensmith, person, alice):
    made = tokensmith(
        stack, "client", "create", "--id", "office", "--redirect-uri", "https://office.example/callback", "--scope", "orders:read", "--first-party",
    )  # fmt: skip
    client = App(stack["Issuer"], "office", "https://office.example/callback")
    parameters = {name: values[0] for name, values in parse_qs(urlsplit(client.link("orders:read")).query).items()}
    credentials = (made["client_id"], made["client_secret"])
    pushed = requests.post(person.api + "/oauth2/par", data=parameters, auth=credentials)
    assert pushed.status_code == 201, pushed.text
    link = f"/oauth2/authorize?client_id=office&request_uri={pushed.json()['request_uri']}"
    code = client.code_in(person.sign_in(person.open(link), "alice", PASSWORD))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri, "code_verifier": client.verifier}
    issued = requests.post(person.api + "/oauth2/token", data=form, auth=credentials)
    assert issued.status_code == 200, issued.text
    assert person.open(link).status_code == 400


def test_a_device_gets_tokens_when_its_user_lets_it(stack, emulator, tokensmith, person, alice):
    device = "urn:ietf:params:oauth:grant-type:device_code"
    tokensmith(stack, "client", "create", "--id", "tv", "--public", "--grant", device, "--grant", "refresh_token", "--scope", "films:read")
    asked = requests.post(person.api + "/oauth2/device_authorization", data={"client_id": "tv", "scope": "films:read"})
    assert asked.status_code == 200, asked.text
    codes = asked.json()
    assert codes["verification_uri"] == stack["Issuer"] + "/device"
    poll = {"grant_type": device, "device_code": codes["device_code"], "client_id": "tv"}
    assert requests.post(person.api + "/oauth2/token", data=poll).json()["error"] == "authorization_pending"
    page = person.sign_in(person.open("/device"), "alice", PASSWORD)
    page = person.press(page, {"user_code": codes["user_code"]})
    assert "tv" in page.text
    page = person.press(page, {}, "allow")
    assert page.status_code == 200, page.text
    issued = requests.post(person.api + "/oauth2/token", data=poll)
    assert issued.status_code == 200 and issued.json()["refresh_token"], issued.text


def test_metadata_name_the_endpoints_for_people_where_people_sign_in_and_nowhere_else(emulator, stack, stack_in_kms):
    of_people = {"authorization_endpoint", "pushed_authorization_request_endpoint", "device_authorization_endpoint", "end_session_endpoint"}
    for outputs, expected in ((stack, of_people), (stack_in_kms, set())):
        metadata = requests.get(emulator.api(outputs["Api"]) + "/.well-known/openid-configuration").json()
        assert of_people & set(metadata) == expected
    assert "AuthorizeFunction" in stack and "AuthorizeFunction" not in stack_in_kms
    assert requests.get(emulator.api(stack_in_kms["Api"]) + "/login").status_code == 404


# ---- What a deployment says before it changes anything ------------------------------------------------------------------------------------


def test_sign_in_without_a_domain_is_refused_before_anything_is_made(refused):
    said = refused("--stack", "nowhere", "SignIn=on")
    assert "SignIn=on needs DomainName and CertificateArn" in said and "would be made" not in said
    # And by CloudFormation itself, for whoever goes around it.
    said = refused("--stack", "nowhere", "--no-preflight", "--yes", "SignIn=on")
    assert "SignIn needs DomainName" in said


class Account:
    """An account with so many executions that are not reserved."""

    def __init__(self, unreserved):
        self.unreserved = unreserved

    def client(self, _):
        return self

    def get_account_settings(self):
        return {"AccountLimit": {"UnreservedConcurrentExecutions": self.unreserved}}


class There:
    def __init__(self, **parameters):
        self.parameters = parameters


@pytest.mark.parametrize(
    ("unreserved", "before", "values", "fits"),
    [
        (1000, {}, {"SignIn": "on"}, True),
        (110, {}, {"SignIn": "on"}, True),
        (109, {}, {"SignIn": "on"}, False),
        # A new account.
        (10, {}, {"SignIn": "on"}, False),
        (10, {}, {"SignIn": "on", "SignInConcurrency": ""}, True),
        (10, {}, {"SignIn": "off"}, True),
        (100, {"SignIn": "on", "SignInConcurrency": "10"}, {"SignIn": "on", "SignInConcurrency": "10"}, True),
        (100, {"SignIn": "on", "SignInConcurrency": "10"}, {"SignIn": "on", "SignInConcurrency": "11"}, False),
        (100, {"SignIn": "off", "SignInConcurrency": "10"}, {"SignIn": "on", "SignInConcurrency": "10"}, False),
    ],
)
def test_what_cannot_be_reserved_is_said_with_what_to_do(unreserved, before, values, fits):
    """AWS keeps 100 executions of an account that nobody reserves."""
    problems = list(preflight.too_few_to_reserve(Account(unreserved), There(**before), TEMPLATE, {**PEOPLE, **values}))
    assert (problems == []) == fits
    assert all("SignInConcurrency=" in problem and "ask AWS for more" in problem for problem in problems)
