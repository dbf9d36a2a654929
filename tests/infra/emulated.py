"""AWS as the tests have it: the emulator in a process of its own, on loopback, and who asks it."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import boto3
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

REGION = "us-east-1"
ROOT_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Emulator:
    """A running emulator, and its account as the root user sees it."""

    def __init__(self, port, log):
        self.url = f"http://127.0.0.1:{port}"
        self.log = log

    @property
    def environment(self):
        """What a command needs to work on it."""
        return {**os.environ, **ROOT_CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.url}

    def client(self, service, credentials=None):
        credentials = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": None}
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def api(self, api):
        """The URL of an API. Its host names are taken by the emulator's own Cognito."""
        return f"{self.url}/_aws/execute-api/{api}/$default"

    def credentials_of(self, function):
        """The credentials of a function's role. That the account may take it too is this test's change."""
        role = self.client("lambda").get_function_configuration(FunctionName=function)["Role"]
        trust = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}}'
        self.client("iam").update_assume_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyDocument=trust)
        return self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]


@contextmanager
def running_emulator(directory, root_certificate):
    """Starts the emulator, and stops it in the end. Its functions trust servers with `root_certificate`."""
    port = free_port()
    log = directory / "emulator.log"
    environment = {
        **os.environ,
        "AUTH": "true",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "SSL_CERT_FILE": str(root_certificate),
        # Everything else that it would listen on.
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with log.open("w") as output:
        command = [sys.executable, Path(__file__).with_name("emulator.py")]
        process = subprocess.Popen(command, env=environment, cwd=directory, stdout=output, stderr=output)
    try:
        emulator = Emulator(port, log)
        wait_until_it_answers(emulator.url)
        yield emulator
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_it_answers(url):
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(total=12, backoff_factor=0.1)))
        session.get(f"{url}/_ministack/health").raise_for_status()
