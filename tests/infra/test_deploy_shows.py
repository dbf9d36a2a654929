"""What a deployment shows before it does anything, what it asks, and how it says what cannot be done."""

import json
import os
import pty
import subprocess

import pytest

import deploy as infra_deploy
import options as command_line
import preflight
import stacks
from stack import ROOT

NOWHERE = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def cloudformation(emulator):
    return emulator.client("cloudformation")


@pytest.fixture
def parameter(cloudformation, stack):
    def parameter(name):
        (described,) = cloudformation.describe_stacks(StackName="tokensmith")["Stacks"]
        return next(each["ParameterValue"] for each in described["Parameters"] if each["ParameterKey"] == name)

    return parameter


def test_a_dry_run_shows_everything_and_changes_nothing(run_deploy, parameter, cloudformation):
    change_sets = lambda: cloudformation.list_change_sets(StackName="tokensmith")["Summaries"]
    before, planned = (parameter("AccessTtl"), parameter("Revision")), change_sets()
    done = run_deploy("--dry-run", "AccessTtl=7m")
    assert done.returncode == 0, done.stderr
    shown = done.stderr.splitlines()
    assert shown[0] == "account 000000000000, us-east-1, stack tokensmith"
    assert f"  AccessTtl: {before[0]} -> 7m" in shown
    assert "  change          AWS::Lambda::Function            Issue" in shown
    assert shown[-1] == "nothing was changed"
    assert (parameter("AccessTtl"), parameter("Revision")) == before
    assert change_sets() == planned


def test_a_dry_run_of_a_new_stack_leaves_nothing_behind(run_deploy, cloudformation, stack):
    done = run_deploy("--dry-run", "--stage", "example")
    assert done.returncode == 0, done.stderr
    assert "account 000000000000, us-east-1, stack tokensmith-example" in done.stderr
    assert "tokensmith-example-data is missing, and would be made with:\n  make   1 AWS::DynamoDB::Table" in done.stderr
    # Something that no parameter takes away: the emulator tells of all that there could be.
    assert "tokensmith-example would be made with:" in done.stderr and "make   2 AWS::Events::Rule" in done.stderr
    there = [each["StackName"] for each in cloudformation.list_stacks()["StackSummaries"] if each["StackStatus"] != "DELETE_COMPLETE"]
    assert not [name for name in there if name.startswith("tokensmith-example")]


@pytest.mark.parametrize(("answer", "changed"), [("n", False), ("y", True)])
def test_a_stack_that_is_there_is_changed_only_by_somebody_who_says_yes(emulator, code, parameter, answer, changed):
    before = parameter("AccessTtl")
    new = "14m" if before != "14m" else "13m"
    command = [ROOT / "infra" / "deploy", "--code", code, f"AccessTtl={new}"]
    us, them = pty.openpty()
    os.write(us, f"{answer}\n".encode())
    done = subprocess.run(command, env=emulator.environment, stdin=them, capture_output=True, text=True)
    os.close(us), os.close(them)
    assert "change it? [y/N] " in done.stdout
    assert (done.returncode, parameter("AccessTtl")) == ((0, new) if changed else (1, before)), done.stderr
    assert ("nothing was changed" in done.stderr) is not changed


def test_without_a_terminal_it_takes_yes(refused, parameter):
    before = parameter("AccessTtl")
    said = refused("AccessTtl=6m")
    assert "error: this stack is there already, and may be in use: repeat it with --yes to change it\nnothing was changed" in said
    assert parameter("AccessTtl") == before


def test_another_account_than_expected_is_refused(refused):
    said = refused("--yes", "--account", "111111111111")
    assert said == "error: these are credentials of the account 000000000000, and 111111111111 is expected: nothing was changed\n"


def test_the_file_of_a_stage_says_where_and_what(monkeypatch, tmp_path):
    stage = {"account": "111111111111", "region": "eu-west-1", "stack": "prod", "parameters": {"AccessTtl": "5m", "TokenRate": 50}, "tags": {"a": "b"}}
    (tmp_path / "prod.json").write_text(json.dumps(stage))
    monkeypatch.setattr(command_line, "STAGES", tmp_path)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr("sys.argv", ["deploy", "--stage", "prod", "AccessTtl=6m", "--tag", "c=d"])
    options = infra_deploy.parse_options()
    assert (options.account, options.stack, options.tags) == ("111111111111", "prod", {"a": "b", "c": "d"})
    # What is named goes before.
    assert options.parameters == {"AccessTtl": "6m", "TokenRate": "50"}
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(SystemExit, match="AWS_REGION is us-east-1, and the stage prod is in eu-west-1: nothing was changed"):
        infra_deploy.parse_options()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "prod.json is not JSON"),
        ("[]", "prod.json is not an object"),
        ('{"Parameters": {}}', "prod.json has Parameters, and may have account, region, stack, parameters, tags"),
        ('{"account": 111111111111}', "account must be a string"),
        ('{"parameters": []}', "parameters must be an object"),
    ],
)
def test_a_bad_file_of_a_stage_is_refused(monkeypatch, tmp_path, content, said):
    (tmp_path / "prod.json").write_text(content)
    monkeypatch.setattr(command_line, "STAGES", tmp_path)
    with pytest.raises(SystemExit, match=said):
        command_line.stage_of("prod")
    with pytest.raises(SystemExit, match="there is no .*dev.json; there are prod"):
        command_line.stage_of("dev")


