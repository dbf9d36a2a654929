"""A value, a build or a table with which the service could not work never gets in front of callers: the old version answers meanwhile."""

import pytest

from issuer import Issuer
from watch import Watch

NO_TABLE = "no-such-table"


@pytest.fixture(scope="module")
def issuer(emulator, stack, tokensmith):
    made = tokensmith(stack, "client", "create", "--id", "watching", "--scope", "read", "--default-scope", "read")
    return Issuer(emulator.api(stack["Api"]), made)


@pytest.fixture
def live(emulator, stack):
    """The versions that callers get."""

    def live():
        functions = [name for output, name in stack.items() if output.endswith("Function")]
        aliases = {name: emulator.client("lambda").get_alias(FunctionName=name, Name="live") for name in functions}
        return {name: alias["FunctionVersion"] for name, alias in aliases.items()}

    return live


@pytest.fixture
def nothing_happens(refused, emulator, stack, issuer, live):
    """A deployment that is refused while somebody uses the service, who sees nothing of it; returns why it was refused."""

    def nothing_happens(*arguments):
        before = live()
        with Watch(issuer):
            said = refused("--yes", *arguments)
        assert live() == before
        (described,) = emulator.client("cloudformation").describe_stacks(StackName="tokensmith")["Stacks"]
        assert described["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
        return said

    return nothing_happens


@pytest.fixture(scope="module")
def empty_table(emulator, stack):
    """A table like the stack's, in which nothing is."""
    dynamodb = emulator.client("dynamodb")
    like = dynamodb.describe_table(TableName=stack["Table"])["Table"]
    indexes = [{key: index[key] for key in ("IndexName", "KeySchema", "Projection")} for index in like["GlobalSecondaryIndexes"]]
    dynamodb.create_table(
        TableName="empty",
        KeySchema=like["KeySchema"],
        AttributeDefinitions=like["AttributeDefinitions"],
        GlobalSecondaryIndexes=indexes,
        BillingMode="PAY_PER_REQUEST",
    )
    return "empty"


def test_invariant_14_a_bad_value_is_refused_before_anything_is_changed(nothing_happens, emulator):
    states = lambda: [event["EventId"] for event in emulator.client("cloudformation").describe_stack_events(StackName="tokensmith")["StackEvents"]]
    before = states()
    assert "Parameter 'AccessTtl' must be a duration, such as 90s, 15m" in nothing_happens("AccessTtl=banana")
    assert states() == before


def test_invariant_14_a_value_with_which_functions_do_not_start_is_rolled_back(nothing_happens):
    said = nothing_happens("CacheTtl=1h")
    assert "it does not start: TOKENSMITH_CACHE_TTL must be from 0s to 5m" in said
    assert "tokensmith was not updated: it is as it was before, and has answered all the time" in said
    # The same again: to Lambda it would be no new version.
    again = nothing_happens("CacheTtl=1h")
    assert "it does not start: TOKENSMITH_CACHE_TTL must be from 0s to 5m" in again
    # What failed the first time is not told again.
    assert again.count("Checked: ") == 1


def test_invariant_14_a_build_that_does_not_run_is_rolled_back(nothing_happens, code_with):
    said = nothing_happens("--code", code_with("tokensmith-jwks", "#!/bin/sh\necho no such library\nexit 127\n"))
    assert "Checked: tokensmith-jwks:" in said and "it does not start" in said and "no such library" in said


@pytest.mark.parametrize("before_it_is_tried", [True, False])
def test_invariant_14_a_table_that_is_not_there(nothing_happens, before_it_is_tried):
    options = [] if before_it_is_tried else ["--no-preflight"]
    assert f"there is no table {NO_TABLE} in " in nothing_happens(f"Table={NO_TABLE}", *options)


def test_invariant_14_an_empty_table_never_takes_the_place_of_data(nothing_happens, stack, empty_table):
    said = nothing_happens(f"Table={empty_table}")
    assert f"the table empty has no issuer: it is empty, and tokensmith has data in {stack['Table']}" in said
    assert "the table empty has no signing keys" in nothing_happens(f"Table={empty_table}", "--no-preflight")


def test_invariant_14_the_table_of_another_stack_stays_its_own(nothing_happens, emulator, stack, stack_in_kms):
    other = stack_in_kms["Table"]
    owner = lambda: emulator.client("dynamodb").get_item(TableName=other, Key={"pk": {"S": "KEYS"}, "sk": {"S": "SETTINGS"}})["Item"]["issuer"]
    said = nothing_happens(f"Table={other}", f"WrappingKey={stack_in_kms['WrappingKey']}")
    assert f"the table {other} belongs to the issuer {stack_in_kms['Issuer']}, and this stack is the issuer {stack['Issuer']}" in said
    said = nothing_happens(f"Table={other}", f"WrappingKey={stack_in_kms['WrappingKey']}", "--no-preflight")
    assert f"the table belongs to the issuer {stack_in_kms['Issuer']}" in said
    assert owner() == {"S": stack_in_kms["Issuer"]}


def test_invariant_14_the_wrapping_key_is_the_one_that_has_wrapped_the_keys(nothing_happens, stack, stack_in_kms):
    other, missing = stack_in_kms["WrappingKey"], stack["WrappingKey"].rpartition("/")[0] + "/mrk-00000000000000000000000000000000"
    said = nothing_happens(f"WrappingKey={other}")
    assert f"are wrapped by {stack['WrappingKey']}, not by {other}: deploy with WrappingKey={stack['WrappingKey']}" in said
    assert f"there is no KMS key {missing}" in nothing_happens(f"WrappingKey={missing}")
    assert "the table belongs to the issuer" in nothing_happens(f"WrappingKey={other}", "--no-preflight")


def test_invariant_14_another_domain_is_another_issuer(nothing_happens, stack):
    said = nothing_happens("DomainName=other.example.com")
    assert f"belongs to the issuer {stack['Issuer']}, and this stack is the issuer https://other.example.com" in said


def test_the_next_good_deployment_works_while_the_service_is_used(deploy, issuer, live):
    before = live()
    with Watch(issuer):
        deploy("AccessTtl=10m")
    assert all(int(version) > int(before[function]) for function, version in live().items())
    assert issuer.post("/oauth2/token", grant_type="client_credentials").json()["expires_in"] == 600


def test_a_version_says_which_revision_it_is(emulator, stack):
    """Who looks at a version sees what it was made of, and the check says the same."""
    (described,) = emulator.client("cloudformation").describe_stacks(StackName="tokensmith")["Stacks"]
    (revision,) = (each["ParameterValue"] for each in described["Parameters"] if each["ParameterKey"] == "Revision")
    functions = emulator.client("lambda")
    configuration = functions.get_function_configuration(FunctionName=stack["IssueFunction"], Qualifier="live")
    assert configuration["Description"] == revision
    called = functions.invoke(FunctionName=stack["IssueFunction"], Qualifier="live", Payload=b'{"tokensmith":"check"}')
    assert f'"revision":"{revision}"' in called["Payload"].read().decode().replace(" ", "")
