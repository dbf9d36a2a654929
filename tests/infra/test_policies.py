"""The policies of the deployer and the operator: with them all works, and without any statement of theirs something does not."""

import json
import re
from fnmatch import fnmatchcase

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

import cloudformation_needs
from conftest import OUTPUTS, run
from stack import EVERYWHERE, EXAMPLE, PEOPLE, ROOT, Template

POLICIES = ROOT / "infra" / "policies"
STACK, ACCOUNT, REGION = "tokensmith-limited", "000000000000", "us-east-1"
# What AWS takes as one managed policy, without white space.
MANAGED_POLICY_CHARACTERS = 6144
NAMES = sorted(path.stem for path in POLICIES.glob("*.json"))


def document(name):
    return json.loads((POLICIES / f"{name}.json").read_text())


def statements(*names):
    return [(name, statement["Sid"]) for name in names for statement in document(name)["Statement"]]


def without(name, sid):
    policy = document(name)
    return {**policy, "Statement": [statement for statement in policy["Statement"] if statement["Sid"] != sid]}


def allows(policy, asked):
    request = EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:user/x", principal_type="User", principal_account=ACCOUNT, region=REGION,
        action=asked["action"], resource_arn=asked["resource"], service_context=asked["context"],
    )  # fmt: skip
    return evaluate(request, [parse_policy_document(json.dumps(policy))]).decision == "Allow"


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_into_one_managed_policy(name):
    assert len(re.sub(r"\s", "", (POLICIES / f"{name}.json").read_text())) <= MANAGED_POLICY_CHARACTERS


@pytest.fixture(scope="module")
def asked_by_stacks():
    """What CloudFormation asks for, by AWS's schemas, for all that the templates can have."""
    domain = {"DomainName": "login.example.com", "CertificateArn": "arn:aws:acm:us-east-1:1:certificate/1", "HostedZoneId": "Z1"}
    service = Template(**domain, **EVERYWHERE, SignIn="on", AlarmEmail="x@example.com", IssueConcurrency="10")
    templates = [service, Template(ROOT / "infra" / "data.yaml"), Template(EXAMPLE, **EVERYWHERE)]
    asked = []
    for logical_id, resource in ((name, each) for template in templates for name, each in template.resources.items()):
        for operation in ("create", "read", "update", "delete"):
            for action, place, context in cloudformation_needs.requests(resource["Type"], operation, logical_id, {}, STACK, ACCOUNT, REGION):
                asked.append({"action": action, "resource": place, "context": {key.lower(): value for key, value in context.items()}})
    return asked


def test_the_deployer_may_do_all_that_cloudformation_does_for_it(asked_by_stacks):
    policy = document("deployer")
    assert sorted({each["action"] for each in asked_by_stacks if not allows(policy, each)}) == []


class User:
    """A user of the account who has these policies and no other."""

    def __init__(self, emulator, name):
        self.emulator, self.name = emulator, name
        iam = emulator.client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.credentials = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
        self.environment = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def may(self, **policies):
        """Gives the user these documents, and takes all others."""
        iam = self.emulator.client("iam")
        for name in iam.list_user_policies(UserName=self.name)["PolicyNames"]:
            iam.delete_user_policy(UserName=self.name, PolicyName=name)
        for name, policy in policies.items():
            iam.put_user_policy(UserName=self.name, PolicyName=name, PolicyDocument=json.dumps(policy))

    @property
    def asked(self):
        """All that it has asked for until now."""
        lines = (self.emulator.log.parent / "asked.jsonl").read_text().splitlines()
        return [each for each in map(json.loads, lines) if each["user"].endswith(f":user/{self.name}")]


@pytest.fixture(scope="module")
def deployer(emulator):
    user = User(emulator, "deployer")
    user.may(deployer=document("deployer"))
    return user


@pytest.fixture(scope="module")
def deployed(deployer, run_deploy, code_with, emulator):
    """The stack as the deployer has made it, changed it, and failed to change it."""

    def deploy(*arguments):
        return run_deploy("--stack", STACK, "--yes", *arguments, **deployer.environment)

    parameters = {**EVERYWHERE, **PEOPLE, "DomainName": "limited.example.com"}
    made = deploy("CacheTtl=0s", *(f"{name}={value}" for name, value in parameters.items()))
    assert made.returncode == 0, made.stderr + emulator.log.read_text()[-3000:]
    changed = deploy("AccessTtl=10m", "--tag", "team=identity")
    assert changed.returncode == 0, changed.stderr
    broken = deploy("--code", code_with("tokensmith-issue", "#!/bin/sh\nexit 1\n"))
    assert "it is as it was before" in broken.stderr, broken.stderr
    return json.loads(changed.stdout)


