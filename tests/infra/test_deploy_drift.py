"""A deployment puts back what somebody has moved, and leaves alone what is others'."""

from types import SimpleNamespace

import pytest

import stacks


@pytest.fixture
def described(emulator):
    return lambda: emulator.client("cloudformation").describe_stacks(StackName="tokensmith")["Stacks"][0]


def objects_of(emulator, prefix=""):
    """Every version of every object in the bucket for code."""
    s3 = emulator.client("s3")
    listed = s3.list_object_versions(Bucket="tokensmith-code-000000000000-us-east-1", Prefix=prefix)
    return sorted((each["Key"], each["VersionId"]) for each in listed.get("Versions", []))


def test_a_deployment_without_a_change_changes_and_uploads_nothing(run_deploy, stack, emulator, described):
    before = described(), objects_of(emulator)
    done = run_deploy()
    assert done.returncode == 0 and "tokensmith is as it should be" in done.stderr
    assert (described(), objects_of(emulator)) == before


def test_live_moved_by_hand_goes_back_to_the_stacks_version(run_deploy, deploy, stack, emulator):
    functions = emulator.client("lambda")
    deploy("AccessTtl=12m")
    jwks, issue = ({"FunctionName": stack[name], "Name": "live"} for name in ("JwksFunction", "IssueFunction"))
    aliases = lambda: [
        (alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))
        for alias in (functions.get_alias(**name) for name in (jwks, issue))
    ]
    before = aliases()
    functions.update_alias(**jwks, FunctionVersion="$LATEST")
    functions.update_alias(**issue, RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}})
    moved = aliases()
    done = run_deploy()
    assert done.returncode == 1, done.stderr
    for function, (version, _) in zip(("jwks", "issue"), before):
        assert f"move back       tokensmith-{function}:live to version {version}, from where somebody has moved it" in done.stderr
    assert aliases() == moved != before
    deploy()
    assert aliases() == before
    assert run_deploy().returncode == 0


def test_tags_of_others_are_kept_and_own_ones_are_set(deploy, stack, described, emulator):
    cloudformation, tags = emulator.client("cloudformation"), lambda: {tag["Key"]: tag["Value"] for tag in described()["Tags"]}
    cloudformation.update_stack(
        StackName="tokensmith",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in described()["Parameters"]],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[*described()["Tags"], {"Key": "cost-center", "Value": "42"}],
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName="tokensmith", WaiterConfig={"Delay": 1})
    deploy("--tag", "team=identity")
    assert tags() == {"service": "tokensmith", "cost-center": "42", "team": "identity"}
    deploy("AccessTtl=15m")
    assert tags() == {"service": "tokensmith", "cost-center": "42", "team": "identity"}


def test_termination_protection_comes_back(deploy, stack, described, emulator):
    emulator.client("cloudformation").update_termination_protection(StackName="tokensmith", EnableTerminationProtection=False)
    deploy()
    assert described()["EnableTerminationProtection"]


def test_the_bucket_for_code_is_private_encrypted_and_forgets(stack, emulator, described):
    s3, bucket = emulator.client("s3"), {"Bucket": "tokensmith-code-000000000000-us-east-1"}
    assert set(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]}
    assert rules["what is no longer used"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    # Nothing that an update could have to go back to expires by its age.
    assert "Days" not in rules["what is no longer used"].get("Expiration", {})
    # What is not deleted is the code of the version that is deployed.
    (revision,) = (each["ParameterValue"] for each in described()["Parameters"] if each["ParameterKey"] == "Revision")
    listed = s3.list_objects_v2(**bucket, Prefix="tokensmith/")["Contents"]
    assert {each["Key"].split("/")[1] for each in listed} == {revision}


@pytest.mark.parametrize(("template", "longest"), [("template.yaml", "revocations"), ("example-api.yaml", "authorizer")])
def test_a_name_that_is_too_long_is_refused_with_the_limit(refused, emulator, template, longest):
    room = 64 - len(longest) - 1
    name = "s" * (room + 1)
    said = refused("--stack", name, "--template", f"infra/{template}")
    assert f"the name {name} has {room + 1} characters, and may have {room}: its function {name}-{longest} would have more than 64" in said
    assert "cannot be the name of a stack" in refused("--stack", "my_stack", "--template", f"infra/{template}")
    names = [stack["StackName"] for stack in emulator.client("cloudformation").list_stacks()["StackSummaries"]]
    assert not any(each.startswith("sss") for each in names)


def event(name, token, status="CREATE_FAILED", reason="it is broken"):
    return {"LogicalResourceId": name, "ClientRequestToken": token, "ResourceStatus": status, "ResourceStatusReason": reason}


def test_every_page_of_events_is_read_and_only_those_of_this_update_are_told():
    newest_first = [
        event("Stack", "mine", "UPDATE_ROLLBACK_COMPLETE"),
        event("Later", "mine", reason="Resource creation cancelled"),
        *(event(f"Other{n}", "mine", "UPDATE_COMPLETE") for n in range(4)),
        event("Second", "mine"),
        event("First", "mine"),
        event("Stack", "mine", "UPDATE_IN_PROGRESS"),
        event("Earlier", "another"),
        event("Earlier still", "another"),
        event("Earliest", "yet another"),
        event("Too early", "yet another"),
    ]
    pages = [newest_first[start : start + 3] for start in range(0, len(newest_first), 3)]
    read = []

    def paginate(StackName):
        for page in pages:
            read.append(page)
            yield {"StackEvents": page}

    plan = stacks.Plan.__new__(stacks.Plan)
    plan.stack_id = "arn"
    plan.cloudformation = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate))
    assert [each["LogicalResourceId"] for each in plan.failures("mine")] == ["First", "Second"]
    # A stack that is old has many pages.
    assert read == pages[:-1]
