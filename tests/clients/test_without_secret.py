"""The Lambda functions of docs/federation.md as they stand there, in three languages: they get a token from STS, or what stands in for it,
exchange it, and call an API. None of them has a secret of the issuer."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from conftest import ISSUER
from federation import ROOT, Api, Aws, Platform, Shell, blocks, served, tokensmith

ROLE = "arn:aws:iam::123456789012:role/orders"
EXAMPLE = ROOT / "infra" / "example" / "examples" / "without_secret.rs"
LANGUAGES = ["python", "js", "rust"]

# Calls the function twice in one environment, and prints what it answers or how it fails.
RUNNERS = {
    "python": """
import json, function
for _ in range(2):
    try:
        print(json.dumps(function.handler({}, None)), flush=True)
    except Exception as error:
        print(json.dumps({"failed": str(error)}), flush=True)
""",
    "js": """
import { handler } from "./function.mjs";
for (let call = 0; call < 2; call++) {
  console.log(JSON.stringify(await handler().catch((error) => ({ failed: error.message }))));
}
""",
}


def pasted(language):
    (block,) = blocks("A Lambda function", language)
    return block


def called_twice(language, directory, environment):
    """What two invocations of a function answer."""
    match language:
        case "python":
            (directory / "function.py").write_text(pasted(language))
            command = [sys.executable, "-c", RUNNERS[language]]
        case "js":
            (directory / "node_modules").symlink_to(ROOT / "tests" / "clients" / "node_modules")
            (directory / "function.mjs").write_text(pasted(language))
            (directory / "runner.mjs").write_text(RUNNERS[language])
            command = ["node", "runner.mjs"]
        case "rust":
            return called_by_lambda(environment)
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def called_by_lambda(environment):
    """The same for a binary: it asks Lambda's runtime API for an event and posts what came of it."""
    built = Path(os.environ["TOKENSMITH"]).parent / "examples" / "without_secret"
    assert built.is_file(), "run `cargo build -p tokensmith-example --example without_secret` first"
    outcomes, handed_out, ended = queue.Queue(), [], threading.Event()

    def answer(method, target, headers, body):
        if method == "POST":
            outcome = json.loads(body)
            outcomes.put({"failed": outcome["errorMessage"]} if target.endswith("/error") else outcome)
            return 202, ""
        handed_out.append(target)
        if len(handed_out) > 2:
            # There is no third event: the function waits for it until it is stopped.
            ended.wait()
            return 410, ""
        return 200, "{}"

    headers = {
        "Lambda-Runtime-Aws-Request-Id": "an-id",
        "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:orders",
    }
    with served(answer, headers) as url:
        of_lambda = {"AWS_LAMBDA_RUNTIME_API": url.removeprefix("http://"), "AWS_LAMBDA_FUNCTION_NAME": "orders"}
        of_lambda |= {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_FUNCTION_VERSION": "1"}
        process = subprocess.Popen([built], env={**environment, **of_lambda}, stderr=subprocess.DEVNULL)
        try:
            return [outcomes.get(timeout=60) for _ in range(2)]
        finally:
            process.kill()
            process.wait()
            ended.set()


class Account:
    """An account of AWS whose role `orders` has a client and a rule, as the page makes them, and an API that the function calls."""

    def __init__(self, directory, stack):
        self.directory = directory
        self.api = Api()
        self.api.url = stack.enter_context(served(self.api.answer))
        self.aws = Aws(Platform(f"https://{uuid.uuid4()}.tokens.sts.global.api.aws"))
        self.aws.sts.register(directory)
        self.aws_url = stack.enter_context(served(self.aws.answer))
        shell = Shell(directory, self.api.url, self.aws_url)
        self.client = shell.client_of(blocks("AWS", "sh")[0])
        stack.callback(shell.delete_rules)

    def call(self, language, role=ROLE, sts=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TOKENSMITH_", "AWS_"))}
        environment |= {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL_STS": sts or self.aws_url}
        environment |= {"TOKENSMITH_ISSUER": ISSUER, "API_URL": f"{self.api.url}/invoices"} | self.aws.credentials(role)
        return called_twice(language, self.directory, environment)


@pytest.fixture
def account(tmp_path):
    with ExitStack() as stack:
        yield Account(tmp_path, stack)


def test_the_page_shows_the_example_that_is_compiled():
    assert pasted("rust") == EXAMPLE.read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_invocations_make_one_exchange(language, account):
    assert account.call(language) == [{"invoices": f"the invoices of {account.client}"}] * 2
    assert account.aws.asked == [([ISSUER], "ES384", 300)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_token_that_expires_within_a_minute_is_not_used_again(language, account):
    tokensmith("client", "update", account.client, "--access-ttl", "60s")
    assert account.call(language) == [{"invoices": f"the invoices of {account.client}"}] * 2
    assert len(account.aws.asked) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_role_without_a_rule_is_told_what_the_issuer_said(language, account):
    for answer in account.call(language, f"{ROLE}-admin"):
        assert f"{ISSUER}/oauth2/token: 401" in answer["failed"] and '"invalid_client"' in answer["failed"], answer
        assert "eyJ" not in answer["failed"]
    # What is refused is not kept.
    assert len(account.aws.asked) == 2


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """An emulated AWS. Its STS takes the request as AWS does, but signs with a secret of its own, about the root user."""
    directory, port = tmp_path_factory.mktemp("emulator"), free_port()
    environment = {**os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    with (directory / "log").open("w") as log:
        command = [Path(sys.executable).with_name("ministack")]
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        with requests.Session() as session:
            # It does not listen at once.
            session.mount(url, HTTPAdapter(max_retries=Retry(total=12, backoff_factor=0.1)))
            assert session.get(f"{url}/_ministack/health").ok, (directory / "log").read_text()
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_emulators_sts_takes_the_request_and_the_issuer_refuses_its_signature(language, account, emulator):
    for answer in account.call(language, sts=emulator):
        assert f"{ISSUER}/oauth2/token: 401" in answer["failed"], answer
