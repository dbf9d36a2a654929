"""Invariant 11: each function's role allows what it needs and nothing else. A permission more or less makes this fail."""

import json
import re

import pytest

from stack import DATA, EVERYWHERE, EXAMPLE, PEOPLE, TEMPLATE, Template

TABLE, FEED, LIVE = "the table", "its index feed", "its index live"
BY_SUBJECT, LISTED = "its index by_subject", "its index listed"
KEY, ANY_KEY, EVERYTHING = "the wrapping key", "any key", "*"

READS_SIGNING_KEYS = ("dynamodb:Query", TABLE, "KEYS")
# Whole indexes: decision 0043.
READS_THE_FEED = ("dynamodb:Query", f"{FEED} and {LIVE}", "")
READS_KEYS = ("dynamodb:Query", TABLE, "KEYS HMAC")
READS_CLIENTS = ("dynamodb:GetItem", TABLE, "CLIENT#* FETCHED#*")
READS_RESOURCES = ("dynamodb:GetItem", TABLE, "RESOURCE#*")
READS_WHAT_CAN_HAVE_REVOKED_A_TOKEN = ("dynamodb:BatchGetItem", TABLE, "CLIENT#* GRANT#* SUBJECT#* JTI#* KEY#*")
READS_API_KEYS = ("dynamodb:GetItem", TABLE, "KEY#*")
READS_USERS = ("dynamodb:GetItem", TABLE, "USER#*")
FINDS_WHAT_IS_SOMEBODYS = ("dynamodb:Query", f"{BY_SUBJECT} and {LISTED}", "")
NOTES_THEIR_USE = ("dynamodb:UpdateItem", TABLE, "USED#*")
READS_FEDERATION = ("dynamodb:Query", TABLE, "FEDERATION")
CLAIMS_SINGLE_USES = ("dynamodb:PutItem", TABLE, "REPLAY#*")
LEASES_PERMITS = ("dynamodb:UpdateItem", TABLE, "COUNT#*")
OPENS_HMAC_KEYS = ("kms:Decrypt", KEY, "use=hmac")
OPENS_SECRETS_AT_UPSTREAMS = ("kms:Decrypt", KEY, "use=upstream")
OPENS_SIGNING_KEYS = ("kms:Decrypt", KEY, "use=signing")

# Every function writes its log and its traces.
COMMON = {
    ("logs:CreateLogStream", "its log", ""),
    ("logs:PutLogEvents", "its log", ""),
    ("xray:PutTraceSegments", EVERYTHING, ""),
    ("xray:PutTelemetryRecords", EVERYTHING, ""),
}

ISSUES = {
    READS_KEYS,
    READS_CLIENTS,
    ("dynamodb:UpdateItem", TABLE, "FETCHED#*"),
    READS_RESOURCES,
    ("dynamodb:BatchGetItem", TABLE, "GRANT#* SUBJECT#*"),
    ("dynamodb:UpdateItem", TABLE, "GRANT#*"),
    LEASES_PERMITS,
    READS_FEDERATION,
    CLAIMS_SINGLE_USES,
    OPENS_HMAC_KEYS,
    OPENS_SIGNING_KEYS,
}

ALLOWED = {
    "Issue": ISSUES
    | {READS_API_KEYS, NOTES_THEIR_USE, READS_WHAT_CAN_HAVE_REVOKED_A_TOKEN, ("dynamodb:GetItem", TABLE, "REQUEST#*")},
    "Refresh": ISSUES,
    "Revoke": {
        READS_KEYS,
        READS_CLIENTS,
        READS_API_KEYS,
        ("dynamodb:UpdateItem", TABLE, "GRANT#* JTI#* KEY#*"),
        ("dynamodb:PutItem", TABLE, "JTI#*"),
        READS_FEDERATION,
        CLAIMS_SINGLE_USES,
        OPENS_HMAC_KEYS,
    },
    "Introspect": {
        READS_KEYS,
        READS_CLIENTS,
        READS_RESOURCES,
        READS_WHAT_CAN_HAVE_REVOKED_A_TOKEN,
        READS_API_KEYS,
        READS_USERS,
        READS_FEDERATION,
        CLAIMS_SINGLE_USES,
        OPENS_HMAC_KEYS,
    },
    "Revocations": {READS_SIGNING_KEYS, READS_THE_FEED, OPENS_SIGNING_KEYS},
    "Jwks": {READS_SIGNING_KEYS},
    "RotateKeys": {
        READS_KEYS,
        ("dynamodb:PutItem", TABLE, "KEYS HMAC"),
        ("dynamodb:UpdateItem", TABLE, "HMAC"),
        ("dynamodb:Query", LIVE, ""),
        ("dynamodb:UpdateItem", TABLE, "CLIENT#* SUBJECT#* KEY#* only pk sk feed_shard feed_at feed_until, answers NONE"),
        ("dynamodb:DeleteItem", TABLE, "KEYS"),
        ("dynamodb:Query", TABLE, "HEARTBEAT"),
        ("dynamodb:PutItem", TABLE, "HEARTBEAT"),
        ("dynamodb:UpdateItem", TABLE, "HEARTBEAT"),
        ("kms:GenerateDataKeyWithoutPlaintext", KEY, "use=hmac"),
    },
}

