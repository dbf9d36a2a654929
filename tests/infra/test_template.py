"""What neither AWS's schemas nor the emulator can see: that the template and the code say the same."""

import json
import re
import tomllib

import pytest

from stack import DATA, EVERYWHERE, EXAMPLE, PATHS, PEOPLE, ROOT, TEMPLATE, Template


@pytest.fixture
def template(template_of_people):
    """All that the service can have."""
    return template_of_people


@pytest.fixture(params=[(TEMPLATE, {}), (TEMPLATE, PEOPLE), (EXAMPLE, {})], ids=["template", "people", "example"])
def each_template(request):
    path, parameters = request.param
    return Template(path, **parameters)


@pytest.fixture(scope="module")
def example():
    return Template(EXAMPLE)


@pytest.fixture(scope="module")
def data():
    return Template(DATA)


def source(path):
    return (ROOT / path).read_text()


def test_the_table_is_the_one_that_the_code_makes(data):
    code = source("shared/local/src/table_definition.rs")
    table = data.resources["Table"]["Properties"]
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


def test_records_expire_by_the_attribute_that_the_table_expires_by(data):
    attribute = re.search(r'pub\(super\) const TTL: &str = "(\w+)"', source("shared/issuer/src/store/item.rs"))[1]
    assert data.resources["Table"]["Properties"]["TimeToLiveSpecification"]["AttributeName"] == attribute


def test_the_table_and_its_key_outlive_their_stack(data):
    assert sorted(data.resources) == ["Table", "WrappingKey"]
    for resource in data.resources.values():
        # What could not be made completely goes again.
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    table = data.resources["Table"]["Properties"]
    assert table["DeletionProtectionEnabled"] and table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    # A protected table cannot go when its stack fails after it.
    assert data.resources["Table"]["DependsOn"] == "WrappingKey"
    # A Region can be added to a key only if it was made for that.
    assert data.resources["WrappingKey"]["Properties"]["MultiRegion"] is True


def test_the_service_has_no_data_of_its_own(template, data):
    assert set(data.document["Outputs"]) == {"Table", "WrappingKey"} <= set(template.document["Parameters"])
    kinds = {resource["Type"] for resource in template.resources.values()}
    assert not kinds & {"AWS::DynamoDB::Table", "AWS::KMS::Key"}


def test_every_endpoint_that_a_function_serves_has_its_route_and_no_other():
    paths = {path for path in PATHS.values() if served_by(path)}
    # An operator turns these on.
    reports = {PATHS["secret_scanning"]}
    people = {path for path in paths if served_by(path) == ["Authorize"]}
    assert PATHS["login"] in people
    cases = [
        (Template(), paths - reports - people),
        (Template(SecretScanning="on"), paths - people),
        (Template(**PEOPLE), paths - reports),
        (Template(**PEOPLE, SecretScanning="on"), paths),
    ]
    for stack, expected in cases:
        routes = [route["RouteKey"] for route in stack.of_type("AWS::ApiGatewayV2::Route").values()]
        # ANY, so that 405 and CORS are the endpoint's own.
        assert sorted(routes) == sorted(f"ANY {path}" for path in expected)


def test_every_integration_may_call_its_function_and_nobody_else_may(each_template):
    integrations = each_template.of_type("AWS::ApiGatewayV2::Integration")
    allowed = [alias for alias, arn in permissions_of(each_template) if arn.endswith(":${Api}/*/*")]
    assert sorted(allowed) == sorted(integration["IntegrationUri"]["Ref"] for integration in integrations.values())
    for integration in integrations.values():
        assert integration["PayloadFormatVersion"] == "2.0"
        assert integration["TimeoutInMillis"] > 1000 * timeout_of(each_template, function_of(integration["IntegrationUri"]["Ref"]))


def function_of(alias):
    """The function whose alias that is, by their names in a template."""
    assert alias.endswith("Live"), f"{alias} is no alias"
    return alias.removesuffix("Live")


def permissions_of(template):
    """The functions that API Gateway may call, each with what may make it do so."""
    for permission in template.of_type("AWS::Lambda::Permission").values():
        if permission["Principal"] == "apigateway.amazonaws.com":
            yield permission["FunctionName"]["Ref"], permission["SourceArn"]["Fn::Sub"]