@pytest.mark.parametrize(("script", "other"), [("deploy", {}), ("preflight", {"AWS_DEFAULT_REGION": "eu-west-1"})])
def test_aws_region_alone_is_enough_and_goes_before(emulator, code, stack, script, other):
    kept = {name: value for name, value in emulator.environment.items() if name != "AWS_DEFAULT_REGION"}
    environment = {**kept, **NOWHERE, "AWS_REGION": "us-east-1", **other}
    arguments = ["--dry-run", "--code", code] if script == "deploy" else []
    done = subprocess.run([ROOT / "infra" / script, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", ["deploy", "preflight"])
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AWS_DEFAULT_REGION": "", "AWS_REGION": ""}, "error: there is no Region: set AWS_REGION or AWS_PROFILE, or run `aws configure`\n"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "error: there are no credentials: set AWS_PROFILE, or run `aws configure`"),
        ({"AWS_PROFILE": "nobody"}, "error: The config profile (nobody) could not be found\n"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 'error: Could not connect to the endpoint URL: "http://127.0.0.1:9/"'),
    ],
    ids=["no region", "no credentials", "no profile", "no network"],
)
def test_what_is_missing_is_told_in_a_sentence(emulator, script, environment, said):
    kept = {name: value for name, value in {**emulator.environment, **NOWHERE, **environment}.items() if value != ""}
    done = subprocess.run([ROOT / "infra" / script], env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(said) and "Traceback" not in done.stderr


def test_what_one_may_not_do_is_told_in_a_sentence(emulator, refused):
    iam = emulator.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    said = refused(AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
    assert "error: AWS refuses DescribeStacks: " in said and "is not authorized to perform: cloudformation:DescribeStacks" in said


def test_code_that_is_not_there_is_told_in_a_sentence(refused, tmp_path, stack):
    said = refused("--yes", "--code", tmp_path)
    assert f"error: there is no {tmp_path}/tokensmith-issue/bootstrap.zip: --code takes an archive, or a directory" in said


def test_a_parameter_or_a_stack_that_is_not_there_is_named(refused, stack):
    assert "there is no parameter Algoritms; there are AccessTtl, " in refused("--yes", "Algoritms=RS256")
    assert "there is no stack nobody" in refused("--yes", "--template", "infra/example-api.yaml", "--of", "nobody")
    assert "there is no template nowhere.yaml" in refused("--template", "nowhere.yaml")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ROLLBACK_COMPLETE", "could not be made the last time; delete it first, which touches no data: aws cloudformation delete-stack --stack-name s"),
        ("DELETE_FAILED", "could not be deleted the last time; delete it first"),
        ("UPDATE_ROLLBACK_FAILED", "could not go back after its last update: aws cloudformation continue-update-rollback --stack-name s"),
        ("UPDATE_IN_PROGRESS", "somebody changes it; wait until that is over"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "somebody changes it; wait until that is over"),
    ],
)
def test_a_stack_that_cannot_be_changed_is_refused_with_what_to_do(status, said):
    stack = stacks.Stack.__new__(stacks.Stack)
    stack.name, stack.__dict__["described"] = "s", {"StackStatus": status}
    (obstacle,) = preflight.obstacles(stack, command_line.TEMPLATE)
    assert said in obstacle and status in obstacle


def test_what_needs_a_value_is_named_before_anything_is_built():
    # The emulator says of every parameter that it has a default.
    with pytest.raises(SystemExit, match="no value for Issuer: name it, or with --of"):
        infra_deploy.require_values({"Issuer": None, "Audience": "", "Revision": None}, but=infra_deploy.OWN)
    values = infra_deploy.chosen({"Issuer": None, "Architecture": None}, {}, {})
    assert values == {"Issuer": None, "Architecture": infra_deploy.own_architecture()}


def test_a_version_that_failed_is_published_again_under_another_name():
    """To Lambda, a version that differs in nothing is the one that failed."""
    from datetime import datetime, timezone
    from types import SimpleNamespace

    def revision(status="UPDATE_COMPLETE", current=""):
        run = infra_deploy.Deployment.__new__(infra_deploy.Deployment)
        run.template_url = "template"
        described = {"LastUpdatedTime": datetime(2026, 1, 1, tzinfo=timezone.utc)}
        run.stack = SimpleNamespace(parameters={"Revision": current}, status=status, described=described)
        return run.revision({"AccessTtl": "15m", "Revision": "ignored"}, {"a.zip": b"code"})

    first = revision()
    assert revision(current=first) == revision("UPDATE_ROLLBACK_COMPLETE", first) == first
    again = revision("UPDATE_ROLLBACK_COMPLETE", "0123456789abcdef")
    assert again == f"{first}-1767225600"
    # It stays what it is called.
    assert revision(current=again) == again
