"""Two thousand requests, made by schemathesis of docs/openapi.yaml and made worse, with good credentials and with bad ones: whatever is
sent, the answer is one that the document describes, to the last header and member, and never 5xx."""

import json
import os
import re
import uuid
from collections import Counter
from functools import cached_property

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.auth import _basic_auth_str
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conftest import CLIENTS, GRANT_CLIENTS, ISSUER, granted_token, new_user, tokensmith
from openapi import closed, document, is_served

SCHEMA = schemathesis.openapi.from_dict(closed(document()))
DESCRIBED = [operation.ok() for operation in SCHEMA.get_all_operations()]
SERVED = [operation for operation in DESCRIBED if is_served(SCHEMA.raw_schema, operation.path)]

# What people's browsers ask. Forms cannot be made up: each belongs to a page.
PAGES = ["/oauth2/authorize", "/login", "/login/upstream", "/consent", "/device", "/account", "/oauth2/logout"]
OPERATIONS = {operation.label: operation for operation in SERVED if operation.path not in PAGES}
OPERATIONS_OF_PAGES = {operation.label: operation for operation in SERVED if operation.path in PAGES}

# How many requests each operation of a page gets.
CASES_OF_PAGES = 40

# How many requests each other operation gets, by its method.
CASES = {"POST": 250, "GET": 60, "HEAD": 30, "OPTIONS": 10}

# What must be answered at least once, so that a run that meets nothing but refusals fails. 405 and 429 have tests of
# their own, and 503 needs a dependency that fails.
REACHED = {
    "POST": {200, 400, 401},
    "GET": {200, 304},
    "HEAD": {200, 304},
    "OPTIONS": {204},
}
# Userinfo is no document that is cached, and it takes no client's authentication.
REACHED_AT = {
    "/oauth2/userinfo": {"POST": {200, 400, 401, 403}, "GET": {200, 400, 401, 403}, "OPTIONS": {204}},
    # No client of these cases is one that people are sent back to.
    "/oauth2/par": {"POST": {400, 401}},
}

USERINFO = "/oauth2/userinfo"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
API_KEY = "urn:tokensmith:params:oauth:token-type:api-key"

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# What every HTTP server may add to every answer (RFC 9110).
HEADERS_OF_HTTP = {"content-type", "content-length", "date", "connection", "transfer-encoding"}

# The gateway in front of the functions under test answers 500 to a header that is not text (docs/testing.md).
BEHIND_GATEWAY = "--table" in json.loads(os.environ["TOKENSMITH_DATA_ARGUMENTS"])

HEADER_TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40).map(str.strip)
HEADER_BYTES = HEADER_TEXT if BEHIND_GATEWAY else st.text(st.characters(min_codepoint=0x80, max_codepoint=0xFF), max_size=20)
HOSTILE_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": HEADER_TEXT | st.just("text/html"),
        "Accept-Encoding": st.sampled_from(["br", "gzip", "identity;q=0", "*;q=0"]),
        "Authorization": HEADER_TEXT
        | HEADER_BYTES
        | st.sampled_from(["Basic", "Basic ", "Basic Og==", "Basic !", "Bearer a.b.c", "Basic QQ==, Basic QQ==", "Digest username=a"]),
        "Content-Encoding": st.sampled_from(["gzip", "identity"]),
        "Content-Type": HEADER_TEXT
        | st.sampled_from([
            "application/json",
            "application/x-www-form-urlencoded; charset=latin1",
            "application/x-www-form-urlencoded, text/plain",
            "APPLICATION/X-WWW-FORM-URLENCODED",
            "multipart/form-data; boundary=a",
        ]),
        "DPoP": HEADER_TEXT,
        "Forwarded": HEADER_TEXT,
        "If-None-Match": HEADER_TEXT | HEADER_BYTES | st.just("*"),
        "Origin": HEADER_TEXT,
        "X-Amzn-Trace-Id": HEADER_TEXT,
        "X-Forwarded-For": HEADER_TEXT,
        "X-Http-Method-Override": st.just("DELETE"),
        "X-Request-Id": HEADER_TEXT,
    },
)

