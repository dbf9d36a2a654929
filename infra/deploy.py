"""Builds the functions, shows what would change, and makes or updates the stack. Safe to repeat: what is there already stays as it is.

    ./infra/deploy AlarmEmail=ops@example.com
    ./infra/deploy --stack tokensmith-staging Algorithms=ES256,RS256
    ./infra/deploy --stage prod --dry-run
    ./infra/deploy --template infra/example-api.yaml --of tokensmith

The table and the wrapping key are in a stack of their own, NAME-data, which is made when it is missing and then left alone. Parameters that
are not named keep their values. Region and credentials come from where every AWS SDK has them.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import archive
import options as command_line
import preflight
from aws import Aws, plainly
from bucket import Bucket
from options import DATA_TEMPLATE, INFRA
from stacks import Stack, say

# The functions that are Python, and lie beside this file.
PYTHON = ("check", "publish")
LAMBDA_TARGETS = {"arm64": "--arm64", "x86_64": "--x86-64"}
# What ./deploy itself gives a value.
OWN = ("CodeBucket", "Revision")
NOT_BUILT = "error: the functions could not be built. This needs Rust and a C compiler; an archive of ./infra/package (--code) needs neither"


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="tokensmith-") as directory:
        if options.code and options.code.is_file():
            options.code = unpacked(options.code, Path(directory))
        deploy(options)


def deploy(options):
    aws = Aws(options.endpoint_url)
    aws.require_account(options.account)
    say(f"account {aws.account}, {aws.region}, stack {options.stack}")
    stack = Stack(aws, options.stack)
    if options.update_data:
        return update_data(aws, preflight.data_stack(aws, stack), options)
    named = preflight.named(aws, stack, options)
    if not options.no_preflight:
        preflight.require(aws, stack, options.template, {**preflight.data_of(aws, stack), **named})
    Deployment(aws, stack, options).carry_out(named)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command_line.common(parser)
    parser.add_argument("--code", type=Path, default=code_of_environment(), help="an archive of ./infra/package, or a directory with zips; built otherwise")
    parser.add_argument("--tag", action="append", dest="tags", type=command_line.pair, default=[], metavar="KEY=VALUE", help="a tag of all that the stack has")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--yes", action="store_true", help="change a stack that is there without asking")
    parser.add_argument("--update-data", action="store_true", help="change the stack NAME-data to what infra/data.yaml says, and nothing else")
    parser.add_argument("--no-preflight", action="store_true", help="do not look for what could fail first")
    return command_line.parsed(parser)


def code_of_environment():
    """A pipeline that has built the functions already says so once."""
    return Path(os.environ["TOKENSMITH_CODE"]) if os.environ.get("TOKENSMITH_CODE") else None


class Deployment:
    """One run of ./deploy."""

    def __init__(self, aws, stack, options):
        self.aws, self.stack, self.options = aws, stack, options
        self.bucket = Bucket(aws)
        self.template_url = self.bucket.url_of_template(options.template)
        self.tags = {"service": "tokensmith", **stack.tags, **options.tags}

    def carry_out(self, named):
        parameters = chosen(declared(self.aws, self.template_url), named, self.options.parameters)
        # A table without its key, or a key without its table, is nobody's data.
        lacks_data = [parameters.get(name, "") for name in preflight.DATA] == [None, None]
        require_values(parameters, but=(*OWN, *(preflight.DATA if lacks_data else ())))
        functions = functions_of(self.options.template)
        code = self.options.code or build(functions, parameters["Architecture"])
        zips = zips_of(functions, code, parameters["Architecture"])
        parameters["CodeBucket"] = self.bucket.name
        if lacks_data:
            parameters |= self.data(parameters, zips)

        self.deploy(parameters, zips)
        self.stack.protect()
        outputs = self.stack.outputs
        if "RotateKeysFunction" in outputs:
            make_first_keys(self.aws.client("lambda"), outputs["RotateKeysFunction"])
        print_next_step(outputs)

    def data(self, parameters, zips):
        """The table and the key of the data stack, which is made if it is missing."""
        data = preflight.data_stack(self.aws, self.stack)
        if data.obstacle:
            sys.exit(f"error: {data.obstacle}")
        if not data.exists:
            say(f"{data.name} is missing, and would be made with:")
            plan = data.plan(self.bucket.url_of_template(DATA_TEMPLATE), {}, self.tags)
            plan.show()
            self.refuse_bad_values(parameters, zips, plan)
            plan.carry_out()
            data.protect()
        missing = [name for name in preflight.DATA if name not in data.outputs]
        if missing:
            sys.exit(f"error: the stack {data.name} has no output {' and no '.join(missing)}: it is not one of infra/data.yaml; choose another --stack")
        return {name: data.outputs[name] for name in preflight.DATA}

    def refuse_bad_values(self, parameters, zips, data_plan):
        """Lets CloudFormation look at the parameters before anything is made, with a table and a key that are not there yet."""
        key = f"arn:{self.aws.partition}:kms:{self.aws.region}:{self.aws.account}:key/not-made-yet"
        stand_in = {**parameters, "Table": "not-made-yet", "WrappingKey": key}
        stand_in["Revision"] = self.revision(stand_in, zips)
        try:
            plan = self.stack.plan(self.template_url, stand_in, self.tags)
        except BaseException:
            data_plan.discard()
            raise
        if self.options.dry_run:
            say(f"{self.stack.name} would be made with:")
            plan.show()
        plan.discard()
        if self.options.dry_run:
            data_plan.discard()
            say("nothing was changed")
            sys.exit(0)

    def deploy(self, parameters, zips):
        parameters["Revision"] = self.revision(parameters, zips)
        plan = self.stack.plan(self.template_url, parameters, self.tags)
        moved = self.stack.moved_aliases()
        if plan.is_empty and not moved:
            say(f"{self.stack.name} is as it should be")
            return
        plan.show()
        for function, alias, version in moved:
            say(f"  move back       {function.rpartition(':')[2]}:{alias} to version {version}, from where somebody has moved it")
        if self.options.dry_run or not self.may_change():
            if not plan.is_empty:
                plan.discard()
            say("nothing was changed")
            sys.exit(0 if self.options.dry_run else 1)
        if not plan.is_empty:
            self.bucket.upload_code(self.stack.name, parameters["Revision"], zips)
            plan.carry_out()
        self.stack.move_aliases_back()
        self.bucket.forget_code_but(self.stack.name, parameters["Revision"])

    def may_change(self):
        return not self.stack.exists or may_change(self.options)

    def revision(self, parameters, zips):
        """Names a version by the hash of all that goes into it."""
        rest = {name: value for name, value in parameters.items() if name != "Revision"}
        everything = hashlib.sha256(json.dumps([self.template_url, rest], sort_keys=True).encode())
        for name, content in sorted(zips.items()):
            everything.update(name.encode() + hashlib.sha256(content).digest())
        revision, current = everything.hexdigest()[:16], self.stack.parameters.get("Revision", "")
        if current.partition("-")[0] == revision:
            return current
        if self.stack.status == "UPDATE_ROLLBACK_COMPLETE":
            # The version that failed is still there. To Lambda, one that differs in nothing is the same, and is not published again.
            return f"{revision}-{int(self.stack.described['LastUpdatedTime'].timestamp())}"
        return revision


def may_change(options):
    """Whether a stack that is there, and may be in use, may be changed."""
    if options.yes:
        return True
    if not sys.stdin.isatty():
        say("error: this stack is there already, and may be in use: repeat it with --yes to change it")
        return False
    return input("change it? [y/N] ").strip().lower() in ("y", "yes")


def update_data(aws, data, options):
    """Changes the data stack to what data.yaml says, if that replaces nothing."""
    if not data.exists or data.obstacle:
        sys.exit(f"error: {data.obstacle or f'there is no stack {data.name}: without --update-data it is made'}")
    tags = {"service": "tokensmith", **data.tags, **options.tags}
    plan = data.plan(Bucket(aws).url_of_template(DATA_TEMPLATE), {}, tags)
    if plan.is_empty:
        return say(f"{data.name} is as it should be")
    plan.show()
    if plan.replaced or options.dry_run or not may_change(options):
        plan.discard()
        say("nothing was changed")
        if plan.replaced:
            sys.exit(f"error: this would replace {', '.join(plan.replaced)}, and the data would be left behind")
        sys.exit(0 if options.dry_run else 1)
    plan.carry_out()
    data.protect()


def own_architecture():
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def functions_of(template):
    """The functions whose code `template` asks for, and has to be built."""
    return [name for name in re.findall(r"\$\{Revision\}/([\w-]+)\.zip", template.read_text()) if name not in PYTHON]


def build(binaries, architecture, form="zip"):
    """Builds binaries, each of its package, and returns the directory where cargo-lambda puts them. The packages alone, so that no
    feature is on that only a test asks for."""
    tools = Path(sys.executable).parent
    cargo_lambda = tools / "cargo-lambda"
    # cargo-lambda looks there for zig, which came with it.
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    command = [cargo_lambda, "lambda", "build", "--release", "--locked", LAMBDA_TARGETS[architecture], "--output-format", form]
    packages = packages_of_binaries()
    command += [argument for binary in binaries for argument in ("--bin", binary, "--package", packages[binary])]
    if subprocess.run(command, cwd=INFRA.parent, env=environment, stdout=sys.stderr).returncode:
        sys.exit(NOT_BUILT)
    return INFRA.parent / "target" / "lambda"


def packages_of_binaries():
    """Which package has the binary of a name."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    try:
        printed = subprocess.run(command, cwd=INFRA.parent, stdout=subprocess.PIPE, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        sys.exit(NOT_BUILT)
    packages = json.loads(printed)["packages"]
    return {target["name"]: package["name"] for package in packages for target in package["targets"] if target["kind"] == ["bin"]}


def unpacked(path, directory):
    """The directory of the functions' zips of an archive."""
    try:
        return archive.unpacked(path, directory)
    except archive.Refused as refused:
        sys.exit(f"error: {path}: {refused}")


def zips_of(functions, code, architecture):
    """What is uploaded, by its name: the zips below `code`, and those of the functions that are Python."""
    zips = {}
    for function in functions:
        path = code / function / "bootstrap.zip"
        if not path.is_file():
            sys.exit(f"error: there is no {path}: --code takes an archive, or a directory that has FUNCTION/bootstrap.zip for each function")
        zips[f"{function}.zip"] = path.read_bytes()
        found = archive.architecture_of_zip(zips[f"{function}.zip"])
        # A script is for every processor.
        if found not in (architecture, None):
            sys.exit(f"error: {path} is for {found}, and the stack for {architecture}: deploy with Architecture={found}, or take other code")
    return {**zips, **{f"{name}.zip": archive.zipped(f"{name}.py", (INFRA / f"{name}.py").read_bytes(), 0o644) for name in PYTHON}}


def declared(aws, template_url):
    """The template's parameters with their defaults; `None` for those that need a value."""
    summary = aws.client("cloudformation").get_template_summary(TemplateURL=template_url)
    return {parameter["ParameterKey"]: parameter.get("DefaultValue") for parameter in summary["Parameters"]}


def chosen(values, named, by_user):
    """The value of each parameter of a template, where it is known."""
    for name in by_user.keys() - values.keys():
        sys.exit(f"error: there is no parameter {name}; there are {', '.join(sorted(values))}")
    chosen = {name: named.get(name, value) for name, value in values.items()}
    chosen["Architecture"] = chosen["Architecture"] or own_architecture()
    # Nothing is called by an empty name.
    chosen |= {name: chosen[name] or None for name in preflight.DATA if name in chosen}
    return chosen


def require_values(parameters, but):
    missing = [name for name, value in parameters.items() if value is None and name not in but]
    if missing:
        sys.exit(f"error: no value for {', '.join(missing)}: name it, or with --of the stack whose output it is")


def make_first_keys(lambda_client, function):
    """Runs the rotation now, which makes what is due: the first time, that is every key."""
    answer = lambda_client.invoke(FunctionName=function, Qualifier="live", Payload=b"{}")
    if "FunctionError" in answer:
        sys.exit(f"error: {function} failed: {answer['Payload'].read().decode()}")


def print_next_step(outputs):
    print(json.dumps(outputs, indent=2))
    if "Client" in outputs:
        say(f"next, a client that may call it:\n  {outputs['Client']}")
    if {"Table", *COMMAND_ENVIRONMENT.values()} <= outputs.keys():
        say("next, a client:")
        for variable, output in COMMAND_ENVIRONMENT.items():
            say(f"  export {variable}={outputs[output]}")
        say(f"  tokensmith client create --table {outputs['Table']} --id demo --scope read --default-scope read")


# What the command needs to know, under the names that the functions know it by.
COMMAND_ENVIRONMENT = {"TOKENSMITH_ISSUER": "Issuer", "TOKENSMITH_CUSTODY": "Custody", "TOKENSMITH_KMS_KEY": "WrappingKey"}


if __name__ == "__main__":
    plainly(main)
