"""Linters that know AWS's schemas and what security reviews ask for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack import ROOT

INFRA = ROOT / "infra"
TEMPLATES = sorted(INFRA.glob("*.yaml"))
TEMPLATES.remove(INFRA / "checkov.yaml")
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_has_no_objection(path):
    lint = subprocess.run([BIN / "cfn-lint", path], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_checkov_has_no_objection(path):
    command = [BIN / "checkov", "--config-file", INFRA / "checkov.yaml", "--file", path]
    check = subprocess.run(command, capture_output=True, text=True)
    assert check.returncode == 0, check.stdout
    assert re.search(r"Passed checks: [1-9]\d*, Failed checks: 0", check.stdout), check.stdout + check.stderr


def test_each_rule_that_is_not_followed_has_its_reason_beside_it():
    skipped = without_reason(INFRA / "checkov.yaml", r"- CKV")
    ignored = [line for path in TEMPLATES for line in without_reason(path, "ignore_checks|checkov:skip|checkov:")]
    assert skipped + ignored == []


def without_reason(path, rule):
    """The lines with `rule` that no comment stands before."""
    lines = path.read_text().splitlines()
    pairs = zip(lines, lines[1:])
    return [line for before, line in pairs if re.search(rule, line) and not before.strip().startswith("#")]
