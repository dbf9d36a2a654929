import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from domain import own_domain
from emulated import running_emulator
from stack import EXAMPLE, ROOT, Template

# What translates and lints never calls AWS, and wants a Region all the same.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="session")
def template():
    return Template()


@pytest.fixture(scope="session")
def domain(tmp_path_factory):
    with own_domain(tmp_path_factory.mktemp("domain")) as domain:
        yield domain


@pytest.fixture(scope="session")
def emulator(tmp_path_factory, domain):
    with running_emulator(tmp_path_factory.mktemp("emulator"), domain.certificate) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def code(tmp_path_factory):
    """The functions' zips: those in TOKENSMITH_CODE, or else of the development build, which is there already. A release
    build would take longer than all the tests."""
    if "TOKENSMITH_CODE" in os.environ:
        return Path(os.environ["TOKENSMITH_CODE"])
    code = tmp_path_factory.mktemp("code")
    for source in (*(ROOT / "functions").iterdir(), ROOT / "infra" / "example"):
        name = f"tokensmith-{source.name}"
        (code / name).mkdir()
        with zipfile.ZipFile(code / name / "bootstrap.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            zipped.write(ROOT / "target" / "debug" / name, "bootstrap")
    return code


@pytest.fixture(scope="session")
def deploy(emulator, code):
    """`infra/deploy`, as a newcomer runs it; returns what it prints on stdout."""

    def deploy(*arguments):
        command = [ROOT / "infra" / "deploy", "--code", code, *arguments]
        done = subprocess.run(command, env=emulator.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + emulator.log.read_text()[-3000:]
        return json.loads(done.stdout)

    return deploy


@pytest.fixture(scope="session")
def stack(deploy, emulator, domain):
    """The outputs of the stack, made from nothing, with a domain that its verifiers reach."""
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/localhost"
    outputs = deploy("CacheTtl=0s", f"DomainName={domain.name}", f"CertificateArn={certificate}")
    domain.api = emulator.api(outputs["Api"])
    return outputs


@pytest.fixture(scope="session")
def example(deploy, stack):
    """The outputs of the example API's stack."""
    return deploy("--template", EXAMPLE, "--of", "tokensmith", "FeedInterval=1s")


@pytest.fixture(scope="session")
def stack_in_kms(deploy, stack):
    """The outputs of a second stack, which signs in KMS."""
    return deploy("--stack", "in-kms", "Custody=kms", "CacheTtl=0s")


@pytest.fixture(scope="session")
def tokensmith(emulator):
    """The `tokensmith` command on a stack's table."""

    def tokensmith(stack, *arguments):
        own = {variable: stack[output] for variable, output in OUTPUTS.items()}
        command = [ROOT / "target" / "debug" / "tokensmith", *arguments, "--table", stack["Table"]]
        done = subprocess.run(command, env={**emulator.environment, **own}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return tokensmith


# What tells the command the same as the functions.
OUTPUTS = {"TOKENSMITH_ISSUER": "Issuer", "TOKENSMITH_CUSTODY": "Custody", "TOKENSMITH_KMS_KEY": "WrappingKey"}
