"""A bad value of a parameter is refused before anything is made, in words that say what a good one is."""

import json
import re

import pytest
from botocore.exceptions import ClientError

from stack import EXAMPLE, TEMPLATE, Template

DURATION = ["banana", "15", "m", "-5m", "1.5h", "15 minutos", ""]
NUMBER = ["0", "-1", "many"]
CONCURRENCY = ["0", "-1", "many", "1.5"]
KEY_ARN = "arn:aws:kms:eu-west-1:111111111111:key/mrk-1"

# Of each parameter, bad values.
BAD = {
    "Algorithms": ["RS512", "RS256;ES256", "rs256", ""],
    "AccessTtl": DURATION,
    "CacheTtl": DURATION,
    "Custody": ["hsm", ""],
    "KeyPeriod": DURATION,
    "KeyPublishAhead": DURATION,
    "DpopNonce": ["on", "yes", ""],
    "SecretScanning": ["yes", ""],
    "SignIn": ["yes", ""],
    "BrandName": [" Example", "Example ", "two\nlines", "x" * 65],
    "BrandLogo": ["logo.svg", "http://example.com/logo.svg", "https://", "https://a.example;b/logo.svg", "https://example.com/a logo.svg", f"https://a.example/{'x' * 512}"],
    "BrandColour": ["teal", "#fff", "0a6a5c", "#0a6a5g"],
    "DomainName": ["https://login.example.com", "Login.example.com", "login", "login.example.com/path", "login.example.com:443", "-a.example.com"],
    "CertificateArn": ["certificate/1", "arn:aws:iam::111111111111:server-certificate/x"],
    "HostedZoneId": ["example.com", "/hostedzone/Z1"],
    "Table": ["", "a b", "ab", "arn:aws:dynamodb:eu-west-1:111111111111:table/t"],
    "WrappingKey": ["", "alias/mine", "mrk-1", "arn:aws:kms:eu-west-1:111111111111:alias/mine"],
    "TokenRate": NUMBER,
    "RefreshRate": NUMBER,
    "RevokeRate": NUMBER,
    "IntrospectRate": NUMBER,
    "UserinfoRate": NUMBER,
    "RevocationsRate": NUMBER,
    "WellKnownRate": NUMBER,
    "SignInRate": NUMBER,
    "IssueConcurrency": CONCURRENCY,
    "RefreshConcurrency": CONCURRENCY,
    "RevokeConcurrency": CONCURRENCY,
    "IntrospectConcurrency": CONCURRENCY,
    "RevocationsConcurrency": CONCURRENCY,
    "JwksConcurrency": CONCURRENCY,
    "SignInConcurrency": CONCURRENCY,
    "Profile": ["rich", ""],
    "Tracing": ["active", ""],
    "LogRetentionDays": ["31", "0", "forever"],
    "EventsFirehoseArn": ["events", "arn:aws:kinesis:eu-west-1:111111111111:stream/events"],
    "EventsTopicArn": ["events", "arn:aws:sqs:eu-west-1:111111111111:queue", "arn:aws:sns:eu-west-1:111111111111:events.fifo"],
    "AlarmEmail": ["ops", "ops@example", "o ps@example.com", "a@b.c@d.e"],
    "AuthenticationFailurePercent": [*NUMBER, "101"],
    "SignInFailurePercent": [*NUMBER, "101"],
    "ServerErrors": NUMBER,
    "LatencyP99Milliseconds": [*NUMBER, "30001"],
    "SignInP99Milliseconds": [*NUMBER, "30001"],
    "PermissionsBoundary": ["boundary", "arn:aws:iam::111111111111:role/r"],
    "RolePath": ["", "tokensmith", "/tokensmith", "tokensmith/", "/a b/", f"/{'a' * 64}/"],
    "LogKey": ["alias/logs", "mrk-1"],
    "Architecture": ["arm", "x86"],
    "CodeBucket": ["", "My_Bucket"],
    "Revision": ["", "a/b"],
}
BAD_BESIDE_AN_API = {
    "Issuer": ["http://login.example.com", "https://login.example.com/path", "login.example.com", ""],
    "Alarms": ["alarms", "arn:aws:sqs:eu-west-1:111111111111:queue"],
    "Audience": ["orders", "https://a.example/ b", "https://a.example,https://b.example"],
    "FeedInterval": [*DURATION, "1h"],
    "FeedStale": ["ajar", ""],
    "ApiKeys": ["yes", ""],
    "Limits": ["yes", "true", ""],
    "Rate": NUMBER,
    "Refusals": BAD["ServerErrors"],
    **{name: BAD[name] for name in ("Table", "PermissionsBoundary", "RolePath", "LogKey", "LogRetentionDays", "Architecture", "CodeBucket", "Revision")},
    **{name: BAD[name] for name in ("EventsFirehoseArn", "EventsTopicArn")},
}