def integration_of(template, route):
    name = re.fullmatch(r"integrations/\$\{(\w+)\}", route["Target"]["Fn::Sub"])[1]
    return template.of_type("AWS::ApiGatewayV2::Integration")[name]


def test_every_route_reaches_the_function_that_serves_it(template):
    for name, route in template.of_type("AWS::ApiGatewayV2::Route").items():
        alias = integration_of(template, route)["IntegrationUri"]["Ref"]
        assert function_of(alias) in served_by(route["RouteKey"].removeprefix("ANY ")), name


def served_by(path):
    """The functions whose `main` serves the endpoint at `path`."""
    (endpoint,) = (name for name, known in PATHS.items() if known == path)
    mains = (ROOT / "functions").glob("*/src/main.rs")
    return [logical_id(main.parts[-3]) for main in mains if re.search(rf"\b{endpoint}\(\)", main.read_text())]


def logical_id(function):
    return "".join(part.title() for part in function.split("-"))


def test_every_route_has_its_own_throttle(template):
    stage = template.resources["Stage"]
    routes = template.of_type("AWS::ApiGatewayV2::Route")
    settings = template.decided(stage["Properties"])["RouteSettings"]
    assert sorted(settings) == sorted(route["RouteKey"] for route in routes.values())
    # Settings of a route that is not there yet are refused. What is optional cannot be in DependsOn.
    referred = [each["Ref"] for each in template.decided(stage["Metadata"])["RoutesOfPeople"]]
    assert sorted([*stage["DependsOn"], *referred]) == sorted(routes)


def test_a_throttle_is_for_a_route_that_is_there():
    template = Template()
    stage = template.resources["Stage"]
    routes = template.of_type("AWS::ApiGatewayV2::Route")
    settings = template.decided(stage["Properties"])["RouteSettings"]
    assert sorted(settings) == sorted(route["RouteKey"] for route in routes.values())
    assert sorted(stage["DependsOn"]) == sorted(routes) and template.decided(stage["Metadata"])["RoutesOfPeople"] == []


def test_the_authorizer_may_be_called_and_keeps_no_result(example):
    (authorizer,) = example.of_type("AWS::ApiGatewayV2::Authorizer").values()
    assert ("AuthorizerLive", "${Api}/authorizers/${TokenAuthorizer}") in [
        (function, arn.split("${AWS::AccountId}:")[1]) for function, arn in permissions_of(example)
    ]
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    # As the variable tells the function, for events do not say it.
    assert authorizer["AuthorizerPayloadFormatVersion"] == "2.0" and authorizer["EnableSimpleResponses"] is True
    assert variables_of(example, "Authorizer")["TOKENSMITH_AUTHORIZER_RESPONSE"] == "simple"


def test_the_authorizer_knows_the_scopes_of_every_route_that_it_stands_before(example):
    routes = example.of_type("AWS::ApiGatewayV2::Route").values()
    protected = [route["RouteKey"] for route in routes if route["AuthorizationType"] == "CUSTOM"]
    assert protected and sorted(json.loads(variables_of(example, "Authorizer")["TOKENSMITH_ROUTE_SCOPES"])) == sorted(protected)
    assert all(route["AuthorizerId"] == {"Ref": "TokenAuthorizer"} for route in routes if "AuthorizerId" in route)


def test_cors_is_the_codes_own(each_template):
    for api in each_template.of_type("AWS::ApiGatewayV2::Api").values():
        assert "CorsConfiguration" not in api


def test_everything_calls_the_alias(each_template):
    """`$LATEST` changes while code is uploaded."""
    callers = [
        *(i["IntegrationUri"] for i in each_template.of_type("AWS::ApiGatewayV2::Integration").values()),
        *(a["AuthorizerUri"]["Fn::Sub"][1]["Function"] for a in each_template.of_type("AWS::ApiGatewayV2::Authorizer").values()),
        *(p["FunctionName"] for p in each_template.of_type("AWS::Lambda::Permission").values()),
        *(target["Arn"] for rule in each_template.of_type("AWS::Events::Rule").values() for target in rule["Targets"]),
    ]
    aliases = each_template.of_type("AWS::Lambda::Alias")
    assert callers and all(caller["Ref"] in aliases for caller in callers), callers


