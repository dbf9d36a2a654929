"""Whose account it is and where, and how what AWS refuses is told."""

import os
import subprocess
import sys
from functools import cached_property

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# Nobody waits a minute, four times, for a network that is not there.
CONFIG = Config(connect_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})


class Aws:
    """An account in a Region, found as every AWS SDK finds it; or an emulator of it."""

    def __init__(self, endpoint_url=None):
        # boto3 goes by AWS_DEFAULT_REGION alone, and every other SDK by this one.
        self.session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        self.endpoint_url, self.clients = endpoint_url, {}
        if self.session.region_name is None:
            sys.exit("error: there is no Region: set AWS_REGION or AWS_PROFILE, or run `aws configure`")
        if self.session.get_credentials() is None:
            sys.exit("error: there are no credentials: set AWS_PROFILE, or run `aws configure` or `aws sso login`")

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = self.session.client(service, endpoint_url=self.endpoint_url, config=CONFIG)
        return self.clients[service]

    @property
    def region(self):
        return self.session.region_name

    @cached_property
    def account(self):
        return self.client("sts").get_caller_identity()["Account"]

    @property
    def partition(self):
        return self.session.get_partition_for_region(self.region)

    def require_account(self, expected):
        """Ends the process in another account than `expected`, if one is."""
        if expected and expected != self.account:
            sys.exit(f"error: these are credentials of the account {self.account}, and {expected} is expected: nothing was changed")


def code_of(error):
    return error.response["Error"]["Code"]


def found(call, *missing):
    """What `call` returns, or `None` when AWS answers with one of the codes `missing`."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) in missing:
            return None
        raise


def plainly(main):
    """Runs a script. What AWS or the machine refuses is told in a sentence."""
    try:
        main()
    except ClientError as error:
        sys.exit(f"error: AWS refuses {error.operation_name}: {error.response['Error'].get('Message', code_of(error))}")
    except BotoCoreError as error:
        sys.exit(f"error: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {os.path.basename(error.cmd[0])} failed with exit code {error.returncode}")
    except OSError as error:
        sys.exit(f"error: {error.filename or ''}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted; what CloudFormation has begun goes on")
