"""The services that docs/resource-servers.md offers to paste, as they stand there: each is started, and sent tokens of the issuer and
of one that says what this one never would.
"""

import base64
import json
import os
import re
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import ISSUER

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "resource-servers.md").read_text()
EXAMPLE = ROOT / "shared" / "verifier" / "examples" / "resource_server.rs"
NODE_VERIFIER = ROOT / "shared" / "verifier-node"
PYTHON_VERIFIER = ROOT / "shared" / "verifier-python"
# It has the frameworks that the package fits.
PYTHON = PYTHON_VERIFIER / ".venv" / "bin" / "python"
AUDIENCE, OTHER_AUDIENCE = "https://api.example/", "https://other.example/"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
LANGUAGES = ["rust", "js", "python"]


def pasted(language, page=PAGE):
    """The page's only block in this language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)
    return block


def command(language, directory):
    """What starts the service, after it was pasted into `directory`."""
    match language:
        case "rust":
            # Cargo builds it as an example, along with the tests: target/PROFILE has it beside the command.
            built = Path(os.environ["TOKENSMITH"]).parent / "examples" / "resource_server"
            assert built.is_file(), "run `cargo build -p tokensmith-verifier --example resource_server` first"
            return [built]
        case "js":
            modules = directory / "node_modules"
            (modules / "@tokensmith").mkdir(parents=True)
            (modules / "@tokensmith" / "verifier").symlink_to(NODE_VERIFIER)
            (modules / "express").symlink_to(Path(__file__).parent / "node_modules" / "express")
            assert (NODE_VERIFIER / "dist").is_dir(), "run `npm run build` in shared/verifier-node first"
            (directory / "service.mjs").write_text(pasted("js"))
            return ["node", "service.mjs"]
        case "python":
            (directory / "service.py").write_text(pasted("python"))
            return [PYTHON, "service.py"]


class Service:
    """A running service. It says its address when it is ready."""

    def __init__(self, language, directory, issuer):
        directory.mkdir()
        environment = {**os.environ, "ISSUER": issuer, "AUDIENCE": AUDIENCE, "PORT": "0", "PYTHONPATH": str(PYTHON_VERIFIER / "src")}
        with (directory / "log").open("w") as log:
            self.process = subprocess.Popen(
                command(language, directory), cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), (directory / "log").read_text()

    def asked_with(self, token=None):
        return requests.get(self.url, headers={"Authorization": f"Bearer {token}"} if token else {})

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module", params=LANGUAGES)
def service(request, tmp_path_factory):
    service = Service(request.param, tmp_path_factory.mktemp("pasted") / "service", ISSUER)
    yield service
    service.stop()


@pytest.fixture(scope="module", params=ALGORITHMS)
def invoices_client(request):
    """A client as the README registers it, with one more scope and audience."""
    created = [os.environ["TOKENSMITH"], "client", "create", *json.loads(os.environ["TOKENSMITH_DATA_ARGUMENTS"])]
    created += ["--id", f"billing-{uuid.uuid4()}", "--alg", request.param, "--default-scope=invoices:read"]
    created += ["--scope=invoices:read", "--scope=invoices:write", f"--audience={AUDIENCE}", f"--audience={OTHER_AUDIENCE}"]
    return json.loads(subprocess.run(created, check=True, capture_output=True).stdout)


@pytest.fixture
def new_token(invoices_client, metadata):
    def new_token(**asked):
        form = {"grant_type": "client_credentials", **asked}
        credentials = (invoices_client["client_id"], invoices_client["client_secret"])
        response = requests.post(metadata["token_endpoint"], data=form, auth=credentials)
        response.raise_for_status()
        return response.json()["access_token"]

    return new_token


def tampered(token):
    """The token of another subject, with the signature that it had before."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    payload = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "somebody-else"}).encode()).rstrip(b"=")
    return f"{header}.{payload.decode()}.{signature}"


def refusal(response):
    """The status, and the error of the challenge if it names one (RFC 6750 §3)."""
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.partition(" ")[0] == "Bearer", challenge
    error = re.search(r'\berror="(\w+)"', challenge)
    return response.status_code, error and error[1]


def test_page_and_readme_show_the_example_that_is_compiled():
    readme = (ROOT / "README.md").read_text()
    assert pasted("rust") == pasted("rust", readme) == EXAMPLE.read_text()


def test_page_and_package_show_the_same_service_for_node():
    assert pasted("js") in (NODE_VERIFIER / "README.md").read_text()


def test_a_token_with_the_scope_gets_in(service, invoices_client, new_token):
    answer = service.asked_with(new_token())
    assert (answer.status_code, answer.text) == (200, f"the invoices of {invoices_client['client_id']}\n")


def test_rfc6750_3_without_a_token_there_is_a_challenge_without_an_error(service):
    assert refusal(service.asked_with()) == (401, None)


def test_rfc9068_4_a_tampered_token_is_refused(service, new_token):
    assert refusal(service.asked_with(tampered(new_token()))) == (401, "invalid_token")


def test_rfc9068_4_a_token_for_another_audience_is_refused(service, new_token):
    assert refusal(service.asked_with(new_token(resource=OTHER_AUDIENCE))) == (401, "invalid_token")


def test_rfc6750_3_1_a_token_without_the_scope_is_not_allowed(service, new_token):
    assert refusal(service.asked_with(new_token(scope="invoices:write"))) == (403, "insufficient_scope")


class OtherIssuer:
    """An issuer in this process, which signs whatever it is told."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key())), "kid": "k", "alg": "ES256", "use": "sig"}
        self.answers = {"/.well-known/jwks.json": ("application/json", lambda: json.dumps({"keys": [public]}))}
        self.answers["/oauth2/revocations"] = ("application/jwt", self.empty_feed)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever).start()

    def handler(self):
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                kind, body = answers[self.path.partition("?")[0]]
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body().encode())

            def log_message(self, *_):
                pass

        return Handler

    def signed(self, claims, typ):
        return jwt.encode(claims, self.key, "ES256", {"kid": "k", "typ": typ})

    def empty_feed(self):
        now = int(time.time())
        claims = {"iss": self.url, "iat": now, "exp": now + 60, "from": 0, "until": now, "more": False, "entries": []}
        return self.signed(claims, "tokensmith-revocations+jwt")

    def token(self, typ="at+jwt", **changed):
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "x", "client_id": "x", "jti": "j", "iat": now, "exp": now + 300}
        return self.signed({**claims, "scope": "invoices:read", **changed}, typ)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def other_issuer():
    issuer = OtherIssuer()
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module", params=LANGUAGES)
def service_of_it(request, other_issuer, tmp_path_factory):
    service = Service(request.param, tmp_path_factory.mktemp("pasted") / "service", other_issuer.url)
    yield service
    service.stop()


# More than the clocks may differ.
LONG_AGO = 1_000_000_000


@pytest.mark.parametrize(
    "changed",
    [{"exp": LONG_AGO, "iat": LONG_AGO - 300}, {"iss": "https://other-issuer.example"}, {"typ": "JWT"}, {"typ": "tokensmith-revocations+jwt"}],
    ids=["expired", "another issuer's", "no access token", "a document of the feed"],
)
def test_rfc9068_4_what_a_trusted_key_signs_is_not_enough(service_of_it, other_issuer, changed):
    assert service_of_it.asked_with(other_issuer.token()).status_code == 200
    assert refusal(service_of_it.asked_with(other_issuer.token(**changed))) == (401, "invalid_token")