def test_an_alias_moves_only_after_every_new_version_was_checked(each_template):
    functions = each_template.of_type("AWS::Serverless::Function")
    versions, aliases = each_template.of_type("AWS::Lambda::Version"), each_template.of_type("AWS::Lambda::Alias")
    assert versions == {
        # A new description is a new version.
        f"{name}Version": {"FunctionName": {"Ref": name}, "Description": {"Ref": "Revision"}} for name in functions
    }
    assert aliases == {
        f"{name}Live": {
            "FunctionName": {"Ref": name},
            "FunctionVersion": {"Fn::GetAtt": [f"{name}Version", "Version"]},
            "Name": "live",
        }
        for name in functions
    }
    assert all(each_template.resources[alias]["DependsOn"] == "Checked" for alias in aliases)
    for version in versions:
        resource = each_template.resources[version]
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    checked = each_template.resources["Checked"]["Properties"]
    # All of the service's; in the example those of the project, for other functions answer their own events only.
    ours = functions.keys() - {"Orders"}
    assert each_template.decided(checked["Versions"]) == [{"Ref": f"{name}Version"} for name in functions if name in ours]
    # A version without keys is good only while the stack is made that makes them.
    assert ("KeysMayBeMissingAtFirst" in checked) == (each_template.path == TEMPLATE)
    # It answers before CloudFormation gives up.
    assert checked["ServiceTimeout"] > each_template.resources["Check"]["Properties"]["Timeout"]


def test_what_a_version_is_made_of_changes_with_the_revision(each_template):
    """Lambda publishes no version of a function in which nothing has changed."""
    for name in each_template.of_type("AWS::Serverless::Function"):
        assert variables_of(each_template, name)["TOKENSMITH_REVISION"] == {"Ref": "Revision"}


def test_what_runs_is_replaced_with_the_table_and_not_changed(each_template):
    """A change of a role or a policy in place would take the table from the version that is live, before the new one was checked."""
    kinds = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
    for name, resource in each_template.resources.items():
        if resource["Type"] in kinds and name != "CheckRole":
            path = json.dumps(resource["Properties"]["Path"])
            assert "${RolePath}" in path and "${Table}" in path, name
            if "WrappingKey" in each_template.document["Parameters"]:
                assert '{"Ref": "WrappingKey"}' in path and "${Key}" in path and "${Custody}" in path, name


def test_a_company_can_bound_its_roles_and_encrypt_its_logs(each_template):
    rules = {"PermissionsBoundary": "arn:aws:iam::111111111111:policy/boundary", "LogKey": "key"}
    bounded = Template(each_template.path, **{**each_template.parameters, **EVERYWHERE, **rules})
    for role in bounded.of_type("AWS::IAM::Role").values():
        assert bounded.decided(role)["PermissionsBoundary"] == {"Ref": "PermissionsBoundary"}
    for group in bounded.of_type("AWS::Logs::LogGroup").values():
        assert bounded.decided(group)["KmsKeyId"] == {"Ref": "LogKey"}
    for kind, name in (("AWS::IAM::Role", "PermissionsBoundary"), ("AWS::Logs::LogGroup", "KmsKeyId")):
        assert all(name not in each_template.decided(each) for each in each_template.of_type(kind).values())


