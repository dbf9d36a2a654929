"""What the tests of docs/federation.md share: the page's blocks and how they are run, platforms that sign tokens, and what stands in
for AWS, GitHub and an API."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import botocore.session
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from conftest import ISSUER

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "federation.md").read_text()
# What stands for the issuer and for the API on the page.
PAGES_ISSUER, PAGES_API = "https://auth.example", "https://api.example"


def blocks(heading, language):
    """The blocks in this language below a heading, up to the next heading."""
    (text,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def tokensmith(*arguments):
    """What the command prints."""
    command = [os.environ["TOKENSMITH"], *arguments, *json.loads(os.environ["TOKENSMITH_DATA_ARGUMENTS"])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class Platform:
    """An issuer of a platform: an `iss`, and keys by which it signs."""

    def __init__(self, url):
        self.url = url
        self.keys = {
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES384": ec.generate_private_key(ec.SECP384R1()),
        }

    def jwks(self):
        publics = {alg: jwt.get_algorithm_by_name(alg).to_jwk(key.public_key(), as_dict=True) for alg, key in self.keys.items()}
        return {"keys": [{**public, "kid": alg, "alg": alg, "use": "sig"} for alg, public in publics.items()]}

    def sign(self, claims, alg="RS256", lifetime=300):
        now = int(time.time())
        claims = {"iss": self.url, "iat": now, "nbf": now, "exp": now + lifetime, **claims}
        return jwt.encode(claims, self.keys[alg], alg, {"kid": alg})

    def register(self, directory):
        """Makes it a source whose keys are in a file, because nobody is at its URL here."""
        file = directory / "platform.json"
        file.write_text(json.dumps(self.jwks()))
        for source in tokensmith("federation", "source", "list"):
            if source["source_issuer"] == self.url:
                return tokensmith("federation", "source", "update", source["source"], "--jwks", str(file))
        name = f"platform-{uuid.uuid4()}"
        return tokensmith("federation", "source", "create", name, "--issuer", self.url, "--jwks", str(file))


@contextmanager
def served(answer, headers=()):
    """A server on loopback: `answer` gets a request's method, target, headers and body, and returns a status and a text. Every response
    has these headers."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, text = answer(self.command, self.path, self.headers, body.decode())
            self.send_response(status)
            for name, value in {**dict(headers), "Content-Length": len(text.encode())}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = handle_one

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Api:
    """An API behind the issuer, which tells its callers who they are."""

    def __init__(self):
        self.keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")
        self.url = None

    def answer(self, method, target, headers, body):
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            key = self.keys.get_signing_key_from_jwt(token).key
            claims = jwt.decode(token, key, ["RS256", "PS256", "ES256", "EdDSA"], audience=f"{self.url}/", issuer=ISSUER)
        except jwt.PyJWTError as refused:
            return 401, str(refused)
        return 200, f"the invoices of {claims['sub']}"


class Aws:
    """As much of AWS as the page asks: STS, which refuses what the model of the operation does not allow and signs for the role whose
    credentials it is shown; IAM and EKS, which say what the issuers are called."""

    def __init__(self, sts, eks=None):
        self.sts, self.eks = sts, eks
        self.model = botocore.session.get_session().get_service_model("sts").operation_model("GetWebIdentityToken")
        self.roles = {}
        self.asked = []

    def credentials(self, role_arn):
        """The environment of a workload that has this role."""
        access_key = f"AKID{uuid.uuid4().hex[:16].upper()}"
        self.roles[access_key] = role_arn
        return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_SESSION_TOKEN": "made-up"}

    def answer(self, method, target, headers, body):
        if target.startswith("/clusters/"):
            return 200, json.dumps({"cluster": {"identity": {"oidc": {"issuer": self.eks.url}}}})
        form = {name: values[0] for name, values in parse_qs(body).items()}
        match form.pop("Action"):
            case "EnableOutboundWebIdentityFederation":
                return 200, result("EnableOutboundWebIdentityFederation", IssuerIdentifier=self.sts.url)
            case "GetWebIdentityToken":
                return self.web_identity_token(form, headers["Authorization"])
        return 400, "<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>"

    def web_identity_token(self, form, authorization):
        assert form.pop("Version") == self.model.service_model.api_version
        audiences = [form.pop(name) for name in sorted(form) if re.fullmatch(r"Audience\.member\.\d+", name)]
        members = self.model.input_shape.members
        assert self.model.input_shape.required_members == ["Audience", "SigningAlgorithm"] and audiences
        limits = members["DurationSeconds"].metadata
        lifetime, alg = int(form.pop("DurationSeconds", 300)), form.pop("SigningAlgorithm")
        assert len(audiences) <= members["Audience"].metadata["max"] and limits["min"] <= lifetime <= limits["max"]
        assert alg in ("RS256", "ES384") and alg in members["SigningAlgorithm"].documentation
        assert not form, f"the operation does not take {form}"
        self.asked.append((audiences, alg, lifetime))
        role = self.roles[re.search(r"Credential=(\w+)/", authorization)[1]]
        claims = {**about_role(role), "aud": audiences[0] if len(audiences) == 1 else audiences}
        token = self.sts.sign(claims, alg, lifetime)
        return 200, result("GetWebIdentityToken", WebIdentityToken=token, Expiration="2099-01-01T00:00:00Z")


