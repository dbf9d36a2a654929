"""What CloudFormation does to a resource with the rights of whoever changes the stack, as AWS's own schemas of the resource types say it."""

import json
import re
from functools import cache
from pathlib import Path

import cfnlint

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"

# What the schemas list for properties that our templates do not have. Whatever only reads stays: CloudFormation may look.
NOT_OURS = re.compile(
    "|".join(
        [
            # Networks, file systems, layers, code signing, gradual deployment and capacity of functions.
            "ec2:.*", "elasticfilesystem:.*", "s3files:.*", "codedeploy:.*", "lambda:PassCapacityProvider", "lambda:AssociateRuntimeAlias",
            "lambda:(Put|Delete)(ProvisionedConcurrency|FunctionScaling|FunctionRecursion|FunctionCodeSigning|RuntimeManagement).*",
            "lambda:GetLayerVersion", "lambda:GetCodeSigningConfig",
            # A table that is imported, streamed, replicated, under a key of ours, or has a policy of its own.
            "kinesis:.*", "dynamodb:.*(Replica|Kinesis|Import|Insights|Item|Scan|Query).*", "dynamodb:(Put|Delete)ResourcePolicy",
            "iam:CreateServiceLinkedRole", "kms:(CreateGrant|RevokeGrant|Decrypt|Encrypt|GenerateDataKey|ListAliases|DisableKey.*|EnableKey)",
            # Logs that are streamed, masked, indexed or protected from deletion.
            "firehose:.*", "s3:REST.*", "logs:(Put|Delete)(DataProtection|IndexPolicy|BearerToken|LogGroupDeletion).*", "logs:CreateLogStream",
            "logs:PutLogEvents", "logs:DescribeLogStreams", "logs:(Put|Delete)ResourcePolicy", "logs:CreateLogDelivery", "logs:DeleteRetentionPolicy",
            # An API from a file, a domain with a truststore, versions of objects.
            "s3:getObject", "s3:GetObjectVersion", "s3:GetObjectMetadata",
            # Policies for users and groups, and roles without the boundary that they had.
            "iam:(Attach|Detach)(User|Group)Policy", "iam:DeleteRolePermissionsBoundary", "sns:PutDataProtectionPolicy",
        ]
    )
)  # fmt: skip

# Calls of CloudWatch Logs that are for no log group, so that no policy can limit them to one; those for saved queries besides.
OF_NO_GROUP = ("DescribeLogGroups", "DescribeResourcePolicies")

# SAM makes this of it.
SERVERLESS = {"AWS::Serverless::Function": "AWS::Lambda::Function"}


@cache
def needed(kind, operation):
    """The actions that CloudFormation carries out to `create`, `update`, `delete` or `read` a resource of this type."""
    kind = SERVERLESS.get(kind, kind)
    known = json.loads((SCHEMAS / "providers" / "us-east-1.json").read_text())
    if kind not in known:
        # Custom resources: the function behind them has a role of its own, and is invoked.
        return ["lambda:InvokeFunction"] if kind.startswith("Custom::") and operation != "read" else []
    handlers = json.loads((SCHEMAS / "resources" / f"{known[kind]}.json").read_text())["handlers"]
    actions = handlers.get(operation, {}).get("permissions", [])
    return [action for action in actions if not NOT_OURS.fullmatch(action) and not gives_a_role_in_vain(kind, action)]


def gives_a_role_in_vain(kind, action):
    """Types of which one can have a role that it gives to a service, and ours have none."""
    takes_one = ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::SubscriptionFilter")
    return action in ("iam:PassRole", "iam:GetRole") and kind not in takes_one


def requests(kind, operation, logical_id, properties, stack, account, region):
    """Each action that is needed, the resource that it is for, and what its conditions look at."""
    for action in needed(kind, operation):
        yield action, resource_of(action, kind, logical_id, properties, stack, account, region), context_of(action, kind, account)


def resource_of(action, kind, logical_id, properties, stack, account, region):
    service, _, call = action.partition(":")
    generated = f"{stack}-{logical_id}-1A2B3C4D5E6F"
    path = properties.get("Path", "/tokensmith/")
    path = path if isinstance(path, str) else "/tokensmith/"
    path = "/tokensmith/events/" if kind == "AWS::Logs::SubscriptionFilter" else path
    is_policy = "Policy" in call and "Role" not in call or call in ("ListEntitiesForPolicy", "ListPolicyVersions")
    function = properties.get("FunctionName", f"{stack}-x") if kind == "AWS::Lambda::Function" else f"{stack}-x"
    # CloudFormation names a group as it names everything, and the emulator in its own way.
    named = properties.get("LogGroupName")
    group = named if isinstance(named, str) and named.startswith("/aws/vendedlogs/") else generated
    places = {
        "apigateway": f"arn:aws:apigateway:{region}::{'/domainnames/x' if kind.endswith('DomainName') else '/apis/a1b2c3'}",
        "cloudwatch": f"arn:aws:cloudwatch:{region}:{account}:alarm:{generated}",
        "dynamodb": f"arn:aws:dynamodb:{region}:{account}:table/{generated}",
        "events": f"arn:aws:events:{region}:{account}:rule/{generated}",
        "iam": f"arn:aws:iam::{account}:{'policy' if is_policy else 'role'}{path}{generated}",
        "kms": "*" if call == "CreateKey" else f"arn:aws:kms:{region}:{account}:key/0a1b",
        "lambda": f"arn:aws:lambda:{region}:{account}:function:{function}",
        "logs": "*" if call in OF_NO_GROUP or "QueryDefinition" in call else f"arn:aws:logs:{region}:{account}:log-group:{group}",
        "route53": "*" if call in ("ListHostedZones", "GetChange") else "arn:aws:route53:::hostedzone/Z1",
        "s3": f"arn:aws:s3:::tokensmith-code-{account}-{region}/{stack}/x.zip",
        "sns": f"arn:aws:sns:{region}:{account}:{generated}",
    }  # fmt: skip
    if kind == "AWS::CloudWatch::Dashboard":
        return f"arn:aws:cloudwatch::{account}:dashboard/{stack}-{region}"
    return places[service]


def context_of(action, kind, account):
    known = {
        # CloudWatch Logs says nothing when it is given a role (aws-cloudformation/cloudformation-coverage-roadmap#1784).
        "iam:PassRole": {} if kind == "AWS::Logs::SubscriptionFilter" else {"iam:PassedToService": "lambda.amazonaws.com"},
        "iam:AttachRolePolicy": {"iam:PolicyARN": f"arn:aws:iam::{account}:policy/tokensmith/x"},
        "iam:DetachRolePolicy": {"iam:PolicyARN": f"arn:aws:iam::{account}:policy/tokensmith/x"},
        "kms:CreateKey": {"kms:KeySpec": "SYMMETRIC_DEFAULT"},
    }
    return known.get(action, {})