# Each command, in an order in which each has something to do. In braces stands what an earlier one has answered, and after < what it
# is sent.
COMMANDS = [
    "client create --id limited --scope read --default-scope read --grant client_credentials --grant refresh_token",
    "client list",
    "client show limited",
    "client update limited --access-ttl 10m",
    "client rotate-secret limited --overlap 1h",
    "client disable limited --yes",
    "client enable limited",
    "user create alice --no-password --email alice@example.com",
    "user list",
    "user show alice",
    "user update alice --email alice@example.org",
    "user sessions alice --end-all --yes",
    "user disable alice --yes",
    "user enable alice",
    "user delete alice --yes",
    "upstream create op --issuer https://op.example.com --client-id tokensmith --client-secret-stdin < hush-hush",
    "upstream delete op --yes",
    "grant create --client limited --subject sensor --scope read",
    "grant list --client limited",
    "inspect {refresh_token}",
    "revoke --grant {grant_id}",
    "key list",
    "key rotate",
    "key retire {created[0][kid]} --yes",
    "key rotate --hmac",
    "key rotate --now --yes",
    "repair --yes",
    "restore --in-use --yes",
    f"events --since 1h --stack {STACK}",
    "client delete limited --yes",
]
CUSTODIES = {"kms-data-key": ["operator"], "kms": ["operator", "operator-kms"]}


def tokensmith(user, stack, *arguments, text=""):
    """The command as this user runs it."""
    own = {variable: stack[output] for variable, output in OUTPUTS.items()}
    command = [ROOT / "target" / "debug" / "tokensmith", *arguments, "--table", stack["Table"]]
    return run(command, {**user.emulator.environment, **user.environment, **own}, text)


@pytest.fixture(scope="module")
def operated(emulator, deployed):
    """What an operator has asked for in each custody, which commands were refused, and what one says that is."""
    operator, done = User(emulator, "operator"), {}
    for custody, names in CUSTODIES.items():
        operator.may(**{name: document(name) for name in names})
        before = len(operator.asked)
        refused = refusals(operator, {**deployed, "Custody": custody})
        done[custody] = operator.asked[before:], refused
    operator.may(operator=without("operator", "ChangesRecords"))
    return done, tokensmith(operator, deployed, "client", "create", "--id", "refused", "--scope", "read")


def refusals(user, stack):
    """Runs each command, and returns those that failed, with what they have said."""
    known, refused = {}, {}
    for command in COMMANDS:
        arguments, _, text = command.format_map(known).partition(" < ")
        done = tokensmith(user, stack, *arguments.split(), text=text)
        if done.returncode == 0:
            answer = json.loads(done.stdout)
            known |= answer if isinstance(answer, dict) else {}
        else:
            refused[command] = done.stderr
    return refused


@pytest.mark.parametrize("custody", CUSTODIES)
def test_the_operator_may_run_every_command_and_needs_each_statement(operated, custody):
    asked, refused = operated[0][custody]
    assert refused == {}
    # The emulator does not ask for the right to tag what is made with tags, and AWS does.
    for name, sid in [each for each in statements(CUSTODIES[custody][-1]) if each[1] != "TagsThemAsItMakesThem"]:
        assert not all(allows(without(name, sid), each) for each in asked if allows(document(name), each)), sid


def test_a_command_without_a_statement_is_refused_in_a_sentence(operated):
    _, done = operated
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_the_operator_opens_no_signing_key_and_touches_nothing_else():
    key, table = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/tokensmith-data-Table"
    forbidden = {
        "a signing key": ("kms:Decrypt", key, {"kms:encryptioncontext:use": "signing"}),
        "a signature": ("kms:Sign", key, {}),
        "the table itself": ("dynamodb:DeleteTable", table, {}),
        "tables of others": ("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/billing", {}),
        "the functions": ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:tokensmith-issue", {}),
    }
    may = {
        name: allows(document(policy), dict(zip(("action", "resource", "context"), each)))
        for name, each in forbidden.items()
        for policy in ("operator", "operator-kms", "operator-secrets")
    }
    assert not any(may.values()), may


@pytest.fixture(scope="module")
def issued(emulator, deployed, operated):
    """What an operator asks for who prints a client's token in each custody, with what the command says with the right to do so and without."""
    operator, done = User(emulator, "operator-with-tokens"), {}
    for custody, names in CUSTODIES.items():
        stack, granted = {**deployed, "Custody": custody}, {name: document(name) for name in names}
        operator.may(**granted)
        for command in (f"client create --id tokens-{custody} --scope read --default-scope read", "key rotate --now --yes"):
            made = tokensmith(operator, stack, *command.split())
            assert made.returncode == 0, made.stderr
        command = ["token", "--client", f"tokens-{custody}"]
        refused = tokensmith(operator, stack, *command)
        operator.may(**granted, token=document("operator-token"))
        before = len(operator.asked)
        done[custody] = refused, tokensmith(operator, stack, *command), operator.asked[before:]
    return done


@pytest.mark.parametrize("custody", CUSTODIES)
def test_an_operator_prints_a_clients_token_only_with_a_policy_of_its_own(issued, custody):
    refused, printed, _ = issued[custody]
    assert (refused.returncode, refused.stdout) == (1, "") and refused.stderr.startswith("error: "), refused.stderr
    assert (printed.returncode, printed.stdout.count(".")) == (0, 2), printed.stderr


