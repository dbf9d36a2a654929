"""Looks for what would make a deployment fail or harm what is there, and changes nothing.

    ./infra/preflight
    ./infra/preflight --stage prod
    ./infra/preflight --stack tokensmith-staging Table=restored

Prints what it finds; exits with 1 when a deployment would be refused.
"""

import argparse
import re
import sys

from botocore.exceptions import BotoCoreError, ClientError

import bucket
import options as command_line
from aws import Aws, code_of, found, plainly
from stacks import Stack, say

SERVICES = ["apigatewayv2", "cloudformation", "cloudwatch", "dynamodb", "events", "iam", "kms", "lambda", "logs", "s3", "sns", "sts"]

# Lambda's limit for the name of a function.
FUNCTION_NAME_CHARACTERS = 64

# Every request is one execution. A new account has 10, and production wants a thousand.
LITTLE_CONCURRENCY = 100

# What AWS keeps of an account's executions for functions that reserve none.
NEVER_RESERVED = 100

# Service, name of the quota, what it bounds, and below how many a second it is worth a word.
RATES = [
    ("kms", "Cryptographic operations (symmetric) request rate", "how many functions can start", 100),
    ("kms", "Cryptographic operations (RSA) request rate", "RS256 and PS256 tokens, in the custody kms", 500),
    ("kms", "Cryptographic operations (ECC) request rate", "ES256 and EdDSA tokens, in the custody kms", 300),
    ("apigateway", "Throttle rate", "requests to all APIs of the account", 1000),
]

# What the data stack has, and a service that has it by parameter.
DATA = ("Table", "WrappingKey")

