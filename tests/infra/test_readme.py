"""infra/README.md, followed to the letter from an empty account to a restored one: its shell blocks run in its order, in one shell."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emulated import running_emulator
from stack import ROOT

README = (ROOT / "infra" / "README.md").read_text()
BLOCK = re.compile(r"(?:<!-- not run: (?P<reason>[^>]+) -->\n)?```sh\n(?P<text>.*?)```", re.S)
HEADING = re.compile(r"^#{2,} (.+)$", re.M)
# More than it asks.
YES = b"y\n" * 40


def blocks():
    """Each block with its heading, and why it is not run if it is not."""
    for block in BLOCK.finditer(README):
        headings = HEADING.findall(README, 0, block.start())
        yield (headings[-1] if headings else "Deploy"), block["text"], block["reason"]


RUN = [(heading, text) for heading, text, reason in blocks() if reason is None]


@pytest.fixture(scope="module")
def account(tmp_path_factory, domain):
    """An empty account."""
    with running_emulator(tmp_path_factory.mktemp("empty"), domain.certificate) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """A directory with the commands that the page takes for granted."""
    directory = tmp_path_factory.mktemp("commands")
    for name, first in {"aws": "", "curl": shutil.which("curl")}.items():
        path, script = directory / name, Path(__file__).with_name(f"{name}_command.py")
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {script} {first} "$@"\n')
        path.chmod(0o755)
    (directory / "tokensmith").symlink_to(ROOT / "target" / "debug" / "tokensmith")
    return directory


@pytest.fixture(scope="module")
def followed(account, commands, code, tmp_path_factory):
    """What the blocks have printed, each below its heading."""
    here = tmp_path_factory.mktemp("here")
    (here / "infra").symlink_to(ROOT / "infra")
    script = ["set -euo pipefail"]
    for number, (_, text) in enumerate(RUN):
        script += [f"echo '=== block {number}' | tee /dev/stderr", text]
    # AWS_REGION is the page's own matter.
    environment = {name: value for name, value in account.environment.items() if name != "AWS_DEFAULT_REGION"}
    environment |= {"PATH": f"{commands}:{os.environ['PATH']}", "TOKENSMITH_CODE": str(code)}
    us, them = pty.openpty()
    os.write(us, YES)
    done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=here, env=environment, stdin=them, capture_output=True, text=True)
    os.close(us), os.close(them)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:] + account.log.read_text()[-3000:]
    outputs = re.split(r"=== block \d+\n", done.stdout)[1:]
    assert len(outputs) == len(RUN)
    return {heading: "".join(output for (of, _), output in zip(RUN, outputs) if of == heading) for heading, _ in RUN}


def test_every_block_runs_or_says_why_it_does_not():
    texts = re.findall(r"^```(\w*)", README, re.M)
    assert texts.count("sh") == len(list(blocks()))
    assert len(RUN) >= 8
    assert all(len(reason) > 20 for _, _, reason in blocks() if reason is not None)


def test_a_first_client_gets_a_token(followed):
    assert '"access_token"' in followed["A first client"]


def test_an_api_lets_the_token_in_until_it_is_revoked(followed):
    assert "HTTP/1.1 200" in followed["An API behind it"]


def test_after_a_restore_and_after_the_stack_was_deleted_the_client_still_gets_tokens(followed):
    assert '"withdrawn"' in followed["The data of an earlier moment"]
    deleted = followed["When the stack was deleted"]
    assert '"belonged_to"' in deleted and '"access_token"' in deleted


def test_what_is_left_in_the_end_is_the_data(followed, account):
    cloudformation = account.client("cloudformation")
    names = [stack["StackName"] for stack in cloudformation.list_stacks()["StackSummaries"] if stack["StackStatus"] != "DELETE_COMPLETE"]
    assert sorted(names) == ["tokensmith-2-data", "tokensmith-data"]
    assert "tokensmith-restored" in account.client("dynamodb").list_tables()["TableNames"]
