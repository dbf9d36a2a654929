"""Builds the functions, and makes or updates the stack. Safe to repeat: what is there already stays as it is.

    ./infra/deploy AlarmEmail=ops@example.com
    ./infra/deploy --stack tokensmith-staging Algorithms=ES256,RS256
    ./infra/deploy --template infra/example-api.yaml --of tokensmith

Parameters that are not named keep their values. Region and credentials come from where every AWS SDK has them.
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

from botocore.exceptions import ClientError, WaiterError

import archive
import preflight

INFRA = Path(__file__).resolve().parent
LAMBDA_TARGETS = {"arm64": "--arm64", "x86_64": "--x86-64"}
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="tokensmith-") as directory:
        if options.code and options.code.is_file():
            options.code = unpacked(options.code, Path(directory))
        deploy(options)


def deploy(options):
    session = preflight.session()
    aws = lambda service: session.client(service, endpoint_url=options.endpoint_url)
    stack = described(aws("cloudformation"), options.stack)
    if stack is None and not options.no_preflight:
        preflight.require(session, aws, options.stack, options.template)

    bucket = bucket_for(aws, session.region_name)
    place = f"{aws('s3').meta.endpoint_url}/{bucket}"
    template_url = f"{place}/{upload_template(aws('s3'), bucket, options.template)}"
    parameters = chosen(aws("cloudformation"), options, stack, template_url)
    parameters["CodeBucket"] = bucket
    functions = functions_of(options.template)
    code = options.code or build({name: name for name in functions}, parameters["Architecture"])
    check_architecture(code, functions, parameters["Architecture"])
    parameters["Revision"] = upload_code(aws("s3"), bucket, code, functions, {**parameters, "template": template_url})

    settle(aws("cloudformation"), options.stack, stack, parameters, template_url)
    outputs = outputs_of(aws("cloudformation"), options.stack)
    if "RotateKeysFunction" in outputs:
        make_first_keys(aws("lambda"), outputs["RotateKeysFunction"])
    print_next_step(outputs)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", help="the stack's name, and the prefix of its functions; tokensmith unless given")
    parser.add_argument("--template", type=Path, default=preflight.TEMPLATE, help="another template, whose stack is tokensmith-NAME")
    parser.add_argument("--of", metavar="STACK", help="gives parameters the values of this stack's outputs of the same name")
    parser.add_argument("--code", type=Path, help="an archive of ./infra/package, or a directory with the functions' zips; they are built otherwise")
    parser.add_argument("--endpoint-url", default=os.environ.get("AWS_ENDPOINT_URL"), help="an emulator instead of AWS")
    parser.add_argument("--no-preflight", action="store_true", help="do not look for what could fail first")
    parser.add_argument("parameters", nargs="*", type=parameter, default=[], metavar="PARAMETER=VALUE")
    options = parser.parse_args()
    options.parameters = dict(options.parameters)
    if options.stack is None:
        own = options.template.resolve() == preflight.TEMPLATE
        options.stack = "tokensmith" if own else f"tokensmith-{options.template.stem}"
    return options


def parameter(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not PARAMETER=VALUE")
    return name, value


def unpacked(path, directory):
    """The directory of the functions' zips of an archive."""
    try:
        return archive.unpacked(path, directory)
    except archive.Refused as refused:
        sys.exit(f"error: {path}: {refused}")


def check_architecture(code, functions, architecture):
    """Ends the process if the stack's processors could not run the code."""
    for path in (code / function / "bootstrap.zip" for function in functions):
        if not path.is_file():
            sys.exit(f"error: there is no {path}")
        found = archive.architecture_of_zip(path.read_bytes())
        # A script is for every processor.
        if found not in (architecture, None):
            sys.exit(f"error: {path} is for {found}, and the stack for {architecture}: deploy with Architecture={found}, or take the other archive")


def own_architecture():
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def functions_of(template):
    """The functions whose code `template` asks for."""
    return re.findall(r"\$\{Revision\}/([\w-]+)\.zip", template.read_text())


def build(binaries, architecture, form="zip"):
    """Builds binaries, each of its package, and returns the directory where cargo-lambda puts them. The packages alone, so that no
    feature is on that only a test asks for."""
    tools = Path(sys.executable).parent
    cargo_lambda = tools / "cargo-lambda"
    # cargo-lambda looks there for zig, which came with it.
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    command = [cargo_lambda, "lambda", "build", "--release", "--locked", LAMBDA_TARGETS[architecture], "--output-format", form]
    command += [argument for binary, package in binaries.items() for argument in ("--bin", binary, "--package", package)]
    if subprocess.run(command, cwd=INFRA.parent, env=environment, stdout=sys.stderr).returncode:
        sys.exit("error: the functions could not be built. This needs Rust and a C compiler; an archive of ./infra/package (--code) needs neither")
    return INFRA.parent / "target" / "lambda"


