"""`cargo lambda deploy` takes each function, with the settings of its crate."""

import json
import os
import subprocess
import tomllib

import pytest

from stack import ROOT

CRATES = sorted(path.parent for path in (ROOT / "functions").glob("*/Cargo.toml"))


@pytest.mark.parametrize("crate", CRATES, ids=lambda crate: crate.name)
def test_a_function_is_deployed_with_the_settings_of_its_crate(code, crate):
    name = f"tokensmith-{crate.name}"
    command = [ROOT / "tests" / ".venv" / "bin" / "cargo-lambda", "lambda", "deploy"]
    command += ["--dry", "--output-format", "json", "--lambda-dir", code, name]
    nobody = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **nobody}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # It says how far it has come before.
    planned = json.loads(done.stdout[done.stdout.index("{") :])
    asked = tomllib.loads((crate / "Cargo.toml").read_text())["package"]["metadata"]["lambda"]["deploy"]
    assert planned["name"] == name and planned["files"] == ["bootstrap"]
    assert planned["config"]["memory"] == asked["memory"]
    assert planned["config"]["timeout"] == asked["timeout"]
    assert planned["config"]["tracing"].lower() == asked["tracing"]
    assert planned["tags"] == "service=tokensmith" and asked["tags"] == {"service": "tokensmith"}