# What people have, and what is asked of them.
OF_PEOPLE = "LOGIN#* USER#* SUBJECT#* SESSION#* BACKOFF#* REQUEST#* CONSENT#* GRANT#* CLIENT#*"

# Where people sign in.
ALLOWED_WHERE_PEOPLE_SIGN_IN = {
    **ALLOWED,
    "Authorize": {
        READS_KEYS,
        READS_CLIENTS,
        READS_RESOURCES,
        READS_FEDERATION,
        CLAIMS_SINGLE_USES,
        LEASES_PERMITS,
        ("dynamodb:UpdateItem", TABLE, "FETCHED#*"),
        ("dynamodb:GetItem", TABLE, OF_PEOPLE),
        ("dynamodb:BatchGetItem", TABLE, OF_PEOPLE),
        ("dynamodb:PutItem", TABLE, "SESSION#* BACKOFF#*"),
        ("dynamodb:UpdateItem", TABLE, "BACKOFF#*"),
        ("dynamodb:DeleteItem", TABLE, "SESSION#* BACKOFF#*"),
        ("dynamodb:PutItem", TABLE, "REQUEST#* CONSENT#* GRANT#*"),
        ("dynamodb:UpdateItem", TABLE, "REQUEST#* CONSENT#* GRANT#*"),
        ("dynamodb:DeleteItem", TABLE, "CONSENT#*"),
        ("dynamodb:GetItem", TABLE, "UPSTREAM"),
        ("dynamodb:Query", TABLE, "UPSTREAM"),
        ("dynamodb:PutItem", TABLE, "LOGIN#* USER#* SUBJECT#*"),
        ("dynamodb:DeleteItem", TABLE, "LOGIN#* USER#*"),
        ("dynamodb:Query", TABLE, "CONSENT#*"),
        FINDS_WHAT_IS_SOMEBODYS,
        ("dynamodb:UpdateItem", TABLE, "LOGIN#* USER#*"),
        OPENS_HMAC_KEYS,
        OPENS_SECRETS_AT_UPSTREAMS,
    },
}

# In the stack of the example API.
ALLOWED_BESIDE_AN_API = {
    "Authorizer": {READS_SIGNING_KEYS, READS_THE_FEED, READS_WHAT_CAN_HAVE_REVOKED_A_TOKEN},
    "Orders": set(),
}

# What parameters of that stack allow besides.
ALLOWED_BY_PARAMETER = {
    "ApiKeys": {
        READS_API_KEYS,
        ("dynamodb:BatchGetItem", TABLE, "CLIENT#* RESOURCE#*"),
        NOTES_THEIR_USE,
    },
    "Limits": {READS_RESOURCES, LEASES_PERMITS},
}

OWN_KEYS = "issuer and use=signing of the key"
SPECS = "RSA_2048,ECC_NIST_P256,ECC_NIST_EDWARDS25519"