def bucket_for(aws, region):
    """A private bucket for code, one for all stacks of the account in this Region."""
    account = aws("sts").get_caller_identity()["Account"]
    name, s3 = f"tokensmith-code-{account}-{region}", aws("s3")
    # The Region where S3 began is the one that must not be named.
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=name, **place)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass
    block = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    return name


def upload_template(s3, bucket, path):
    """Uploads a template under its own hash: it is too long to be sent with a request."""
    content = path.read_bytes()
    key = f"templates/{hashlib.sha256(content).hexdigest()[:16]}.yaml"
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return key


def chosen(cloudformation, options, stack, template_url):
    """The value of each parameter but those that say where the code is."""
    values = declared(cloudformation, template_url)
    outputs = outputs_of(cloudformation, options.of) if options.of else {}
    for source in (values_of(stack), outputs, options.parameters):
        values |= {name: value for name, value in source.items() if name in values}
    for name in options.parameters.keys() - values.keys():
        sys.exit(f"error: there is no parameter {name}; there are {', '.join(sorted(values))}")
    values["Architecture"] = values["Architecture"] or own_architecture()
    missing = [name for name, value in values.items() if value is None and name not in ("CodeBucket", "Revision")]
    if missing:
        sys.exit(f"error: no value for {', '.join(missing)}: name it, or with --of the stack whose output it is")
    return values


def declared(cloudformation, template_url):
    """The template's parameters with their defaults; `None` for those that need a value."""
    summary = cloudformation.get_template_summary(TemplateURL=template_url)
    return {parameter["ParameterKey"]: parameter.get("DefaultValue") for parameter in summary["Parameters"]}


def values_of(stack):
    """The parameters of a stack as it is."""
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in (stack or {}).get("Parameters", [])}


def upload_code(s3, bucket, code, functions, rest):
    """Uploads the functions below the hash of all that goes into the stack, and returns that."""
    paths = {f"{function}.zip": code / function / "bootstrap.zip" for function in functions}
    zips = {name: path.read_bytes() for name, path in paths.items()}
    rest = {name: value for name, value in rest.items() if name != "Revision"}
    everything = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name, content in zips.items():
        everything.update(name.encode() + hashlib.sha256(content).digest())
    revision = everything.hexdigest()[:16]
    for name, content in zips.items():
        s3.put_object(Bucket=bucket, Key=f"{revision}/{name}", Body=content)
    return revision


def described(cloudformation, name):
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def settle(cloudformation, name, stack, parameters, template_url):
    """Makes the stack, or updates it, and waits until that is done."""
    request = {
        "StackName": name,
        "TemplateURL": template_url,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": CAPABILITIES,
        "Tags": [{"Key": "service", "Value": "tokensmith"}],
    }
    change, waiter = cloudformation.create_stack, "stack_create_complete"
    if stack is not None:
        change, waiter = cloudformation.update_stack, "stack_update_complete"
    try:
        change(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise
    print(f"{name}: waiting until it is deployed", file=sys.stderr)
    try:
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    except WaiterError:
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
            if event["ResourceStatus"].endswith("_FAILED"):
                print(event["LogicalResourceId"], event.get("ResourceStatusReason", ""), file=sys.stderr)
        sys.exit(f"error: {name} could not be deployed")


def outputs_of(cloudformation, name):
    stack = described(cloudformation, name)
    if stack is None:
        sys.exit(f"error: there is no stack {name}")
    return {out["OutputKey"]: out["OutputValue"] for out in stack.get("Outputs", [])}


def make_first_keys(lambda_client, function):
    """Runs the rotation now, which makes what is due: the first time, that is every key."""
    answer = lambda_client.invoke(FunctionName=function, Qualifier="live", Payload=b"{}")
    if "FunctionError" in answer:
        sys.exit(f"error: {function} failed: {answer['Payload'].read().decode()}")


def print_next_step(outputs):
    print(json.dumps(outputs, indent=2))
    if "Client" in outputs:
        print(f"next, a client that may call it:\n  {outputs['Client']}", file=sys.stderr)
    if "WrappingKey" in outputs:
        print("next, a client:", file=sys.stderr)
        for variable, output in COMMAND_ENVIRONMENT.items():
            print(f"  export {variable}={outputs[output]}", file=sys.stderr)
        print(f"  tokensmith client create --table {outputs['Table']} --id demo --scope read --default-scope read", file=sys.stderr)


# What the command needs to know, under the names that the functions know it by.
COMMAND_ENVIRONMENT = {"TOKENSMITH_ISSUER": "Issuer", "TOKENSMITH_CUSTODY": "Custody", "TOKENSMITH_KMS_KEY": "WrappingKey"}


if __name__ == "__main__":
    main()