def test_every_function_crate_is_a_function_of_the_stack(template):
    # The authorizer goes with the APIs that it protects.
    crates = sorted({path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")} - {"authorizer"})
    assert sorted(template.of_type("AWS::Serverless::Function")) == sorted(map(logical_id, crates))
    for crate in crates:
        is_made_from(f"functions/{crate}", template, logical_id(crate))


def test_the_example_has_the_authorizer_and_the_verifiers_example(example):
    assert sorted(example.of_type("AWS::Serverless::Function")) == ["Authorizer", "Orders"]
    is_made_from("functions/authorizer", example, "Authorizer")
    is_made_from("infra/example", example, "Orders")


def is_made_from(crate, template, name):
    function, manifest = template.resources[name]["Properties"], tomllib.loads(source(f"{crate}/Cargo.toml"))
    package = manifest["package"]
    (binary,) = manifest.get("bin", [package])
    assert logical_id(function["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")) == name
    assert function["CodeUri"]["Key"]["Fn::Sub"] == f"${{AWS::StackName}}/${{Revision}}/{binary['name']}.zip"
    # `cargo lambda deploy` puts in what the crate says.
    deploy = package["metadata"]["lambda"]["deploy"]
    assert setting_of(template, name, "MemorySize") == deploy["memory"], crate
    assert timeout_of(template, name) == deploy["timeout"], crate
    assert template.value(setting_of(template, name, "Tracing")).lower() == deploy["tracing"], crate


def timeout_of(template, function):
    return setting_of(template, function, "Timeout")


def setting_of(template, function, name):
    own = template.resources[function]["Properties"].get(name)
    return own or template.document["Globals"]["Function"][name]


def variables_of(template, function):
    """The environment of a function."""
    common = template.document["Globals"]["Function"]["Environment"]["Variables"]
    return {**common, **template.resources[function]["Properties"].get("Environment", {}).get("Variables", {})}


def test_the_environment_is_what_the_code_reads(template):
    read = set(re.findall(r'"(TOKENSMITH_\w+)"', source("shared/aws/src/environment.rs")))
    # Only the command and the authorizer, which is in another stack, go by it.
    read.remove("TOKENSMITH_FEED_INTERVAL")
    functions = template.of_type("AWS::Serverless::Function")
    assert {variable for function in functions for variable in variables_of(template, function)} == read


def test_the_environment_of_the_example_is_what_its_code_reads(example):
    common, own = source("shared/aws/src/environment.rs"), source("functions/authorizer/src/environment.rs")
    constants = dict(re.findall(r'const (\w+): &str = "(TOKENSMITH_\w+)"', common + own))
    used = re.findall(r"variables\s*\.\w+\((\w+),", own)
    assert set(variables_of(example, "Authorizer")) == {constants[name] for name in used}
    verifier = source("shared/verifier/examples/protected_lambda.rs")
    # The last is for Lambda.
    assert set(variables_of(example, "Orders")) == {*re.findall(r'env::var\("(\w+)"\)', verifier), "TOKENSMITH_REVISION"}


def test_logs_are_kept_for_a_while_and_not_forever(each_template):
    each_template = Template(each_template.path, **{**each_template.parameters, **EVERYWHERE})
    groups = each_template.of_type("AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    # A log outlives its stack, so that it must have a name of which there is one only.
    for name, group in groups.items():
        resource = each_template.resources[name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
        assert "LogGroupName" not in group or "AWS::StackId" in json.dumps(group["LogGroupName"])
    logging = each_template.document["Globals"]["Function"]["LoggingConfig"]
    assert logging == {"LogFormat": "JSON", "SystemLogLevel": "WARN"}
    for name, function in each_template.of_type("AWS::Serverless::Function").items():
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Log"}}


def test_no_concurrency_is_reserved_unless_asked_for():
    """A new account has ten, and cannot reserve one."""
    template = Template()
    for function in template.of_type("AWS::Serverless::Function").values():
        assert "ReservedConcurrentExecutions" not in template.decided(function)
    reserving = Template(IssueConcurrency="50")
    issue = reserving.decided(reserving.resources["Issue"]["Properties"])
    assert issue["ReservedConcurrentExecutions"] == {"Ref": "IssueConcurrency"}


def test_who_guesses_passwords_cannot_use_up_the_accounts_concurrency(template):
    authorize = template.decided(template.resources["Authorize"]["Properties"])
    assert authorize["ReservedConcurrentExecutions"] == {"Ref": "SignInConcurrency"}
    assert int(template.value({"Ref": "SignInConcurrency"})) > 0
    others = template.of_type("AWS::Serverless::Function").items()
    assert not [name for name, each in others if name != "Authorize" and "ReservedConcurrentExecutions" in template.decided(each)]
    # For an account that cannot reserve any yet.
    unbounded = Template(**PEOPLE, SignInConcurrency="")
    assert "ReservedConcurrentExecutions" not in unbounded.decided(unbounded.resources["Authorize"]["Properties"])


def test_nothing_of_people_is_there_unless_they_sign_in():
    there = Template().resources
    added = {name for name in Template(**PEOPLE).resources if name not in there}
    kinds = {"Authorize", "AuthorizeRole", "LoginRoute", "SignsIn", "SlowSignIns", "WhatAPersonDid"}
    assert kinds <= added - {"Domain", "DomainMapping"}
    assert Template().parameters["SignIn"] == "off"


def test_where_people_sign_in_is_a_domain():
    rules = Template().document["Rules"]
    on, named = {"Fn::Equals": [{"Ref": "SignIn"}, "on"]}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "DomainName"}, ""]}]}
    (rule,) = (rule for rule in rules.values() if rule["RuleCondition"] == on)
    assert [each["Assert"] for each in rule["Assertions"]] == [named]


