"""Stacks of CloudFormation: what is there, what a change would do, and doing it."""

import sys
import time
import uuid
from collections import Counter
from functools import cached_property

from botocore.exceptions import ClientError

from aws import code_of

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")

# What a stack in this state needs before it can be changed.
UNUSABLE = {
    "ROLLBACK_COMPLETE": "could not be made the last time; delete it first, which touches no data: aws cloudformation delete-stack --stack-name {name}",
    "ROLLBACK_FAILED": "could not be made the last time; delete it first, which touches no data: aws cloudformation delete-stack --stack-name {name}",
    "CREATE_FAILED": "could not be made the last time; delete it first, which touches no data: aws cloudformation delete-stack --stack-name {name}",
    "DELETE_FAILED": "could not be deleted the last time; delete it first, which touches no data: aws cloudformation delete-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": "could not go back after its last update: aws cloudformation continue-update-rollback --stack-name {name}",
    "UPDATE_FAILED": "was left in its last update: aws cloudformation rollback-stack --stack-name {name}",
}

ACTIONS = {"Add": "make", "Modify": "change", "Remove": "remove", "Dynamic": "perhaps change", "Import": "import"}


class Stack:
    """A stack by its name, whether it is there or not."""

    def __init__(self, aws, name):
        self.cloudformation = aws.client("cloudformation")
        self.lambda_client = aws.client("lambda")
        self.name = name

    @cached_property
    def described(self):
        """What CloudFormation knows of it, or `None`."""
        try:
            (stack,) = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if code_of(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        # So it is called while there is nothing but a change set.
        return None if stack["StackStatus"] == "REVIEW_IN_PROGRESS" else stack

    def look_again(self):
        self.__dict__.pop("described", None)

    @property
    def exists(self):
        return self.described is not None

    @property
    def status(self):
        return self.described["StackStatus"] if self.exists else None

    @property
    def parameters(self):
        return {each["ParameterKey"]: each["ParameterValue"] for each in (self.described or {}).get("Parameters", [])}

    @property
    def outputs(self):
        return {each["OutputKey"]: each["OutputValue"] for each in (self.described or {}).get("Outputs", [])}

    @property
    def tags(self):
        return {each["Key"]: each["Value"] for each in (self.described or {}).get("Tags", [])}

    @property
    def obstacle(self):
        """Why it cannot be changed now, or `None`."""
        if self.status in UNUSABLE:
            return f"the stack {self.name} is {self.status}: it {UNUSABLE[self.status].format(name=self.name)}"
        if (self.status or "").endswith("_IN_PROGRESS"):
            return f"the stack {self.name} is {self.status}: somebody changes it; wait until that is over"
        return None

    def plan(self, template_url, parameters, tags):
        """What would be changed, as CloudFormation says. It refuses bad values of parameters here."""
        name = f"deploy-{uuid.uuid4().hex[:12]}"
        made = self.cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if self.exists else "CREATE",
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=CAPABILITIES,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        return Plan(self, made["StackId"], name, parameters)

    def moved_aliases(self):
        """The aliases of its functions that somebody has moved by hand: of each the function, the alias, and the version that the stack
        knows."""
        if not self.exists:
            return []
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        resources = [each for page in pages for each in page["StackResourceSummaries"] if each.get("PhysicalResourceId")]
        versions = dict(parted(each) for each in resources if each["ResourceType"] == "AWS::Lambda::Version")
        aliases = [parted(each) for each in resources if each["ResourceType"] == "AWS::Lambda::Alias"]
        return [
            (function, alias, versions[function])
            for function, alias in aliases
            if function in versions and self.is_moved(function, alias, versions[function])
        ]

    def is_moved(self, function, alias, version):
        now = self.lambda_client.get_alias(FunctionName=function, Name=alias)
        return now["FunctionVersion"] != version or bool(now.get("RoutingConfig", {}).get("AdditionalVersionWeights"))

    def move_aliases_back(self):
        for function, alias, version in self.moved_aliases():
            self.lambda_client.update_alias(
                FunctionName=function, Name=alias, FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": {}}
            )

    def protect(self):
        """Protects it from being deleted by accident."""
        self.look_again()
        if not self.described.get("EnableTerminationProtection"):
            self.cloudformation.update_termination_protection(StackName=self.name, EnableTerminationProtection=True)


def parted(resource):
    """The function of a version or an alias, and its own name."""
    function, _, name = resource["PhysicalResourceId"].rpartition(":")
    return function, name


class Plan:
    """A change set."""

    def __init__(self, stack, stack_id, name, parameters):
        self.stack, self.stack_id, self.name, self.parameters = stack, stack_id, name, parameters
        self.cloudformation = stack.cloudformation
        self.changes, self.is_empty = self.settled()

    def settled(self):
        """The changes, once CloudFormation knows them, and whether there are none."""
        for seconds in waits():
            described = self.described()
            if described["Status"] == "FAILED":
                reason = described.get("StatusReason", "")
                self.discard()
                if any(text in reason for text in NO_CHANGES):
                    return [], True
                sys.exit(f"error: CloudFormation refuses to change {self.stack.name}: {reason}")
            if described["Status"] == "CREATE_COMPLETE":
                pages = self.cloudformation.get_paginator("describe_change_set").paginate(**self.names)
                return [each["ResourceChange"] for page in pages for each in page["Changes"]], False
            time.sleep(seconds)

    @property
    def names(self):
        return {"StackName": self.stack.name, "ChangeSetName": self.name}

    def described(self):
        return self.cloudformation.describe_change_set(**self.names)

    def show(self):
        """Says on stderr what it would do: each change of what is there, and of a new stack how many of what."""
        if not self.stack.exists:
            for kind, count in sorted(Counter(change["ResourceType"] for change in self.changes).items()):
                say(f"  make {count:3} {kind}")
            return
        before = self.stack.parameters
        for name, value in self.parameters.items():
            if before.get(name) != value:
                say(f"  {name}: {before.get(name, 'new')} -> {value}")
        for change in self.changes:
            action = ACTIONS.get(change["Action"], change["Action"])
            if change.get("Replacement") in ("True", "Conditional"):
                action = "replace" if change["Replacement"] == "True" else "perhaps replace"
            say(f"  {action:15} {change['ResourceType']:32} {change['LogicalResourceId']}")

    @property
    def replaced(self):
        return [change["LogicalResourceId"] for change in self.changes if change.get("Replacement") == "True"]

    def discard(self):
        """Takes it back, with the empty stack that CloudFormation has made for it if there was none."""
        self.cloudformation.delete_change_set(**self.names)
        if not self.stack.exists:
            self.cloudformation.delete_stack(StackName=self.stack.name)

    def carry_out(self):
        """Does it, and waits until that is done. Ends the process if it failed."""
        token = self.name
        self.cloudformation.execute_change_set(**self.names, ClientRequestToken=token)
        say(f"{self.stack.name}: waiting until it is deployed")
        existed = self.stack.exists
        for seconds in waits():
            # By its id, a stack that somebody deletes meanwhile is still found.
            (now,) = self.cloudformation.describe_stacks(StackName=self.stack_id)["Stacks"]
            if not now["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(seconds)
        self.stack.look_again()
        if self.stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        for event in self.failures(token):
            say(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'failed')}")
        sys.exit(f"error: {outcome(self.stack, existed)}")

    def failures(self, token):
        """What failed in this change, in the order in which it did. CloudFormation lists the last first, in pages."""
        own = []
        for page in self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack_id):
            events = [event for event in page["StackEvents"] if event.get("ClientRequestToken") == token]
            own += events
            if own and len(events) < len(page["StackEvents"]):
                break
        failed = [event for event in own if event["ResourceStatus"].endswith("_FAILED")]
        # What was only stopped because something else failed says nothing.
        return [event for event in reversed(failed) if "cancelled" not in event.get("ResourceStatusReason", "")]


def outcome(stack, existed):
    """What became of a change that failed."""
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        return f"{stack.name} was not updated: it is as it was before, and has answered all the time"
    what = "updated" if existed else "made"
    return f"{stack.name} was not {what}. {stack.obstacle or 'Somebody has deleted it meanwhile.'}"


def waits():
    """How long to wait before each look: at first shortly, for stacks that are done at once."""
    seconds = 0.25
    while True:
        yield seconds
        seconds = min(seconds * 1.5, 5)


def say(text):
    print(text, file=sys.stderr)