# What each custody allows besides.
IN_CUSTODY = {
    "kms-data-key": {
        "RotateKeys": {("kms:GenerateDataKeyPairWithoutPlaintext", KEY, f"use=signing DataKeyPairSpec={SPECS}")},
    },
    "kms": {
        "Issue": {("kms:GetPublicKey", ANY_KEY, OWN_KEYS), ("kms:Sign", ANY_KEY, OWN_KEYS)},
        "Refresh": {("kms:GetPublicKey", ANY_KEY, OWN_KEYS), ("kms:Sign", ANY_KEY, OWN_KEYS)},
        "Revocations": {("kms:GetPublicKey", ANY_KEY, OWN_KEYS), ("kms:Sign", ANY_KEY, OWN_KEYS)},
        "RotateKeys": {
            ("kms:CreateKey", EVERYTHING, f"KeyUsage=SIGN_VERIFY KeySpec={SPECS} issuer and use=signing of the request"),
            ("kms:TagResource", ANY_KEY, "issuer and use=signing of the request, no other tags, untagged"),
            ("kms:GetPublicKey", ANY_KEY, f"KeyUsage=SIGN_VERIFY {OWN_KEYS}"),
            ("kms:DescribeKey", ANY_KEY, f"KeyUsage=SIGN_VERIFY {OWN_KEYS}"),
            ("kms:ScheduleKeyDeletion", ANY_KEY, f"KeyUsage=SIGN_VERIFY {OWN_KEYS}"),
        },
    },
}

CASES = [(custody, function) for custody in IN_CUSTODY for function in ALLOWED_WHERE_PEOPLE_SIGN_IN]


@pytest.mark.parametrize(("custody", "function"), CASES)
def test_invariant_11_a_role_allows_exactly_this(custody, function):
    template = Template(Custody=custody, SignIn="on")
    expected = COMMON | ALLOWED_WHERE_PEOPLE_SIGN_IN[function] | IN_CUSTODY[custody].get(function, set())
    assert allowed_by(template, function) == expected


def test_invariant_11_nobody_may_do_more_because_people_sign_in():
    """Only the function that is added then may do what it has to do with people."""
    there, then = Template(), Template(SignIn="on")
    for function in ALLOWED:
        assert allowed_by(there, function) == allowed_by(then, function)
    assert "AuthorizeRole" not in there.resources


def test_invariant_11_who_signs_people_in_signs_no_token():
    for custody in IN_CUSTODY:
        allowed = allowed_by(Template(Custody=custody, SignIn="on"), "Authorize")
        assert {each for each in allowed if each[0].startswith("kms:")} == {OPENS_HMAC_KEYS, OPENS_SECRETS_AT_UPSTREAMS}


@pytest.mark.parametrize("function", ALLOWED_BESIDE_AN_API)
def test_invariant_11_a_role_beside_an_api_allows_exactly_this(function):
    assert allowed_by(Template(EXAMPLE), function) == COMMON | ALLOWED_BESIDE_AN_API[function]


@pytest.mark.parametrize("parameter", ALLOWED_BY_PARAMETER)
def test_invariant_11_a_parameter_gives_the_authorizer_exactly_this(parameter):
    template = Template(EXAMPLE, **{parameter: "on"})
    expected = ALLOWED_BESIDE_AN_API["Authorizer"] | ALLOWED_BY_PARAMETER[parameter]
    assert allowed_by(template, "Authorizer") == COMMON | expected
    assert allowed_by(template, "Orders") == COMMON


def test_invariant_11_a_parameter_gives_the_issuer_exactly_this():
    template = Template(SecretScanning="on")
    for function, allowed in ALLOWED.items():
        besides = {("dynamodb:UpdateItem", TABLE, "KEY#*")} if function == "Issue" else set()
        in_custody = IN_CUSTODY["kms-data-key"].get(function, set())
        assert allowed_by(template, function) == COMMON | allowed | besides | in_custody


