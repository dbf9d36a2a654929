"""No deployment takes data away: they are in a stack of their own, and outlive a service that could not be made or was deleted."""

import json

import pytest
from botocore.exceptions import ClientError

from issuer import Issuer, new_client
from stack import DATA

OWN_DOMAIN = ("DomainName=lost.example.com", "CertificateArn=arn:aws:acm:us-east-1:000000000000:certificate/lost")
BROKEN = "#!/bin/sh\nexit 1\n"


@pytest.fixture(scope="module")
def described(emulator):
    return lambda name: emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]


def outputs_of(described):
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


@pytest.fixture(scope="module")
def lost(refused, deploy, code_with, delete, described):
    """The outputs of a stack that could not be made at first."""
    said = refused("--stack", "lost", "--code", code_with("tokensmith-issue", BROKEN), *OWN_DOMAIN)
    assert "error: lost was not made. the stack lost is ROLLBACK_COMPLETE" in said and "lost-issue:1: it does not start" in said
    data = described("lost-data")
    assert data["StackStatus"] == "CREATE_COMPLETE"
    # Again it is refused before anything is done.
    said = refused("--stack", "lost", *OWN_DOMAIN)
    assert "it could not be made the last time; delete it first, which touches no data: aws cloudformation delete-stack --stack-name lost" in said
    delete("lost")
    made = deploy("--stack", "lost", *OWN_DOMAIN)
    assert outputs_of(data).items() <= made.items()
    return made


@pytest.fixture(scope="module")
def used(lost, emulator, tokensmith):
    """A client of it, and a refresh token."""
    made = new_client(tokensmith, lost, "old")
    granted = tokensmith(lost, "grant", "create", "--client", "old", "--subject", "sensor-1", "--scope", "read")
    return made, granted["refresh_token"]


def logs_of(emulator, stack):
    """The names of a stack's log groups."""
    listed = emulator.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {each["PhysicalResourceId"] for each in listed if each["ResourceType"] == "AWS::Logs::LogGroup"}


def works(emulator, outputs, client, refresh_token):
    """Whether the old client and the old refresh token are good; returns the next one."""
    issuer = Issuer(emulator.api(outputs["Api"]), client)
    assert issuer.is_active(issuer.token())
    refreshed = issuer.post("/oauth2/refresh", grant_type="refresh_token", refresh_token=refresh_token)
    assert refreshed.status_code == 200, refreshed.text
    return refreshed.json()["refresh_token"]


def test_data_have_a_stack_of_their_own_that_nobody_deletes_by_accident(lost, described, emulator):
    cloudformation = emulator.client("cloudformation")
    for name in ("lost", "lost-data"):
        assert described(name)["EnableTerminationProtection"], name
        with pytest.raises(ClientError, match="TerminationProtection is enabled"):
            cloudformation.delete_stack(StackName=name)
    table = emulator.client("dynamodb").describe_table(TableName=lost["Table"])["Table"]
    assert table["DeletionProtectionEnabled"]


def test_a_stack_that_was_deleted_comes_back_and_old_clients_and_refresh_tokens_work(used, lost, deploy, delete, emulator, described):
    client, refresh_token = used
    refresh_token = works(emulator, lost, client, refresh_token)
    logs = logs_of(emulator, "lost")
    delete("lost")
    again = deploy("--stack", "lost", *OWN_DOMAIN)
    assert again["Api"] != lost["Api"] and again["Table"] == lost["Table"]
    # The logs of the one that was deleted are not in the way, and still tell what happened.
    kept = {group["logGroupName"] for group in emulator.client("logs").describe_log_groups()["logGroups"]}
    assert logs and logs <= kept and not logs & logs_of(emulator, "lost")
    refresh_token = works(emulator, again, client, refresh_token)

    # And when the data stack was deleted as well: what was in it is still there, and is named.
    delete("lost")
    delete("lost-data")
    data = [f"{name}={lost[name]}" for name in ("Table", "WrappingKey")]
    again = deploy("--stack", "lost", *OWN_DOMAIN, *data)
    works(emulator, again, client, refresh_token)
    # From then on they need not be named, and no second data stack is made.
    assert deploy("--stack", "lost", "AccessTtl=10m")["Table"] == lost["Table"]
    with pytest.raises(ClientError, match="does not exist"):
        described("lost-data")


def test_a_table_without_its_key_is_not_taken_for_data(refused, lost):
    said = refused("--stack", "half", "Table=restored-somewhere", "--no-preflight")
    assert "no value for WrappingKey" in said
    said = refused("--stack", "half", f"Table={lost['Table']}", f"WrappingKey={lost['WrappingKey']}")
    assert f"the table {lost['Table']} belongs to the issuer https://lost.example.com, and this stack's issuer URL will be that of its new API" in said


def test_the_data_stack_is_changed_only_when_that_is_asked_for(run_deploy, refused, stack, emulator, described):
    before = described("tokensmith-data").get("LastUpdatedTime")
    assert run_deploy("--yes").returncode == 0
    assert described("tokensmith-data").get("LastUpdatedTime") == before
    # It is as data.yaml says.
    done = run_deploy("--update-data")
    assert done.returncode == 0 and "tokensmith-data is as it should be" in done.stderr


def test_another_stack_of_that_name_is_not_taken_for_data(refused, emulator):
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(StackName="other-data", TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}')
    cloudformation.get_waiter("stack_create_complete").wait(StackName="other-data", WaiterConfig={"Delay": 1})
    said = refused("--stack", "other", "--no-preflight")
    assert "error: the stack other-data has no output Table and no WrappingKey: it is not one of infra/data.yaml; choose another --stack" in said


@pytest.fixture
def other_data(emulator, deploy, refused):
    """Makes tokensmith-data another stack than data.yaml says, by this change of its template."""
    cloudformation = emulator.client("cloudformation")

    def other_data(old, new):
        body = DATA.read_text().replace(old, new)
        assert new in body
        cloudformation.update_stack(StackName="tokensmith-data", TemplateBody=body)
        cloudformation.get_waiter("stack_update_complete").wait(StackName="tokensmith-data", WaiterConfig={"Delay": 1})

    return other_data


def test_a_change_of_the_data_stack_is_shown_and_asked_for(run_deploy, refused, stack, other_data, emulator, described):
    other_data("DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false")
    is_protected = lambda: emulator.client("dynamodb").describe_table(TableName=stack["Table"])["Table"]["DeletionProtectionEnabled"]
    assert not is_protected()
    for arguments in (["--update-data"], ["--update-data", "--dry-run", "--yes"]):
        said = run_deploy(*arguments).stderr
        assert "change          AWS::DynamoDB::Table             Table" in said and "nothing was changed" in said
    assert not is_protected()
    assert run_deploy("--update-data", "--yes").returncode == 0
    assert is_protected()


def test_the_data_stack_replaces_nothing(refused, stack, described, monkeypatch):
    """A table that is replaced is left behind, and the service with it."""
    import deploy as infra_deploy

    class Data:
        name, exists, obstacle, tags = "tokensmith-data", True, None, {}
        discarded = False

        def plan(self, *_):
            return self

        is_empty, replaced = False, ["Table"]

        def show(self):
            """Says nothing."""

        def discard(self):
            self.discarded = True

    monkeypatch.setattr(infra_deploy, "Bucket", lambda _: type("B", (), {"url_of_template": lambda *_: ""})())
    options = type("Options", (), {"tags": {}, "dry_run": False, "yes": True})()
    data = Data()
    with pytest.raises(SystemExit, match="this would replace Table, and the data would be left behind"):
        infra_deploy.update_data(None, data, options)
    assert data.discarded