# The record that says whose the table is: shared/issuer/src/store/records/settings.rs.
SETTINGS = {"pk": {"S": "KEYS"}, "sk": {"S": "SETTINGS"}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command_line.common(parser)
    options = command_line.parsed(parser)
    aws = Aws(options.endpoint_url)
    aws.require_account(options.account)
    stack = Stack(aws, options.stack)
    require(aws, stack, options.template, {**data_of(aws, stack), **named(aws, stack, options)})
    say("nothing stands in the way of a deployment")


def named(aws, stack, options):
    """The values of parameters that the stack has, that come from another stack, and that one has named; the last goes before."""
    outputs = {}
    if options.of:
        source = Stack(aws, options.of)
        if not source.exists:
            sys.exit(f"error: there is no stack {options.of}")
        outputs = source.outputs
    return {**stack.parameters, **outputs, **options.parameters}


def data_stack(aws, stack):
    """The stack with the data of `stack`."""
    return Stack(aws, f"{stack.name}-data")


def data_of(aws, stack):
    """The table and the wrapping key of its data stack."""
    outputs = data_stack(aws, stack).outputs
    return {name: outputs[name] for name in DATA if name in outputs}


def require(aws, stack, template, values):
    """Ends the process if `stack` cannot be made or updated with these values of its parameters."""
    errors = [*obstacles(stack, template)]
    if not stack.exists and not errors:
        errors += [*missing_services(aws), *taken_names(aws, stack.name, template)]
        for note in [*little_concurrency(aws), *low_rates(aws)]:
            say(f"note: {note}")
    if not errors:
        errors += [*no_domain(values), *too_few_to_reserve(aws, stack, template, values)]
        errors += [*wrong_key(aws, values), *wrong_table(aws, stack, values)]
    for error in errors:
        say(f"error: {error}")
    if errors:
        sys.exit(1)


def obstacles(stack, template):
    """Why nothing can be done with a stack of this name."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", stack.name):
        yield f"{stack.name} cannot be the name of a stack: it begins with a letter, and has letters, digits and hyphens only"
        return
    longest = max(functions_in(template), key=len, default="")
    room = FUNCTION_NAME_CHARACTERS - len(longest) - 1
    if len(stack.name) > room:
        yield (
            f"the name {stack.name} has {len(stack.name)} characters, and may have {room}: "
            f"its function {stack.name}-{longest} would have more than {FUNCTION_NAME_CHARACTERS}"
        )
    if stack.obstacle:
        yield stack.obstacle


def functions_in(template):
    """What the names of a template's functions have after the name of the stack."""
    return re.findall(r'FunctionName: !Sub "\$\{AWS::StackName\}-([\w-]+)"', template.read_text())


def missing_services(aws):
    """What the Region does not have."""
    for service in SERVICES:
        regions = aws.session.get_available_regions(service, aws.partition)
        # Services without a list are the same everywhere.
        if regions and aws.region not in regions:
            yield f"{service} is not available in {aws.region}"


def taken_names(aws, stack, template):
    """What exists already, and is not of the stack itself."""
    for function in (f"{stack}-{name}" for name in functions_in(template)):
        if found(lambda: aws.client("lambda").get_function(FunctionName=function), "ResourceNotFoundException"):
            yield f"there is a function {function} already: delete it, or choose another --stack"
    name = bucket.name_of(aws)
    try:
        found(lambda: aws.client("s3").head_bucket(Bucket=name), "404")
    except ClientError as error:
        if code_of(error) != "403":
            raise
        yield f"the bucket {name} belongs to somebody else, or you may not look at it"


def no_domain(values):
    """Why nobody could sign in at this address."""
    if values.get("SignIn") == "on" and not values.get("DomainName"):
        yield (
            "SignIn=on needs DomainName and CertificateArn: cookies and the addresses that clients send people to stay with one host, and the URL "
            "of the API is not one to keep"
        )


def too_few_to_reserve(aws, stack, template, values):
    """Why the function that signs people in could not have the executions that are reserved for it."""
    wanted = values.get("SignInConcurrency", default_of(template, "SignInConcurrency"))
    if values.get("SignIn") != "on" or not wanted:
        return
    has = stack.parameters.get("SignInConcurrency") if stack.parameters.get("SignIn") == "on" else None
    left = aws.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    if left + int(has or 0) - int(wanted) < NEVER_RESERVED:
        yield (
            f"SignInConcurrency={wanted} cannot be reserved: {left} concurrent executions of the account are not reserved, and AWS keeps "
            f"{NEVER_RESERVED} of them for everybody: ask AWS for more, or deploy with SignInConcurrency= (empty) until you have them"
        )


def default_of(template, parameter):
    """The default of a parameter that is text, or `None` if the template has no such parameter."""
    declared = re.search(rf'^  {parameter}:\n    Type: String\n    Default: "([^"]*)"', template.read_text(), re.M)
    return declared[1] if declared else None


def wrong_key(aws, values):
    """Why the wrapping key could open nothing."""
    key = values.get("WrappingKey")
    if not key:
        return
    described = found(lambda: aws.client("kms").describe_key(KeyId=key), "NotFoundException")
    if described is None:
        yield f"there is no KMS key {key}"
    elif described["KeyMetadata"]["KeyState"] != "Enabled":
        yield f"the KMS key {key} is {described['KeyMetadata']['KeyState']}: enable it, or cancel its deletion, first"


def wrong_table(aws, stack, values):
    """Why the table is not one for this issuer."""
    table = values.get("Table")
    if not table:
        return
    dynamodb = aws.client("dynamodb")
    if found(lambda: dynamodb.describe_table(TableName=table), "ResourceNotFoundException") is None:
        yield f"there is no table {table} in {aws.region}"
        return
    item = dynamodb.get_item(TableName=table, Key=SETTINGS, ConsistentRead=True).get("Item")
    if item is None:
        if stack.exists and table != stack.parameters.get("Table"):
            yield f"the table {table} has no issuer: it is empty, and {stack.name} has data in {stack.parameters.get('Table')}"
        return
    owner, key = (item.get(name, {}).get("S") for name in ("issuer", "wrapping_key"))
    issuer = issuer_of(stack, values)
    if owner != issuer:
        mine = f"this stack is the issuer {issuer}" if issuer else "this stack's issuer URL will be that of its new API, for it has no DomainName"
        yield f"the table {table} belongs to the issuer {owner}, and {mine}: infra/README.md says under Restore how it gets another issuer"
    if key and values.get("WrappingKey", key) != key:
        yield f"the keys in the table {table} are wrapped by {key}, not by {values['WrappingKey']}: deploy with WrappingKey={key}"


def issuer_of(stack, values):
    """The issuer URL that the functions will have, or `None` if nobody knows it before the API is there."""
    if values.get("Issuer"):
        return values["Issuer"]
    if values.get("DomainName"):
        return f"https://{values['DomainName']}"
    return stack.outputs.get("ApiUrl")


def little_concurrency(aws):
    limit = aws.client("lambda").get_account_settings()["AccountLimit"]
    if limit["ConcurrentExecutions"] < LITTLE_CONCURRENCY:
        yield (
            f"all functions of the account share {limit['ConcurrentExecutions']} concurrent executions: leave the "
            "parameters …Concurrency empty, and ask AWS for more before production"
        )


def low_rates(aws):
    for service, name, bounds, low in RATES:
        rate = quota(aws, service, name)
        if rate is None:
            yield f"the quota '{name}' of {service} cannot be read: it bounds {bounds}"
        elif rate < low:
            yield f"{rate:.0f} a second is all that '{name}' of {service} allows: it bounds {bounds}"


def quota(aws, service, name):
    """The account's own value, or the default one."""
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        try:
            pages = aws.client("service-quotas").get_paginator(operation).paginate(ServiceCode=service)
            for each in (each for page in pages for each in page["Quotas"]):
                if each["QuotaName"] == name:
                    return each["Value"]
        except (BotoCoreError, ClientError):
            pass
    return None


if __name__ == "__main__":
    plainly(main)
