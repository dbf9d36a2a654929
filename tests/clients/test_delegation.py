"""docs/delegation.md as it stands there: every block is run, one after the other, in one shell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from conftest import INACTIVE, ISSUER, tokensmith

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "delegation.md").read_text()
# What stands for the issuer on the page.
PAGES_ISSUER = "http://127.0.0.1:8080"
LAST = '\nprintf "%s\\n" "$first" "$second" "$third" "$orders" "$agent" > variables\n'


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What the page prints, and the tokens and secrets that it has made."""
    directory = tmp_path_factory.mktemp("page")
    data = " ".join(f"'{argument}'" for argument in json.loads(os.environ["TOKENSMITH_DATA_ARGUMENTS"]))
    commands = {
        "tokensmith": f'exec "{os.environ["TOKENSMITH"]}" "$@" {data}',
        "jq": f'exec "{sys.executable}" "{ROOT}/tests/clients/jq_command.py" "$@"',
    }
    for name, script in commands.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
    script = "\n".join(blocks).replace(PAGES_ISSUER, ISSUER) + LAST
    environment = {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"}
    bash = ["bash", "-e", "-u", "-o", "pipefail", "-c", script]
    done = subprocess.run(bash, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    names = ("first", "second", "third", "orders", "agent")
    return done.stdout, dict(zip(names, (directory / "variables").read_text().split(), strict=True))


def test_rfc8693_4_1_the_tokens_say_what_the_page_says(ran):
    _, made = ran
    rows = re.findall(r"^\| `\$(\w+)` \| `(.*?)` \| `(.*?)` \| `(.*?)` \| (?:`(.*?)` )?\|$", PAGE, re.M)
    assert [row[0] for row in rows] == ["first", "second", "third"]
    for name, sub, aud, scope, act in rows:
        claims = jwt.decode(made[name], options={"verify_signature": False})
        assert (claims["sub"], claims["aud"], claims["scope"]) == (sub, aud, scope)
        assert claims.get("act") == (json.loads(act) if act else None)


def test_the_chain_is_drawn_as_on_the_page(ran):
    printed, _ = ran
    drawn = re.findall(r"chain\.drawn +# (.*)$", PAGE, re.M)
    assert len(drawn) == 2
    assert [line for line in printed.splitlines() if "→" in line] == drawn


def test_every_token_of_the_chain_is_dead(ran, introspect):
    _, made = ran
    assert introspect(made["third"], {"client_id": "restock-agent", "client_secret": made["agent"]}) == INACTIVE
    assert introspect(made["second"], {"client_id": "orders-api", "client_secret": made["orders"]}) == INACTIVE
    assert tokensmith("inspect", made["first"])["active"] is False
