"""Tokens are exchanged by google-auth's client of a security token service (RFC 8693), as it is."""

import uuid

import google.oauth2.sts
import pytest
from conftest import CLIENTS, ISSUER, tokensmith
from federation import Platform
from google.auth.exceptions import OAuthError
from google.auth.transport.requests import Request
from google.oauth2.utils import ClientAuthentication, ClientAuthType

import requests

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
API_KEY = "urn:tokensmith:params:oauth:token-type:api-key"


class Orders:
    """An API that is sent Alice's token, and goes on to the stock with it."""

    def __init__(self):
        name = uuid.uuid4()
        self.uri, self.stock = f"https://orders.example/{name}", f"https://stock.example/{name}"
        self.api = tokensmith("client", "create", "--id", f"orders-{name}", "--grant", "token-exchange")
        owned = ["--owner", self.api["client_id"], "--scope=read=See orders", "--scope=write=Change orders"]
        tokensmith("resource", "create", self.uri, *owned)
        tokensmith("resource", "create", self.stock, "--scope=look=See what is there", "--exchange", f"{self.uri}:read=look")
        allowed = ["--allow", f"{self.uri}=read,write", "--grant", "refresh_token", "--grant", "client_credentials"]
        self.shop = tokensmith("client", "create", "--id", f"shop-{name}", *allowed)

    def token(self):
        """What the shop sends."""
        of = ["--client", self.shop["client_id"], "--subject", "alice", "--audience", self.uri]
        grant = tokensmith("grant", "create", *of, "--scope", "read", "--scope", "write")
        return self.ask(grant_type="refresh_token", refresh_token=grant["refresh_token"])

    def ask(self, **form):
        answer = requests.post(f"{ISSUER}/oauth2/token", data=form, auth=(self.shop["client_id"], self.shop["client_secret"]))
        answer.raise_for_status()
        return answer.json()["access_token"]

    def client(self, kind=ClientAuthType.basic, secret=None):
        own = ClientAuthentication(kind, self.api["client_id"], secret or self.api["client_secret"])
        return google.oauth2.sts.Client(f"{ISSUER}/oauth2/token", own)


@pytest.fixture(scope="module")
def orders():
    return Orders()


@pytest.mark.parametrize("kind", ClientAuthType)
def test_rfc8693_2_1_an_api_goes_on_for_a_person(orders, introspect, kind):
    exchanged = orders.client(kind).exchange_token(
        Request(),
        TOKEN_EXCHANGE,
        orders.token(),
        ACCESS_TOKEN,
        audience=orders.stock,
        scopes=["look"],
        requested_token_type=ACCESS_TOKEN,
    )
    assert exchanged["issued_token_type"] == ACCESS_TOKEN
    assert (exchanged["token_type"], exchanged["scope"]) == ("Bearer", "look")
    told = introspect(exchanged["access_token"], orders.api)
    assert (told["sub"], told["aud"], told["act"]) == ("alice", orders.stock, {"sub": orders.api["client_id"]})


def test_rfc8693_2_1_somebody_else_acts(orders, introspect):
    acting = orders.ask(grant_type="client_credentials")
    exchanged = orders.client().exchange_token(
        Request(), TOKEN_EXCHANGE, orders.token(), JWT, actor_token=acting, actor_token_type=JWT
    )
    told = introspect(exchanged["access_token"], orders.api)
    assert (told["sub"], told["act"]) == ("alice", {"sub": orders.shop["client_id"]})
    assert told["scope"] == "read write"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"scopes": ["reserve"]}, "invalid_scope"),
        ({"resource": "https://nobody.example/"}, "invalid_target"),
        ({"subject_token": "x"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rfc8693_2_2_2_a_refusal_is_an_error_with_its_code(orders, wrong, error):
    asked = {"subject_token": orders.token(), "subject_token_type": ACCESS_TOKEN, **wrong}
    with pytest.raises(OAuthError, match=error):
        orders.client().exchange_token(Request(), TOKEN_EXCHANGE, **asked)


def test_rfc8693_2_1_a_wrong_secret_is_invalid_client(orders):
    with pytest.raises(OAuthError, match="invalid_client"):
        client = orders.client(secret=CLIENTS[0]["client_secret"])
        client.exchange_token(Request(), TOKEN_EXCHANGE, orders.token(), ACCESS_TOKEN)


@pytest.mark.parametrize("kind", [JWT, "urn:ietf:params:oauth:token-type:id_token"])
def test_rfc8693_2_1_a_workload_presents_the_token_of_its_platform(tmp_path, introspect, kind):
    platform = Platform(f"https://platform.example/{uuid.uuid4()}")
    platform.register(tmp_path)
    name = f"workload-{uuid.uuid4()}"
    registered = ["--auth", "federation", "--scope", "read", "--default-scope", "read", "--audience", "https://api.example/"]
    tokensmith("client", "create", "--id", name, *registered)
    rule = ["--client", name, "--issuer", platform.url, "--audience", ISSUER, "--subject", "workload"]
    tokensmith("federation", "create", name, *rule)
    client = google.oauth2.sts.Client(f"{ISSUER}/oauth2/token")
    presented = platform.sign({"aud": ISSUER, "sub": "workload"})
    exchanged = client.exchange_token(Request(), TOKEN_EXCHANGE, presented, kind)
    assert (exchanged["issued_token_type"], exchanged["scope"]) == (ACCESS_TOKEN, "read")
    assert "refresh_token" not in exchanged
    with pytest.raises(OAuthError, match="invalid_grant"):
        stranger = platform.sign({"aud": ISSUER, "sub": "somebody"})
        client.exchange_token(Request(), TOKEN_EXCHANGE, stranger, kind)


def test_rfc8693_2_1_an_api_key_is_exchanged(orders):
    of = ["--client", orders.shop["client_id"], "--name", "job", "--scope", "read", "--resource", orders.uri]
    key = tokensmith("api-key", "create", *of)["api_key"]
    client = google.oauth2.sts.Client(f"{ISSUER}/oauth2/token")
    assert client.exchange_token(Request(), TOKEN_EXCHANGE, key, API_KEY)["scope"] == "read"