def test_invariant_11_what_checks_versions_calls_them_and_nothing_else():
    cases = ((Template(), ALLOWED), (Template(**PEOPLE), ALLOWED_WHERE_PEOPLE_SIGN_IN), (Template(EXAMPLE), ["Authorizer"]))
    for template, allowed in cases:
        versions = template.decided(template.resources["Checked"]["Properties"]["Versions"])
        functions = [version["Ref"].removesuffix("Version") for version in versions]
        assert sorted(functions) == sorted(allowed)
        calls = {("lambda:InvokeFunction", f"versions of {function}", "") for function in functions}
        log = {(action, "its log", "") for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
        assert allowed_by(template, "Check") == calls | log


@pytest.mark.parametrize("path", [TEMPLATE, EXAMPLE])
def test_invariant_11_what_publishes_events_publishes_them_to_that_topic_and_nothing_else(path):
    log = {(action, "its log", "") for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
    assert allowed_by(Template(path, **EVERYWHERE), "PublishEvents") == {("sns:Publish", "the topic of events", "")} | log


@pytest.mark.parametrize("path", [TEMPLATE, EXAMPLE])
def test_invariant_11_logs_may_put_events_into_that_stream_and_only_for_this_account(path):
    template = Template(path, **EVERYWHERE)
    assert allowed_by(template, "DeliverEvents") == {
        ("firehose:PutRecord", "the stream of events", ""),
        ("firehose:PutRecordBatch", "the stream of events", ""),
    }
    role = template.resources["DeliverEventsRole"]["Properties"]
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "logs.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
                "ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"}},
            },
        }
    ]
    # The deployer may give CloudWatch Logs roles of this path and no other.
    assert role["Path"] == {"Fn::Sub": "${RolePath}events/"}
    assert not [each for each in Template(path).resources if "Deliver" in each or "Publish" in each or "EventsTo" in each]