# Bodies that no correct client sends.
HOSTILE_BODIES = (
    st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | st.sampled_from([
        b"",
        b"&&&=&=",
        b"%",
        b"token=%zz",
        b"token=%00",
        b"token=%ff%fe",
        b"grant_type=client_credentials&grant_type=client_credentials",
        b'{"grant_type":"client_credentials"}',
        b"grant_type=client_credentials&" + b"x=1&" * 120,
        b"grant_type=client_credentials&scope=" + b"a" * 70_000,
        b"grant_type=client_credentials&scope=" + b"a+" * 2_000,
        b"grant_type=client_credentials&resource=https://a.example/%23b",
        b"grant_type=client_credentials&" + b"&".join(b"resource=https://a.example/%d" % n for n in range(90)),
        b"grant_type=refresh_token&refresh_token=tksmr_" + b"A" * 125,
        b"grant_type=authorization_code&code=tksma_" + b"A" * 125,
        b"grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=tksmd_" + b"A" * 49,
        b"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=e30.e30.e30",
        b"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=tksmk_0123456789abcdef_",
        b"token=" + b"a." * 4_000,
    ])
)
HOSTILE_QUERIES = st.text(max_size=40) | st.sampled_from(["client_secret=a", "since=1&since=1", "since=-1", "since=%ff", "%", "=&=&"])


@pytest.fixture(scope="module")
def tokens():
    """What the client has that refreshes: each good until a case uses it up."""
    return Tokens(GRANT_CLIENTS["confidential"])


class Tokens:
    """The access token, the refresh token and the API key that a client has."""

    def __init__(self, client):
        self.client = client
        self.made = None
        self.key = None

    def api_key(self):
        """A key of the client, which no case has revoked."""
        if self.key is None:
            created = ["--client", self.client["client_id"], "--name", "cases", "--scope", "read"]
            self.key = tokensmith("api-key", "create", *created, "--resource", self.client["audience"])["api_key"]
        return self.key

    def api_key_to_revoke(self):
        key, self.key = self.api_key(), None
        return key

    @cached_property
    def device_code(self):
        """Of a request that nobody answers."""
        credentials = (self.client["client_id"], self.client["client_secret"])
        answer = requests.post(f"{ISSUER}/oauth2/device_authorization", data={"scope": "read"}, auth=credentials)
        answer.raise_for_status()
        return answer.json()["device_code"]

    def access_token(self):
        return self.fresh()["access_token"]

    def refresh_token(self):
        return self.fresh()["refresh_token"]

    @cached_property
    def of_people(self):
        """Access tokens of a user with every scope and without `openid`, and of somebody who is no user."""
        created = ["client", "create", "--id", f"told-{uuid.uuid4()}", "--grant", "refresh_token", "--public"]
        scopes = ["openid", "profile", "email", "address", "phone"]
        client = tokensmith(*created, *(f"--scope={scope}" for scope in scopes))["client_id"]
        user = new_user()["subject"]
        nobody = f"user-{uuid.uuid4()}"
        return [granted_token(client, *granted) for granted in ((user, scopes), (user, ["email"]), (nobody, scopes))]

    def fresh(self):
        """Refreshes its grant; when a case has ended that, by revocation or by reuse, an operator makes a new one."""
        if self.made is not None:
            self.made = self.refreshed(self.made["refresh_token"])
        if self.made is None:
            granted = ["--client", self.client["client_id"], "--subject", f"user-{uuid.uuid4()}"]
            granted = tokensmith("grant", "create", *granted, "--scope", "read", "--scope", "write")
            self.made = self.refreshed(granted["refresh_token"])
        return self.made

    def refreshed(self, refresh_token):
        credentials = (self.client["client_id"], self.client["client_secret"])
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = requests.post(f"{ISSUER}/oauth2/refresh", data=form, auth=credentials)
        return answer.json() if answer.status_code == 200 else None


