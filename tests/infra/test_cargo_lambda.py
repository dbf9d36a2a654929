"""What Cargo.toml tells cargo-lambda: the router of `watch`, the zips of `build`, the settings of `deploy`."""

import json
import os
import re
import subprocess
import tomllib

import pytest

from stack import PATHS, ROOT

CRATES = sorted(path.parent for path in (ROOT / "functions").glob("*/Cargo.toml"))
WORKSPACE = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["metadata"]["lambda"]


def test_watch_leads_every_path_to_the_function_that_serves_it():
    mains = {f"tokensmith-{crate.name}": (crate / "src/main.rs").read_text() for crate in CRATES}
    serving = {
        path: [name for name, main in mains.items() if re.search(rf"\b{endpoint}\(\)", main)]
        for endpoint, path in PATHS.items()
    }
    assert {path: [name] for path, name in WORKSPACE["watch"]["router"].items()} == serving


def test_build_makes_a_zip_of_every_function_and_of_nothing_else():
    assert sorted(WORKSPACE["build"]["bin"]) == [f"tokensmith-{crate.name}" for crate in CRATES]
    assert WORKSPACE["build"]["output_format"] == "zip"


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