@pytest.mark.parametrize(("name", "sid"), statements("operator-token"))
def test_an_operator_who_prints_tokens_needs_each_statement_and_each_action(issued, name, sid):
    asked = [each for _, _, of_custody in issued.values() for each in of_custody]
    (statement,) = (each for each in document(name)["Statement"] if each["Sid"] == sid)
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    for action in actions:
        needed = [each for each in asked if each["action"] == action and allows(document(name), each)]
        assert needed and not any(allows(without(name, sid), each) for each in needed), action


def test_an_operator_keeps_secrets_of_clients_in_secrets_manager_only_with_a_policy_of_its_own(emulator, deployed, tmp_path):
    operator, applied = User(emulator, "operator-with-secrets"), tmp_path / "clients.json"
    applied.write_text('{"clients": [{"client_id": "kept", "scopes": ["read"]}]}')

    def apply(prefix):
        return tokensmith(operator, deployed, "client", "apply", "--file", applied, "--secrets", f"secretsmanager:{prefix}")

    operator.may(operator=document("operator"))
    refused = [apply("tokensmith/")]
    operator.may(operator=document("operator"), secrets=document("operator-secrets"))
    refused.append(apply("billing/"))
    assert all(each.returncode == 1 and "AccessDenied" in each.stderr for each in refused), refused
    kept = [apply("tokensmith/"), tokensmith(operator, deployed, "client", "delete", "kept", "--yes")]
    # The client is new once more, and its secret is there already.
    kept.append(apply("tokensmith/"))
    assert all(each.returncode == 0 for each in kept), kept
    asked = {each["action"] for each in operator.asked if each["action"].startswith("secretsmanager:")}
    assert asked == set(document("operator-secrets")["Statement"][0]["Action"])
    assert "tksmc_" in emulator.client("secretsmanager").get_secret_value(SecretId="tokensmith/kept")["SecretString"]


@pytest.fixture(scope="module")
def deleted(deployer, deployed, operated, issued, emulator):
    """Deletes the stack as infra/README.md says."""
    cloudformation = emulator.client("cloudformation", deployer.credentials)
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    cloudformation.update_termination_protection(StackName=STACK, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig={"Delay": 1})


def test_the_deployer_makes_changes_goes_back_and_deletes(deployed, deleted, emulator):
    # The table and the wrapping key are another stack's, and stay.
    assert emulator.client("dynamodb").describe_table(TableName=deployed["Table"])


# What the emulator never asks for, and AWS does: quotas; tags of stacks; the delivery of API Gateway's log, which it makes with the deployer's
# rights; and what `deploy` tells to do about a stack that could not go back.
NOT_EMULATED = [
    "lambda:GetAccountSettings", "servicequotas:*", "cloudformation:TagResource", "logs:*LogDeliver*",
    "logs:PutResourcePolicy", "cloudformation:ContinueUpdateRollback", "cloudformation:RollbackStack",
]  # fmt: skip


@pytest.fixture(scope="module")
def asked(deployer, deleted, asked_by_stacks):
    """All that was asked for, each once."""
    return list({json.dumps([each["action"], each["resource"], each["context"]]): each for each in [*deployer.asked, *asked_by_stacks]}.values())


@pytest.mark.parametrize(("name", "sid"), statements("deployer"))
def test_the_deployer_needs_each_statement_and_each_action(asked, name, sid):
    (statement,) = (each for each in document(name)["Statement"] if each["Sid"] == sid)
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    emulated = [action for action in actions if not any(fnmatchcase(action, known) for known in NOT_EMULATED)]
    made = {each["action"] for each in asked}
    assert [action for action in emulated if not any(fnmatchcase(each, action) for each in made)] == []
    allowed = [each for each in asked if any(fnmatchcase(each["action"], action) for action in emulated) and allows(document(name), each)]
    assert not emulated or not all(allows(without(name, sid), each) for each in allowed)


def test_a_deployment_without_a_statement_is_refused_in_a_sentence(emulator, run_deploy):
    user = User(emulator, "half-a-deployer")
    user.may(deployer=without("deployer", "MakesRoles"))
    done = run_deploy("--stack", "tokensmith-half", "--yes", **user.environment)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "half-a-deployer is not authorized to perform: iam:CreateRole" in done.stderr


def test_the_deployer_reads_no_client_opens_no_key_and_touches_nothing_of_others():
    forbidden = {
        "clients": ("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{STACK}-Table", {"dynamodb:leadingkeys": ["CLIENT#x"]}),
        "a scan": ("dynamodb:Scan", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{STACK}-Table", {}),
        "a key": ("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1", {"kms:encryptioncontext:use": "signing"}),
        "a role of others": ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/Admin", {}),
        "an administrator's policy": (
            "iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/tokensmith/x", {"iam:policyarn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
        "a role for a machine": ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/tokensmith/x", {"iam:passedtoservice": "ec2.amazonaws.com"}),
        "functions of others": ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:billing", {}),
    }  # fmt: skip
    may = {name: allows(document("deployer"), dict(zip(("action", "resource", "context"), each))) for name, each in forbidden.items()}
    assert not any(may.values()), may