def authenticated(draw, client, form, headers):
    """Adds client authentication that is right, wrong or absent."""
    secret = draw(st.sampled_from([client["client_secret"]] * 4 + [CLIENTS[0]["client_secret"], "tksmc_wrong"]))
    match draw(st.sampled_from(["basic", "basic", "post", "as it is"])):
        case "basic":
            for name in ("client_id", "client_secret", "client_assertion", "client_assertion_type"):
                form.pop(name, None)
            headers["Authorization"] = _basic_auth_str(client["client_id"], secret)
        case "post":
            form.pop("client_assertion", None)
            form.pop("client_assertion_type", None)
            form.update(client_id=client["client_id"], client_secret=secret)


def improved(draw, path, tokens, form, headers):
    """Puts what the issuer has made in the place of what schemathesis has made up, so that cases succeed too."""
    if form.get("grant_type") == TOKEN_EXCHANGE:
        # The key is the only authentication.
        for name in ("client_id", "requested_token_type"):
            form.pop(name, None)
        form.update(subject_token=tokens.api_key(), subject_token_type=API_KEY)
    else:
        authenticated(draw, tokens.client, form, headers)
    if form.get("grant_type") == "refresh_token" or path == "/oauth2/refresh":
        if draw(st.sampled_from([True, True, True, False])):
            form["refresh_token"] = tokens.refresh_token()
    if form.get("grant_type") == DEVICE_CODE and draw(st.booleans()):
        form["device_code"] = tokens.device_code
    if path in ("/oauth2/revoke", "/oauth2/introspect"):
        key = tokens.api_key_to_revoke if path == "/oauth2/revoke" else tokens.api_key
        made = draw(st.sampled_from([None, tokens.access_token, tokens.refresh_token, key]))
        if made is not None:
            form["token"] = made()
    for name in ("scope", "resource", "audience"):
        match draw(st.sampled_from(["without", "good", "as it is"])):
            case "without":
                form.pop(name, None)
            case "good":
                form[name] = "read" if name == "scope" else tokens.client["audience"]


def borne(draw, operation, tokens, headers, sent):
    """Puts an access token that the issuer has made where a client sends it, or where it must not be."""
    token = draw(st.sampled_from([*tokens.of_people, tokens.access_token(), "a.b.c"]))
    where = draw(st.sampled_from(["header", "header", "form", "both", "query", "as it is", "hostile"]))
    if operation.method == "options" or where == "as it is":
        return
    if where in ("header", "both"):
        headers["Authorization"] = f"Bearer {token}"
    if where in ("form", "both"):
        headers.pop("Content-Type", None)
        sent["data"] = {"access_token": token}
    if where == "query":
        sent["params"] = {"access_token": token}
    if where == "hostile":
        sent["data"] = draw(HOSTILE_BODIES)


