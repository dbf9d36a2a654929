import json
import os
import signal
import subprocess
import zipfile
from pathlib import Path

import pytest

import archive
from deploy import own_architecture
from domain import own_domain
from emulated import running_emulator
from stack import EVERYWHERE, EXAMPLE, PEOPLE, ROOT, Template

# tests/run, beside whose other tests these run, ends them when one of those has failed: as by ctrl-C, so that what they started ends too.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# What translates and lints never calls AWS, and wants a Region all the same.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="session")
def template():
    return Template()


@pytest.fixture(scope="session")
def template_of_people():
    """The same where people sign in."""
    return Template(**PEOPLE)


@pytest.fixture(scope="session")
def domain(tmp_path_factory):
    with own_domain(tmp_path_factory.mktemp("domain")) as domain:
        yield domain


@pytest.fixture(scope="session")
def emulator(tmp_path_factory, domain):
    with running_emulator(tmp_path_factory.mktemp("emulator"), domain.certificate) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def code(tmp_path_factory):
    """The functions' zips: those in TOKENSMITH_CODE, or else of the development build, which is there already. A release
    build would take longer than all the tests."""
    if "TOKENSMITH_CODE" in os.environ:
        return Path(os.environ["TOKENSMITH_CODE"])
    code = tmp_path_factory.mktemp("code")
    for source in (*(ROOT / "functions").iterdir(), ROOT / "infra" / "example"):
        name = f"tokensmith-{source.name}"
        (code / name).mkdir()
        with zipfile.ZipFile(code / name / "bootstrap.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            zipped.write(ROOT / "target" / "debug" / name, "bootstrap")
    return code


@pytest.fixture(scope="session")
def code_with(code, tmp_path_factory):
    """The functions' code, but for one function, whose bootstrap is a script."""

    def code_with(function, script):
        directory = tmp_path_factory.mktemp("code")
        for each in code.iterdir():
            if each.name != function:
                (directory / each.name).symlink_to(each)
        (directory / function).mkdir()
        with zipfile.ZipFile(directory / function / "bootstrap.zip", "w") as zipped:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            zipped.writestr(entry, script)
        return directory

    return code_with


@pytest.fixture(scope="session")
def delete(emulator):
    """Deletes a stack as somebody does who means it."""
    cloudformation = emulator.client("cloudformation")

    def delete(name):
        (described,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=described["StackId"], WaiterConfig={"Delay": 1})

    return delete


@pytest.fixture(scope="session")
def run_deploy(emulator, code):
    """Runs `infra/deploy`, with the functions' code unless other code is named, and returns what became of it. Nobody is at a terminal."""

    def run_deploy(*arguments, **environment):
        with_code = () if {"--code", "--update-data"} & set(arguments) else ("--code", code)
        command = [ROOT / "infra" / "deploy", *with_code, *arguments]
        return run(command, {**emulator.environment, **environment})

    return run_deploy


@pytest.fixture(scope="session")
def deploy(run_deploy, emulator):
    """`infra/deploy` where it has to succeed; returns what it prints on stdout."""

    def deploy(*arguments):
        done = run_deploy("--yes", *arguments)
        assert done.returncode == 0, done.stderr + emulator.log.read_text()[-3000:]
        return json.loads(done.stdout)

    return deploy


@pytest.fixture(scope="session")
def refused(run_deploy):
    """`infra/deploy` where it has to fail; returns what it says on stderr, which is never a traceback."""

    def refused(*arguments, **environment):
        done = run_deploy(*arguments, **environment)
        assert done.returncode == 1 and done.stdout == "", done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr

    return refused


def run(command, environment, text=""):
    """Runs a command that is sent `text`, which nobody types."""
    return subprocess.run(command, env=environment, input=text, capture_output=True, text=True)


@pytest.fixture(scope="session")
def stack(deploy, emulator, domain):
    """The outputs of the stack, made from nothing, where people sign in, with a domain that its verifiers reach."""
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/localhost"
    outputs = deploy("CacheTtl=0s", "SignIn=on", f"DomainName={domain.name}", f"CertificateArn={certificate}")
    domain.api = emulator.api(outputs["Api"])
    return outputs


@pytest.fixture(scope="session")
def example(deploy, stack):
    """The outputs of the example API's stack."""
    return deploy("--template", EXAMPLE, "--of", "tokensmith", "FeedInterval=1s")


@pytest.fixture(scope="session")
def stack_in_kms(deploy, stack):
    """The outputs of a second stack, which signs in KMS."""
    return deploy("--stack", "in-kms", "Custody=kms", "CacheTtl=0s")


@pytest.fixture(scope="session")
def topic(emulator):
    """A topic for events, with a queue that gets what is published."""
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    arn, queue = sns.create_topic(Name="events")["TopicArn"], sqs.create_queue(QueueName="events")["QueueUrl"]
    of_queue = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": of_queue}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": statement})})
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=of_queue)
    return {"arn": arn, "queue": queue}


@pytest.fixture(scope="session")
def archived(code, run_deploy, topic, tmp_path_factory):
    """The outputs of a stack that was made of an archive, where there is no Rust, and whose events go everywhere. It is nobody's, and its
    data may suffer."""
    directory, name = tmp_path_factory.mktemp("archived"), archive.name(own_architecture())
    files = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in code.glob("*/bootstrap.zip")}
    (directory / f"{name}.tar.gz").write_bytes(archive.packed(name, files, executable=set()))
    for tool in ("cargo", "rustc", "rustup"):
        (directory / tool).write_text(f"#!/bin/sh\necho $0 is not here >&2\ntouch {directory}/used\nexit 127\n")
        (directory / tool).chmod(0o755)
    path = f"{directory}:{os.environ['PATH']}"
    events = [f"EventsTopicArn={topic['arn']}", f"EventsFirehoseArn={EVERYWHERE['EventsFirehoseArn']}"]
    people = [f"{parameter}={value}" for parameter, value in PEOPLE.items()]
    done = run_deploy("--stack", "archived", "--code", directory / f"{name}.tar.gz", "CacheTtl=0s", *people, *events, PATH=path)
    assert done.returncode == 0 and not (directory / "used").exists(), done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def tokensmith(emulator):
    """The `tokensmith` command on a stack's table."""

    def tokensmith(stack, *arguments, input=None):
        own = {variable: stack[output] for variable, output in OUTPUTS.items()}
        command = [ROOT / "target" / "debug" / "tokensmith", *arguments, "--table", stack["Table"]]
        done = subprocess.run(command, env={**emulator.environment, **own}, input=input, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return tokensmith


@pytest.fixture(scope="session")
def new_user(tokensmith):
    """Makes somebody who can sign in at a stack."""

    def new_user(stack, name, password, *claims):
        return tokensmith(stack, "user", "create", name, "--password-stdin", *claims, input=password + "\n")

    return new_user


# What tells the command the same as the functions.
OUTPUTS = {"TOKENSMITH_ISSUER": "Issuer", "TOKENSMITH_CUSTODY": "Custody", "TOKENSMITH_KMS_KEY": "WrappingKey"}