# What people write where a pattern decides.
GOOD = {
    "AccessTtl": ["90s", "15m", "15min", "1h 30m", "1h30m", "1day", "2hours"],
    "KeyPeriod": ["90days", "1year", "12weeks", "3M", "3months"],
    "CacheTtl": ["0s", "10s", "5m"],
    "Algorithms": ["RS256", "ES256,RS256", "EdDSA,PS256"],
    "DomainName": ["", "login.example.com", "a-b.example.co.uk", "xn--bcher-kva.example"],
    "HostedZoneId": ["", "Z0123456789ABCDEFGHIJ"],
    "WrappingKey": [KEY_ARN, "arn:aws-us-gov:kms:us-gov-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    "EventsFirehoseArn": ["", "arn:aws:firehose:eu-west-1:111111111111:deliverystream/audit.events_1"],
    "EventsTopicArn": ["", "arn:aws-us-gov:sns:us-gov-west-1:111111111111:events"],
    "AlarmEmail": ["", "ops+alarms@mail.example.com"],
    "IssueConcurrency": ["", "1", "1000"],
    "SignInConcurrency": ["", "1", "10"],
    "BrandName": ["", "A", "Bäckerei Müller & Söhne"],
    "BrandLogo": ["", "https://a.example", "https://a.example:8443/logo.svg?v=1"],
    "BrandColour": ["", "#0a6a5c", "#FFFFFF"],
    "PermissionsBoundary": ["", "arn:aws:iam::111111111111:policy/team/boundary"],
    "RolePath": ["/", "/tokensmith/", "/team/apps/"],
}

CASES = [(TEMPLATE, name, value) for name, values in BAD.items() for value in values]
CASES += [(EXAMPLE, name, value) for name, values in BAD_BESIDE_AN_API.items() for value in values]
NEEDED = {"Table": "table", "WrappingKey": KEY_ARN, "Issuer": "https://login.example.com", "Architecture": "arm64", "CodeBucket": "bucket", "Revision": "r"}


@pytest.mark.parametrize(("path", "bad"), [(TEMPLATE, BAD), (EXAMPLE, BAD_BESIDE_AN_API)])
def test_every_parameter_is_tried_with_bad_values(path, bad):
    assert sorted(Template(path).document["Parameters"]) == sorted(bad)


@pytest.fixture(scope="module")
def planned(emulator):
    """Lets CloudFormation look at values of a template's parameters."""
    cloudformation = emulator.client("cloudformation")

    declared_in = {path: Template(path).document["Parameters"] for path in (TEMPLATE, EXAMPLE)}

    def planned(path, **values):
        declared = declared_in[path]
        parameters = {name: value for name, value in NEEDED.items() if name in declared} | values
        # With all that is made of them it would take a minute longer.
        template = {"Parameters": declared, "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
        names = {"StackName": "planned", "ChangeSetName": "planned"}
        cloudformation.create_change_set(
            **names,
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        cloudformation.delete_change_set(**names)
        cloudformation.delete_stack(StackName="planned")

    return planned


@pytest.mark.parametrize(("path", "name", "value"), CASES, ids=lambda value: getattr(value, "name", value))
def test_a_bad_value_is_refused(planned, path, name, value):
    with pytest.raises(ClientError) as refused:
        planned(path, **{name: value})
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert f"'{name}'" in str(refused.value)
    # A pattern says nothing to somebody who does not read patterns.
    assert "must match pattern" not in str(refused.value)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_a_good_value_is_taken(planned, name, value):
    planned(TEMPLATE, **{name: value})


@pytest.mark.parametrize("path", [TEMPLATE, EXAMPLE], ids=lambda path: path.name)
def test_every_default_is_a_good_value(path):
    for name, declared in Template(path).document["Parameters"].items():
        if "Default" in declared and "AllowedPattern" in declared:
            assert re.fullmatch(declared["AllowedPattern"], str(declared["Default"])), name


def test_the_path_of_a_role_has_room_for_the_longest_names():
    parameters = Template().document["Parameters"]
    longest_table, longest_key, longest_custody = 255, 64, len("kms-data-key")
    # IAM's limit.
    assert parameters["RolePath"]["MaxLength"] + longest_table + 1 + longest_key + 1 + longest_custody + 1 <= 512