def result(operation, **members):
    """An answer in the query protocol."""
    members = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return f"<{operation}Response><{operation}Result>{members}</{operation}Result></{operation}Response>"


def about_role(arn):
    """What STS says of a role, beside who asked and when."""
    account = arn.split(":")[4]
    platform = {"aws_account": account, "source_region": "eu-central-1", "org_id": "o-1234567890", "principal_id": arn}
    return {"sub": arn, "jti": str(uuid.uuid4()), "https://sts.amazonaws.com/": platform}


class Shell:
    """Runs blocks of the page as they stand there, but for the hosts of issuer and API, and the names of clients, which get a suffix."""

    def __init__(self, directory, api_url, aws_url=None, platform=None):
        self.directory = directory
        self.suffix = f"-{uuid.uuid4()}"
        self.rules = []
        self.hosts = {PAGES_ISSUER: ISSUER, PAGES_API: api_url}
        self.commands = directory / "commands"
        self.commands.mkdir()
        self.environment = {**os.environ, "PATH": f"{self.commands}:{os.environ['PATH']}", "AWS_REGION": "eu-central-1"}
        if aws_url:
            # The operator's. A workload's are added where it runs.
            self.environment |= {"AWS_ENDPOINT_URL": aws_url, "AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "made-up"}
        data = " ".join(f"'{argument}'" for argument in json.loads(os.environ["TOKENSMITH_DATA_ARGUMENTS"]))
        self.command("tokensmith", f'exec "{os.environ["TOKENSMITH"]}" "$@" {data}')
        # `tokensmith` asks the STS of the account who the operator is. That is another one than the workload's.
        self.command("aws", f'unset AWS_ENDPOINT_URL_STS\nexec "{sys.executable}" "{ROOT}/tests/infra/aws_command.py" "$@"')
        self.command("jq", f'exec "{sys.executable}" "{ROOT}/tests/clients/jq_command.py" "$@"')
        if platform:
            self.kubernetes(platform)

    def command(self, name, script):
        path = self.commands / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def kubernetes(self, platform):
        """The command `kubectl`, which shows what everybody in a cluster may see of its issuer."""
        shown = {"openid-configuration": {"issuer": platform.url}, "jwks": platform.jwks()}
        for name, document in shown.items():
            (self.directory / name).write_text(json.dumps(document))
        self.command("kubectl", f'[ "$1 $2" = "get --raw" ] && exec cat "{self.directory}/$(basename "$3")"')

    def adapted(self, text):
        for host, real in self.hosts.items():
            text = text.replace(host, real)
        for name in re.findall(r"--id (\S+)", PAGE):
            text = re.sub(rf"(?<!\S){name}(?!\S)", name + self.suffix, text)
        return text

    def run(self, text, **environment):
        command = ["bash", "-e", "-c", self.adapted(text)]
        environment = {**self.environment, **environment}
        return subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True)

    def client_of(self, text):
        """Runs a block that makes a client, and a rule with the same name. Returns that."""
        done = self.run(text)
        assert done.returncode == 0, done.stdout + done.stderr
        self.rules.append(re.search(r"federation create (\S+) --client \1 ", text)[1] + self.suffix)
        await_rule()
        return self.rules[-1]

    def delete_rules(self):
        for rule in self.rules:
            tokensmith("federation", "delete", rule, "--yes")


def await_rule():
    """Waits until functions see a rule that was made just now: they look again where a token would be refused, once in a second."""
    made = int(time.time())
    while int(time.time()) == made:
        time.sleep(0.05)


def query_of(target):
    """The parameters of a request's query."""
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
