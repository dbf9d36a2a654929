"""Looks for what would make a deployment fail, and changes nothing.

    ./infra/preflight
    ./infra/preflight --stack tokensmith-staging

Prints what it finds; exits with 1 when a deployment would fail.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

SERVICES = ["apigatewayv2", "cloudformation", "cloudwatch", "dynamodb", "events", "iam", "kms", "lambda", "logs", "s3", "sns", "sts"]
TEMPLATE = Path(__file__).resolve().with_name("template.yaml")

# Every request is one execution. A new account has 10, and production wants a thousand.
LITTLE_CONCURRENCY = 100

# Service, name of the quota, what it bounds, and below how many a second it is worth a word.
RATES = [
    ("kms", "Cryptographic operations (symmetric) request rate", "how many functions can start", 100),
    ("kms", "Cryptographic operations (RSA) request rate", "RS256 and PS256 tokens, in the custody kms", 500),
    ("kms", "Cryptographic operations (ECC) request rate", "ES256 and EdDSA tokens, in the custody kms", 300),
    ("apigateway", "Throttle rate", "requests to all APIs of the account", 1000),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="tokensmith")
    parser.add_argument("--endpoint-url", default=os.environ.get("AWS_ENDPOINT_URL"), help="an emulator instead of AWS")
    options = parser.parse_args()
    aws_session = session()
    require(aws_session, lambda service: aws_session.client(service, endpoint_url=options.endpoint_url), options.stack, TEMPLATE)
    print("nothing stands in the way of a deployment", file=sys.stderr)


def session():
    """Whose account it is, and where: as every AWS SDK finds it."""
    found = boto3.Session()
    if found.region_name is None or found.get_credentials() is None:
        sys.exit("error: there is no region or there are no credentials: set AWS_PROFILE or AWS_REGION, or run `aws configure`")
    return found


def require(session, aws, stack, template):
    """Ends the process if `stack` cannot be made."""
    errors = [*missing_services(session), *taken_names(aws, session.region_name, stack, template)]
    for note in [*little_concurrency(aws), *low_rates(aws)]:
        print(f"note: {note}", file=sys.stderr)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    if errors:
        sys.exit(1)


def missing_services(session):
    """What the Region does not have."""
    partition = session.get_partition_for_region(session.region_name)
    for service in SERVICES:
        regions = session.get_available_regions(service, partition)
        # Services without a list are the same everywhere.
        if regions and session.region_name not in regions:
            yield f"{service} is not available in {session.region_name}"


def taken_names(aws, region, stack, template):
    """What exists already, and is not of the stack itself."""
    cloudformation = aws("cloudformation")
    state = answer(lambda: cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    if state == "ROLLBACK_COMPLETE":
        yield f"the stack {stack} could not be made the last time: delete it first"
    if state is not None:
        return
    names = re.findall(r'FunctionName: !Sub "\$\{AWS::StackName\}-([\w-]+)"', template.read_text())
    for function in (f"{stack}-{name}" for name in names):
        if answer(lambda: aws("lambda").get_function(FunctionName=function)):
            yield f"there is a function {function} already"
        group = f"/aws/lambda/{function}"
        found = answer(lambda: aws("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]) or []
        if any(each["logGroupName"] == group for each in found):
            yield f"there is a log group {group} already: delete it, or choose another --stack"
    account = aws("sts").get_caller_identity()["Account"]
    bucket = f"tokensmith-code-{account}-{region}"
    if refusal(lambda: aws("s3").head_bucket(Bucket=bucket)) == "403":
        yield f"the bucket {bucket} belongs to somebody else"


def little_concurrency(aws):
    limit = aws("lambda").get_account_settings()["AccountLimit"]
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
            pages = aws("service-quotas").get_paginator(operation).paginate(ServiceCode=service)
            for each in (each for page in pages for each in page["Quotas"]):
                if each["QuotaName"] == name:
                    return each["Value"]
        except (BotoCoreError, ClientError):
            pass
    return None


def answer(call):
    """What `call` returns, or `None` for what does not exist."""
    try:
        return call()
    except ClientError as error:
        if refusal_of(error) in ("404", "ResourceNotFoundException", "ValidationError"):
            return None
        raise


def refusal(call):
    try:
        call()
        return None
    except ClientError as error:
        return refusal_of(error)


def refusal_of(error):
    return error.response["Error"]["Code"]


if __name__ == "__main__":
    main()