@pytest.mark.parametrize(("path", "allowed"), [(TEMPLATE, ALLOWED_WHERE_PEOPLE_SIGN_IN), (EXAMPLE, ALLOWED_BESIDE_AN_API)])
def test_every_function_has_a_role_of_its_own_that_only_lambda_takes(path, allowed):
    template = Template(path, **EVERYWHERE, SignIn="on")
    roles = template.of_type("AWS::IAM::Role")
    # CloudWatch Logs takes this one.
    del roles["DeliverEventsRole"]
    functions = {**template.of_type("AWS::Serverless::Function"), **template.of_type("AWS::Lambda::Function")}
    assert {name: function["Role"] for name, function in functions.items()} == {
        name: {"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in (*allowed, "Check", "PublishEvents")
    }
    assert sorted(roles) == sorted(f"{name}Role" for name in (*allowed, "Check", "PublishEvents"))
    for role in roles.values():
        assert role["AssumeRolePolicyDocument"]["Statement"] == {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
        # AWS attaches no more to one.
        assert len(role.get("ManagedPolicyArns", [])) <= 10
        # What is not its own log is an ability that has a name.
        own = [policy["PolicyName"] for policy in role["Policies"]]
        assert own in (["WritesItsLog"], ["WritesItsLog", "CallsNewVersions"], ["WritesItsLog", "PublishesEvents"])


@pytest.mark.parametrize("path", [TEMPLATE, EXAMPLE])
def test_every_ability_is_somebodys_and_attaches_itself_to_nobody(path):
    document = Template(path).document["Resources"]
    policies = {name: each["Properties"] for name, each in document.items() if each["Type"] == "AWS::IAM::ManagedPolicy"}
    attached = json.dumps([each["Properties"].get("ManagedPolicyArns") for each in document.values() if each["Type"] == "AWS::IAM::Role"])
    for name, policy in policies.items():
        assert f'"Ref": "{name}"' in attached, name
        assert set(policy) == {"Path", "PolicyDocument"}


@pytest.mark.parametrize("path", [TEMPLATE, EXAMPLE])
def test_a_wildcard_resource_has_its_reason_beside_it(path):
    lines = path.read_text().splitlines()
    wildcards = [n for n, line in enumerate(lines) if re.match(r"\s*Resource: .*(\"\*\"|key/\*)", line)]
    assert wildcards
    assert [lines[n] for n in wildcards if not lines[n - 1].strip().startswith("#")] == []


def test_nobody_gets_key_material_in_the_open():
    statements = Template(DATA).resources["WrappingKey"]["Properties"]["KeyPolicy"]["Statement"]
    denied = {s["Sid"]: (set(s["Action"]), s.get("Condition")) for s in statements if s["Effect"] == "Deny"}
    assert denied == {
        "NobodyMakesKeysInTheOpen": (
            {"kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey", "kms:GenerateDataKeyPair"},
            None,
        ),
        "NothingIsOpenedWithoutItsUse": (
            {"kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyPairWithoutPlaintext"},
            {"StringNotEquals": {"kms:EncryptionContext:use": ["hmac", "signing", "upstream"]}},
        ),
    }


def allowed_by(template, function):
    """Each action that the role of `function` allows, on what, and under which condition."""
    role = template.decided(template.resources[f"{function}Role"]["Properties"])
    attached = [template.resources[policy["Ref"]] for policy in role.get("ManagedPolicyArns", [])]
    documents = [each["PolicyDocument"] for each in role["Policies"]]
    documents += [template.decided(policy["Properties"]["PolicyDocument"]) for policy in attached]
    allowed = set()
    for statement in (statement for document in documents for statement in document["Statement"]):
        assert statement["Effect"] == "Allow"
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = resource_of(statement, function)
        for action in actions:
            for resource in resources if action == "lambda:InvokeFunction" else [" and ".join(resources)]:
                allowed.add((action, resource, condition_of(statement.get("Condition", {}))))
    return allowed


def resource_of(statement, function):
    """What a statement is about, in words."""
    if isinstance(statement["Resource"], list):
        return [word for one in statement["Resource"] for word in resource_of({"Resource": one}, function)]
    table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}"
    resource = json.dumps(statement["Resource"])
    version = re.fullmatch(r'\{"Fn::Sub": "\$\{(\w+)\.Arn\}:\*"\}', resource)
    if version:
        return [f"versions of {version[1]}"]
    return [{
        f'{{"Fn::Sub": "{table}"}}': TABLE,
        f'{{"Fn::Sub": "{table}/index/feed"}}': FEED,
        f'{{"Fn::Sub": "{table}/index/live"}}': LIVE,
        f'{{"Fn::Sub": "{table}/index/by_subject"}}': BY_SUBJECT,
        f'{{"Fn::Sub": "{table}/index/listed"}}': LISTED,
        '{"Ref": "WrappingKey"}': KEY,
        '{"Ref": "EventsFirehoseArn"}': "the stream of events",
        '{"Ref": "EventsTopicArn"}': "the topic of events",
        f'{{"Fn::GetAtt": ["{function}Log", "Arn"]}}': "its log",
        '{"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"}': ANY_KEY,
        '"*"': EVERYTHING,
    }[resource]]  # fmt: skip


def condition_of(condition):
    """A condition in a few words; every part of it has to be understood here."""
    condition = {operator: dict(keys) for operator, keys in condition.items()}
    words = []
    keys = condition.pop("ForAllValues:StringLike", None)
    if keys is not None:
        # The first alone would hold for a request that names no key.
        assert condition.pop("Null") == {"dynamodb:LeadingKeys": "false"}
        words.append(" ".join(keys.pop("dynamodb:LeadingKeys")))
        assert keys == {}
    attributes = condition.get("ForAllValues:StringEquals", {}).get("dynamodb:Attributes")
    if attributes is not None:
        answers = condition.pop("StringEqualsIfExists")["dynamodb:ReturnValues"]
        words.append(f"only {' '.join(attributes)}, answers {answers}")
        assert set(condition.pop("ForAllValues:StringEquals")) == {"dynamodb:Attributes"}
    equals = condition.pop("StringEquals", {})
    for name in ("EncryptionContext:use", "DataKeyPairSpec", "KeyUsage", "KeySpec"):
        value = equals.pop(f"kms:{name}", None)
        if value is not None:
            values = value if isinstance(value, list) else [value]
            words.append(f"{name.split(':')[-1]}={','.join(values)}")
    for tag, of in (("aws:ResourceTag", "the key"), ("aws:RequestTag", "the request")):
        if f"{tag}/tokensmith:use" in equals:
            assert equals.pop(f"{tag}/tokensmith:issuer") == {
                "Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
            }
            words.append(f"issuer and use={equals.pop(f'{tag}/tokensmith:use')} of {of}")
    assert equals == {}
    if "ForAllValues:StringEquals" in condition:
        assert condition.pop("ForAllValues:StringEquals") == {
            "aws:TagKeys": ["tokensmith:issuer", "tokensmith:use", "tokensmith:key_id"]
        }
        assert condition.pop("Null") == {"aws:ResourceTag/tokensmith:use": "true"}
        words[-1] += ", no other tags, untagged"
    assert condition == {}
    return " ".join(words)