@st.composite
def requests_of(draw, operation, tokens):
    """A case, and what is sent for it."""
    good, bad = (operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    case = draw(good | bad)
    sent = case.as_transport_kwargs(base_url=ISSUER)
    headers = {**sent["headers"], **draw(st.just({}) | HOSTILE_HEADERS)}
    if operation.path == USERINFO:
        borne(draw, operation, tokens, headers, sent)
    elif operation.method == "post":
        match draw(st.sampled_from(["improved", "improved", "improved", "as it is", "hostile"])):
            case "improved" if isinstance(case.body, dict):
                form = {name: value for name, value in case.body.items() if value is not None}
                headers.pop("Authorization", None)
                headers.pop("Content-Type", None)
                improved(draw, operation.path, tokens, form, headers)
                sent["data"] = form
            case "hostile":
                sent["data"] = draw(HOSTILE_BODIES)
                headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    if draw(st.integers(0, 9)) == 0:
        sent["params"] = draw(HOSTILE_QUERIES)
    if operation.method in ("get", "head") and draw(st.booleans()):
        headers["If-None-Match"] = draw(st.sampled_from(["*", 'W/"a", *', '"a"', ""]))
    sent["headers"] = {name: sendable(value) for name, value in headers.items()}
    return case, sent


def sendable(value):
    """A header as the bytes that clients can send: without what ends a header."""
    return re.sub(r"[\r\n\0]", "", str(value)).strip().encode("latin-1", "replace")


def undescribed_headers(operation, answer):
    described = operation.responses.find_by_status_code(answer.status_code).headers
    known = HEADERS_OF_HTTP | {name.lower() for name, _ in described.items()}
    return {name.lower() for name in answer.headers} - known


def test_there_are_two_thousand_cases():
    assert sum(CASES[operation.method.upper()] for operation in OPERATIONS.values()) >= 2000


@pytest.mark.parametrize("label", list(OPERATIONS))
def test_whatever_is_sent_the_answer_is_described(label, tokens):
    operation = OPERATIONS[label]
    method = operation.method.upper()
    answered = Counter()
    session = requests.Session()

    @settings(
        max_examples=CASES[method],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_of(operation, tokens))
    def answers(request):
        case, sent = request
        answer = session.request(**sent, timeout=20, allow_redirects=False)
        answered[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        assert not undescribed_headers(operation, answer)

    answers()
    print(label, dict(answered))
    assert answered.total() >= CASES[method]
    reached = REACHED_AT.get(operation.path, REACHED)
    assert reached[method] <= set(answered)


@pytest.mark.parametrize("label", list(OPERATIONS_OF_PAGES))
def test_whatever_a_page_is_sent_it_answers_with_a_page(label, tokens):
    operation = OPERATIONS_OF_PAGES[label]
    session = requests.Session()

    @settings(
        max_examples=CASES_OF_PAGES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_of(operation, tokens))
    def answers(request):
        case, sent = request
        answer = session.request(**sent, timeout=20, allow_redirects=False)
        case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])
        assert answer.status_code == 303 or answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "frame-ancestors 'none'" in answer.headers.get("Content-Security-Policy", "") or answer.status_code == 303
        assert answer.headers["Cache-Control"] == "no-store"

    answers()


def other_methods():
    """Each path with each method that it does not have."""
    for label, operation in OPERATIONS.items():
        if operation.method in ("get", "post"):
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]:
                if method.lower() not in SCHEMA.raw_schema["paths"][operation.path]:
                    yield label, method


@pytest.mark.parametrize(("label", "method"), list(other_methods()))
def test_another_method_is_answered_as_described(label, method):
    operation = OPERATIONS[label]
    answer = requests.request(method, ISSUER + operation.path, allow_redirects=False)
    assert answer.status_code == 405
    # RFC 9110 §9.3.2: the answer to HEAD has no body.
    checks = [response_headers_conformance] if method == "HEAD" else CHECKS
    operation.Case(method=operation.method).validate_response(answer, checks=checks)
    assert not undescribed_headers(operation, answer)


def test_a_client_beyond_its_limit_is_answered_as_described():
    client = f"limited-{uuid.uuid4()}"
    created = tokensmith("client", "create", "--id", client, "--grant", "client_credentials", "--limit", "1/1d")
    operation = OPERATIONS["POST /oauth2/token"]
    answered = []
    # Two windows at most, because midnight may come in between.
    while answered.count(429) == 0 and len(answered) < 4:
        form = {"grant_type": "client_credentials"}
        answer = requests.post(f"{ISSUER}/oauth2/token", data=form, auth=(client, created["client_secret"]))
        operation.Case(method="POST").validate_response(answer, checks=CHECKS)
        assert not undescribed_headers(operation, answer)
        assert {"ratelimit", "ratelimit-policy"} <= {name.lower() for name in answer.headers}
        answered.append(answer.status_code)
    assert answered[0] == 200 and answered[-1] == 429
