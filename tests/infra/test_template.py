"""What neither AWS's schemas nor the emulator can see: that the template and the code say the same."""

import json
import re
import tomllib

import pytest

from stack import ROOT, Template

ALIAS = re.compile(r"(\w+)\.Alias")


def source(path):
    return (ROOT / path).read_text()


def test_the_table_is_the_one_that_the_code_makes(template):
    code = source("shared/local/src/table_definition.rs")
    table = template.resources["Table"]["Properties"]
    attributes = re.findall(r'attribute_definitions\(attribute\("(\w+)", ScalarAttributeType::(\w)\)', code)
    assert {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]} == dict(attributes)
    assert keys_of(table) == keys_in(code.split("global_secondary_indexes")[0])
    assert table["TimeToLiveSpecification"] == {
        "AttributeName": re.search(r'\.attribute_name\("(\w+)"\)\s*\.enabled\(true\)', code)[1],
        "Enabled": True,
    }
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    defined = re.split(r"GlobalSecondaryIndex::builder\(\)", code)[1:]
    assert len(defined) == len(indexes)
    for definition in defined:
        index = indexes[re.search(r'\.index_name\("(\w+)"\)', definition)[1]]
        assert keys_of(index) == keys_in(definition)
        kind = re.search(r"ProjectionType::(\w+)", definition)[1]
        assert index["Projection"]["ProjectionType"].replace("_", "").lower() == kind.lower()
        projected = re.findall(r'\.non_key_attributes\("(\w+)"\)', definition)
        assert index["Projection"].get("NonKeyAttributes", []) == projected


def keys_of(definition):
    return [(key["AttributeName"], key["KeyType"].title()) for key in definition["KeySchema"]]


def keys_in(code):
    return re.findall(r'\.key_schema\(key\("(\w+)", KeyType::(\w+)\)', code)


def test_records_expire_by_the_attribute_that_the_table_expires_by(template):
    attribute = re.search(r'pub\(super\) const TTL: &str = "(\w+)"', source("shared/issuer/src/store/item.rs"))[1]
    assert template.resources["Table"]["Properties"]["TimeToLiveSpecification"]["AttributeName"] == attribute


def test_the_table_and_its_key_outlive_the_stack(template):
    for name in ("Table", "WrappingKey"):
        resource = template.resources[name]
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    table = template.resources["Table"]["Properties"]
    assert table["DeletionProtectionEnabled"] and table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    # A Region can be added to a key only if it was made for that.
    assert template.resources["WrappingKey"]["Properties"]["MultiRegion"] is True


def test_an_existing_table_takes_the_place_of_the_stacks_own(template):
    existing = Template(ExistingTable="restored")
    assert "Table" in template.resources and "Table" not in existing.resources
    # Nothing that remains refers to the table that is not made.
    assert "Table" not in referred_to(existing.decided(existing.resources))
    assert "Table" not in referred_to(existing.decided(existing.document["Outputs"]))


def referred_to(value):
    """The logical ids that `value` refers to."""
    text = json.dumps(value)
    refs = re.findall(r'"Ref": "(\w+)"', text)
    attributes = re.findall(r'"Fn::GetAtt": \["(\w+)"', text)
    substituted = re.findall(r"\$\{(\w+)[.}]", text)
    return {*refs, *attributes, *substituted}


def test_every_endpoint_that_a_function_serves_has_its_route_and_no_other(template):
    paths = [path for path in re.findall(r'=> "(/[^"]+)"', source("shared/issuer/src/routes.rs")) if served_by(path)]
    routes = template.of_type("AWS::ApiGatewayV2::Route").values()
    # ANY, so that 405 and CORS are the endpoint's own.
    assert sorted(route["RouteKey"] for route in routes) == sorted(f"ANY {path}" for path in paths)


def test_every_route_reaches_its_function_and_may_call_it(template):
    integrations = template.of_type("AWS::ApiGatewayV2::Integration")
    permissions = [
        (p["FunctionName"]["Ref"], p["SourceArn"]["Fn::Sub"].split("${Api}/*/*")[1])
        for p in template.of_type("AWS::Lambda::Permission").values()
        if p["Principal"] == "apigateway.amazonaws.com"
    ]
    routes = template.of_type("AWS::ApiGatewayV2::Route")
    for name, route in routes.items():
        integration = integrations[re.fullmatch(r"integrations/\$\{(\w+)\}", route["Target"]["Fn::Sub"])[1]]
        path = route["RouteKey"].removeprefix("ANY ")
        function = integration["IntegrationUri"]["Ref"]
        assert function.removesuffix(".Alias") in served_by(path), name
        assert (function, path) in permissions, name
        assert integration["PayloadFormatVersion"] == "2.0"
        assert integration["TimeoutInMillis"] > 1000 * timeout_of(template, function.removesuffix(".Alias"))
    assert len(permissions) == len(routes)


def served_by(path):
    """The functions whose `main` serves the endpoint at `path`."""
    endpoint = re.search(rf'Self::(\w+) => "{re.escape(path)}"', source("shared/issuer/src/routes.rs"))[1]
    mains = (ROOT / "functions").glob("*/src/main.rs")
    return [logical_id(main.parts[-3]) for main in mains if f"Endpoint::{endpoint}" in main.read_text()]


def logical_id(function):
    return "".join(part.title() for part in function.split("-"))


def test_every_route_has_its_own_throttle(template):
    stage = template.resources["Stage"]
    routes = template.of_type("AWS::ApiGatewayV2::Route")
    assert sorted(stage["Properties"]["RouteSettings"]) == sorted(route["RouteKey"] for route in routes.values())
    assert sorted(stage["DependsOn"]) == sorted(routes)


