"""What somebody gets who installs the package: the wheel in an environment of its own, and the README's services as they stand there."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from pathlib import Path

import httpx
import pytest
from served import ServedIssuer

HERE = Path(__file__).resolve().parents[1]
README = (HERE / "README.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    directory = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory]
    subprocess.run(build, cwd=HERE, check=True, capture_output=True)
    (built,) = directory.iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An interpreter with the wheel, and with what the tests have installed for the rest."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    interpreter = home / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return interpreter


@pytest.fixture(scope="module")
def issuer():
    issuer = ServedIssuer(audience="https://api.example/")
    yield issuer
    issuer.close()


def pasted(wanted):
    """The README's only block of Python with this in it."""
    (block,) = [block for block in re.findall(r"^```python\n(.*?)^```", README, re.M | re.S) if wanted in block]
    return block


def clean(environment):
    """Without what would let the sources in."""
    return {name: value for name, value in {**os.environ, **environment}.items() if name != "PYTHONPATH"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asked(url, token=None):
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"} if token else {}, trust_env=False)


def until_answered(url, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            return asked(url)
        except httpx.ConnectError:
            assert process.poll() is None and time.monotonic() < deadline, "the service does not answer"
            time.sleep(0.05)


def test_the_service_of_the_readme_runs_with_the_wheel(python, issuer, tmp_path):
    (tmp_path / "service.py").write_text(pasted("FastAPI"))
    port = free_port()
    environment = {"ISSUER": issuer.url, "AUDIENCE": issuer.audience, "PORT": str(port)}
    service = subprocess.Popen([python, "service.py"], cwd=tmp_path, env=clean(environment), stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/invoices"
        refused = until_answered(url, service)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, f'Bearer realm="{issuer.audience}"')
        token = issuer.token(scope="invoices:read", jti="t")
        answer = asked(url, token)
        assert (answer.status_code, answer.text) == (200, "the invoices of alice\n")
        assert asked(url, issuer.token(scope="other")).status_code == 403
    finally:
        service.terminate()
        service.wait()


def test_the_function_of_the_readme_answers(issuer, tmp_path, monkeypatch):
    monkeypatch.setenv("ISSUER", issuer.url)
    monkeypatch.setenv("AUDIENCE", issuer.audience)
    (tmp_path / "function.py").write_text(pasted("lambda_handler"))
    spec = importlib.util.spec_from_file_location("function", tmp_path / "function.py")
    function = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(function)
    event = {"rawPath": "/invoices", "requestContext": {"http": {"method": "GET"}}, "headers": {}}
    assert function.handler(event, None)["statusCode"] == 401
    event["headers"]["authorization"] = f"Bearer {issuer.token(scope='invoices:read')}"
    assert function.handler(event, None) == {"statusCode": 200, "body": "the invoices of alice\n"}
    function.verifier.close()


def test_the_readmes_test_passes():
    exec(compile(pasted("TestIssuer"), "README.md", "exec"), {})


def test_the_wheel_has_its_types_and_licences_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "tokensmith_verifier/py.typed" in names
    assert sum("LICENSE" in name for name in names) == 2
    assert not any("test_" in name for name in names)


def test_the_version_is_that_of_the_workspace():
    (version,) = re.findall(r'^version = "(.*)"$', (HERE / "pyproject.toml").read_text(), re.M)
    workspace = (HERE.parents[1] / "Cargo.toml").read_text()
    assert f'version = "{version}"' in workspace.partition("[workspace.package]")[2].partition("\n[")[0]
