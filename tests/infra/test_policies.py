"""The policies of the deployer and the operator: with them all works, and without any statement of theirs something does not."""

import json
import os
import re
import subprocess
import zipfile

import pytest
from botocore.exceptions import ClientError
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

import cloudformation_needs
from conftest import OUTPUTS
from stack import EXAMPLE, ROOT, TEMPLATE, Template

POLICIES = ROOT / "infra" / "policies"
DATA = ROOT / "infra" / "data.yaml"
STACK, ACCOUNT = "tokensmith-limited", "000000000000"
# What AWS takes as one managed policy, without white space.
MANAGED_POLICY_CHARACTERS = 6144


def document(name):
    return json.loads((POLICIES / f"{name}.json").read_text())


def allows(policy, action, resource, context):
    asked = EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:user/x", principal_type="User", principal_account=ACCOUNT, action=action, resource_arn=resource,
        region="us-east-1", service_context={key.lower(): value for key, value in context.items()},
    )  # fmt: skip
    return evaluate(asked, [parse_policy_document(json.dumps(policy))]).decision == "Allow"


def without(policy, sid):
    return {**policy, "Statement": [statement for statement in policy["Statement"] if statement["Sid"] != sid]}


def sids(*names):
    return [(name, statement["Sid"]) for name in names for statement in document(name)["Statement"]]


@pytest.mark.parametrize("name", ["deployer", "operator", "operator-kms"])
def test_a_policy_fits_into_a_managed_policy(name):
    assert len(re.sub(r"\s", "", (POLICIES / f"{name}.json").read_text())) <= MANAGED_POLICY_CHARACTERS


def of_stacks():
    """What CloudFormation asks for, by AWS's schemas, with all that the templates can have."""
    everything = {"DomainName": "login.example.com", "CertificateArn": "arn:aws:acm:us-east-1:1:certificate/1", "HostedZoneId": "Z1", "AlarmEmail": "x@example.com"}
    for template in (Template(**everything), Template(DATA), Template(EXAMPLE, Alarms="arn:aws:sns:us-east-1:1:x")):
        for logical_id, resource in template.resources.items():
            for operation in ("create", "read", "update", "delete"):
                kind, properties = resource["Type"], resource.get("Properties", {})
                yield from cloudformation_needs.requests(kind, operation, logical_id, {}, STACK, ACCOUNT, "us-east-1")


def test_the_deployer_may_do_what_cloudformation_does_for_it_and_each_action_is_one_of_these(direct):
    policy, asked = document("deployer"), list(of_stacks())
    assert sorted({(action, resource) for action, resource, context in asked if not allows(policy, action, resource, context)}) == []