def test_the_lean_profile_logs_no_request():
    lean = Template(Profile="lean")
    assert "AccessLogSettings" not in lean.decided(lean.resources["Stage"]["Properties"])
    common = lean.decided(lean.document["Globals"]["Function"])
    assert common["Environment"]["Variables"]["TOKENSMITH_LOG"] == "warn"
    # Nobody counts lines that are not written.
    people = Template(**PEOPLE, Profile="lean")
    assert not {"ManyFailedSignIns", "FailedSignIns", "OtherSignIns"} & set(people.resources)


@pytest.mark.parametrize("domain", ["", "login.example.com"])
def test_the_issuer_has_no_path(domain):
    template = Template(DomainName=domain, CertificateArn="arn:aws:acm:eu-west-1:111111111111:certificate/1")
    issuer = template.decided(template.document["Outputs"]["Issuer"]["Value"])["Fn::Sub"]
    assert re.fullmatch(r"https://[^/]+", issuer)
    assert issuer == template.decided(template.document["Globals"])["Function"]["Environment"]["Variables"]["TOKENSMITH_ISSUER"]["Fn::Sub"]
    assert template.resources["Stage"]["Properties"]["StageName"] == "$default"


def reasons_of_the_issuer():
    """The variants of its errors, as they are logged."""
    error = "".join(path.read_text() for path in sorted((ROOT / "shared/issuer/src/error").glob("*.rs")))
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", variant).lower() for variant in re.findall(r"^    (\w+)[,(]", error, re.M)}


def test_metric_filters_look_for_what_the_code_logs(template):
    custody = source("shared/issuer/src/keys/custody.rs")
    reasons = reasons_of_the_issuer()
    # A test of the code makes sure that it logs what is on the page.
    logged = set(re.findall(r"^\| `(\w+)` \|", source("docs/events.md"), re.M))
    for name, properties in template.of_type("AWS::Logs::MetricFilter").items():
        pattern = properties["FilterPattern"]
        assert set(re.findall(r"\$\.(\w+)", pattern)) <= logged, name
        assert set(re.findall(r'\$\.reason = "(\w+)"', pattern)) <= reasons, name
        assert set(re.findall(r'\$\.event = "(\w+)"', pattern)) <= logged, name
        for text in re.findall(r'"\*(.+?)\*"', pattern):
            assert text in custody, name


def test_the_example_looks_for_what_the_authorizer_logs(example):
    page, reasons = source("docs/events.md"), source("shared/authorizer/src/log.rs")
    logged = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    outcomes = {"ok", "denied", "unavailable", "authorize", "refused"}
    assert all(f"`{outcome}`" in page for outcome in outcomes)
    for name, properties in example.of_type("AWS::Logs::MetricFilter").items():
        assert set(re.findall(r"\$\.(\w+)", json.dumps(properties))) <= logged, name
        texts = set(re.findall(r'= "(\w+)"', properties["FilterPattern"]))
        assert texts and texts <= outcomes | reasons_of_the_issuer() | set(re.findall(r'"(\w+)"', reasons)), name


def test_every_alarm_tells_somebody(each_template):
    alarms = each_template.of_type("AWS::CloudWatch::Alarm")
    for alarm in Template(each_template.path, Alarms="arn:aws:sns:eu-west-1:111111111111:alarms").decided(alarms).values():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
    filters = each_template.of_type("AWS::Logs::MetricFilter").values()
    filtered = {transformation["MetricName"] for each in filters for transformation in each["MetricTransformations"]}
    watched = re.findall(r'"MetricName": "(\w+)"', json.dumps(each_template.decided(alarms)))
    assert filtered <= set(watched)