def test_cors_is_the_codes_own(template):
    for api in template.of_type("AWS::ApiGatewayV2::Api").values():
        assert "CorsConfiguration" not in api


def test_everything_calls_the_alias(template):
    """`$LATEST` changes while code is uploaded."""
    callers = [
        *(i["IntegrationUri"] for i in template.of_type("AWS::ApiGatewayV2::Integration").values()),
        *(p["FunctionName"] for p in template.of_type("AWS::Lambda::Permission").values()),
        *(target["Arn"] for rule in template.of_type("AWS::Events::Rule").values() for target in rule["Targets"]),
    ]
    assert all(ALIAS.fullmatch(caller["Ref"]) for caller in callers), callers
    assert template.document["Globals"]["Function"]["AutoPublishAlias"] == "live"


def test_every_function_crate_is_a_function_of_the_stack(template):
    # The authorizer goes with the APIs that it protects.
    crates = sorted({path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")} - {"authorizer"})
    functions = template.of_type("AWS::Serverless::Function")
    assert sorted(functions) == sorted(map(logical_id, crates))
    for crate in crates:
        function = functions[logical_id(crate)]
        assert function["FunctionName"]["Fn::Sub"] == f"${{AWS::StackName}}-{crate}"
        assert function["CodeUri"]["Key"]["Fn::Sub"] == f"${{Revision}}/tokensmith-{crate}.zip"
        # `cargo lambda deploy` puts in what the crate says.
        deploy = tomllib.loads(source(f"functions/{crate}/Cargo.toml"))["package"]["metadata"]["lambda"]["deploy"]
        assert function["MemorySize"] == deploy["memory"], crate
        assert timeout_of(template, logical_id(crate)) == deploy["timeout"], crate


def timeout_of(template, function):
    own = template.resources[function]["Properties"].get("Timeout")
    return own or template.document["Globals"]["Function"]["Timeout"]


def test_the_environment_is_what_the_code_reads(template):
    read = set(re.findall(r'"(TOKENSMITH_\w+)"', source("shared/aws/src/environment.rs")))
    common = template.document["Globals"]["Function"]["Environment"]["Variables"]
    own = [f.get("Environment", {}).get("Variables", {}) for f in template.of_type("AWS::Serverless::Function").values()]
    assert {*common, *(name for variables in own for name in variables)} == read


def test_logs_are_kept_for_a_while_and_not_forever(template):
    groups = template.of_type("AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    logging = template.document["Globals"]["Function"]["LoggingConfig"]
    assert logging == {"LogFormat": "JSON", "SystemLogLevel": "WARN"}
    for name, function in template.of_type("AWS::Serverless::Function").items():
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Log"}}


def test_no_concurrency_is_reserved_unless_asked_for(template):
    """A new account has ten, and cannot reserve one."""
    for function in template.of_type("AWS::Serverless::Function").values():
        assert "ReservedConcurrentExecutions" not in template.decided(function)
    reserving = Template(IssueConcurrency="50")
    issue = reserving.decided(reserving.resources["Issue"]["Properties"])
    assert issue["ReservedConcurrentExecutions"] == {"Ref": "IssueConcurrency"}


def test_the_lean_profile_logs_no_request():
    lean = Template(Profile="lean")
    assert "AccessLogSettings" not in lean.decided(lean.resources["Stage"]["Properties"])
    common = lean.decided(lean.document["Globals"]["Function"])
    assert common["Environment"]["Variables"]["TOKENSMITH_LOG"] == "warn"


@pytest.mark.parametrize("domain", ["", "login.example.com"])
def test_the_issuer_has_no_path(domain):
    template = Template(DomainName=domain, CertificateArn="arn:aws:acm:eu-west-1:111111111111:certificate/1")
    issuer = template.decided(template.document["Outputs"]["Issuer"]["Value"])["Fn::Sub"]
    assert re.fullmatch(r"https://[^/]+", issuer)
    assert issuer == template.decided(template.document["Globals"])["Function"]["Environment"]["Variables"]["TOKENSMITH_ISSUER"]["Fn::Sub"]
    assert template.resources["Stage"]["Properties"]["StageName"] == "$default"


def test_metric_filters_look_for_what_the_code_logs(template):
    error, log = source("shared/issuer/src/error.rs"), source("shared/issuer/src/request_log.rs")
    host, custody = source("shared/aws/src/host.rs"), source("shared/issuer/src/keys/custody.rs")
    reasons = {re.sub(r"(?<!^)(?=[A-Z])", "_", variant).lower() for variant in re.findall(r"^    (\w+)[,(]", error, re.M)}
    events = set(re.findall(r'event: "(\w+)"', host)) | set(re.findall(r'Level::\w+, "(\w+)"', host))
    known_texts = {"failure", "message", "status", "reason", "event"}
    assert known_texts <= set(re.findall(r"^\s+(?:pub )?(\w+):", log + host, re.M))
    for name, properties in template.of_type("AWS::Logs::MetricFilter").items():
        pattern = properties["FilterPattern"]
        assert set(re.findall(r"\$\.(\w+)", pattern)) <= known_texts, name
        assert set(re.findall(r'\$\.reason = "(\w+)"', pattern)) <= reasons, name
        assert set(re.findall(r'\$\.event = "(\w+)"', pattern)) <= events, name
        for text in re.findall(r'"\*(.+?)\*"', pattern):
            assert text in custody, name


def test_every_alarm_tells_somebody(template):
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in alarms.values())
    filtered = {t["MetricName"] for f in template.of_type("AWS::Logs::MetricFilter").values() for t in f["MetricTransformations"]}
    watched = re.findall(r'"MetricName": "(\w+)"', json.dumps(template.decided(alarms)))
    assert filtered <= set(watched)
