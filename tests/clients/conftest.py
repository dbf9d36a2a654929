"""What the Python clients are told: the issuer URL and the registered clients.

Everything else they find through the issuer's metadata. `with-issuer` sets the environment.
"""

import base64
import json
import os
import subprocess
import uuid

import pytest
import requests
from authlib.oauth2.rfc8414 import get_well_known_url
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from person import Person

# The issuer is on loopback, where it speaks plain http; these libraries have to be told.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

ISSUER = os.environ["ISSUER_URL"]
CLIENTS = json.loads(os.environ["TOKENSMITH_CLIENTS"])
GRANT_CLIENTS = json.loads(os.environ["TOKENSMITH_GRANT_CLIENTS"])

# RFC 7662 §2.2: all that is said of a token that is dead, or none of the caller's business.
INACTIVE = {"active": False}


@pytest.fixture(params=CLIENTS, ids=lambda client: client["alg"])
def client(request):
    return request.param


@pytest.fixture
def wrong_secret(client):
    """A well-formed secret: that of another client."""
    return next(other["client_secret"] for other in CLIENTS if other is not client)


@pytest.fixture(scope="session")
def metadata():
    """The authorization server metadata (RFC 8414 §3)."""
    response = requests.get(get_well_known_url(ISSUER, external=True))
    response.raise_for_status()
    metadata = response.json()
    # RFC 8414 §3.3: it must be the one that the URL was made from.
    assert metadata["issuer"] == ISSUER
    return metadata


@pytest.fixture
def token(client, metadata):
    """An access token with the client's default scope and audience."""
    response = requests.post(
        metadata["token_endpoint"],
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
    )
    response.raise_for_status()
    return response.json()["access_token"]


@pytest.fixture
def tampered_token(token):
    """The token with one more scope, and the signature that it had before."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["scope"] += " write"
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return f"{header}.{payload.decode()}.{signature}"


@pytest.fixture
def subject():
    """A user that nobody else is."""
    return f"user-{uuid.uuid4()}"


@pytest.fixture
def new_grant(subject):
    """Makes a grant as an operator does for a device: its id and its first refresh token."""

    def new_grant(client):
        granted = ["--client", client["client_id"], "--subject", subject]
        return tokensmith("grant", "create", *granted, "--scope", "read", "--scope", "write")

    return new_grant


def tokensmith(*options, data=None):
    """What the command says to these options, about the data of the issuer."""
    command = [os.environ["TOKENSMITH"], *options]
    command += json.loads(os.environ["TOKENSMITH_DATA_ARGUMENTS"])
    ran = subprocess.run(command, check=True, capture_output=True, input=data)
    return json.loads(ran.stdout)


# Where the clients of people want them back. Nobody answers there: the tests read the URL.
REDIRECT_URI = "https://client.example/callback"

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="session")
def user():
    """Somebody who can sign in."""
    name, password = f"user-{uuid.uuid4()}", "correct horse battery"
    about = ["--full-name", "Ada Lovelace", "--email", "ada@example.com"]
    created = tokensmith("user", "create", name, "--password-stdin", *about, data=password.encode())
    return created | {"password": password}


@pytest.fixture
def person(user):
    """The user, in a browser that has been nowhere."""
    return Person(user, ISSUER)


@pytest.fixture
def new_app():
    """Registers a client that people sign in with; `options` are those of the command."""

    def new_app(*options):
        created = ["client", "create", "--id", f"app-{uuid.uuid4()}", "--redirect-uri", REDIRECT_URI]
        for grant in ("authorization_code", "refresh_token", DEVICE_CODE):
            created += ["--grant", grant]
        for scope in ("openid", "profile", "email", "offline_access", "read"):
            created += ["--scope", scope]
        return tokensmith(*created, *options)

    return new_app


# What is known about everybody who is made here.
KNOWN = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "website": "https://example.com/ada",
    "birthdate": "1815-12-10",
    "locale": "en-GB",
    "email": "ada@example.com",
    "email_verified": True,
    "address": {"locality": "London", "country": "UK"},
    "phone_number": "+44 20 7946 0000",
    "phone_number_verified": False,
}


def new_user():
    """Somebody who can sign in, as the command shows them."""
    claims = [f"--claim={name}={json.dumps(value)}" for name, value in KNOWN.items()]
    return tokensmith("user", "create", f"ada-{uuid.uuid4()}", "--no-password", *claims)


def granted_token(client, subject, scopes):
    """An access token of a grant by `subject` to a public client."""
    granted = ["grant", "create", "--client", client, "--subject", subject]
    granted = tokensmith(*granted, *(f"--scope={scope}" for scope in scopes))
    form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"], "client_id": client}
    answer = requests.post(f"{ISSUER}/oauth2/token", data=form)
    answer.raise_for_status()
    return answer.json()["access_token"]


@pytest.fixture(params=["ES256", "RS256", "PS256", "ES384", "EdDSA"])
def key(request):
    """A key pair of a client's own."""
    return new_key(request.param)


def new_key(algorithm):
    parameters = {"kid": f"key-of-{algorithm}", "alg": algorithm, "use": "sig"}
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256", parameters)
        case "ES384":
            return ECKey.generate_key("P-384", parameters)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", parameters)
        case _:
            return RSAKey.generate_key(2048, parameters)


@pytest.fixture
def new_key_client():
    """Registers a client that signs with this key, and whose assertions name this audience."""

    def new_key_client(key, audience="issuer", *options):
        created = ["client", "create", "--id", f"signs-{uuid.uuid4()}", "--auth", "private_key_jwt"]
        created += ["--grant", "client_credentials", "--grant", "refresh_token"]
        created += ["--scope", "read", "--scope", "write", "--default-scope", "read"]
        created += ["--jwks", "-", "--assertion-audience", audience]
        key_set = KeySet([key]).as_dict(private=False)
        return tokensmith(*created, *options, data=json.dumps(key_set).encode())

    return new_key_client


@pytest.fixture
def introspect(metadata):
    """What a client is told of a token (RFC 7662): by default the resource server."""

    def introspect(token, caller=GRANT_CLIENTS["resource_server"]):
        credentials = (caller["client_id"], caller["client_secret"])
        endpoint = metadata["introspection_endpoint"]
        response = requests.post(endpoint, data={"token": token}, auth=credentials)
        response.raise_for_status()
        return response.json()

    return introspect
