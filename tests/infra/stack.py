"""A template as CloudFormation sees it: read, its conditions decided."""

import json
import re
from pathlib import Path

from cfnlint.decode.cfn_yaml import load

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
DATA = ROOT / "infra" / "data.yaml"
EXAMPLE = ROOT / "infra" / "example-api.yaml"

# The path of each endpoint, by the name under which a function's `main` lists it.
PATHS = {
    name.lower(): path
    for name, path in re.findall(r'const (\w+): &str = "(/[^"]+)"', (ROOT / "shared/verifier/src/paths.rs").read_text())
}

# The parameters with which events go everywhere.
EVERYWHERE = {
    "EventsFirehoseArn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/events",
    "EventsTopicArn": "arn:aws:sns:us-east-1:000000000000:events",
}

# The parameters with which people sign in.
PEOPLE = {
    "SignIn": "on",
    "DomainName": "login.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/login",
}

NOTHING = object()


class Template:
    """A template, with the parameters that a test gives it; every other has its default."""

    def __init__(self, path=TEMPLATE, **parameters):
        self.path = path
        self.document = json.loads(json.dumps(load(str(path)), default=str))
        declared = self.document.get("Parameters", {}).items()
        self.parameters = {name: parameters.get(name, declaration.get("Default")) for name, declaration in declared}
        self.resources = {
            name: resource
            for name, resource in self.document["Resources"].items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }

    def of_type(self, kind):
        return {name: resource["Properties"] for name, resource in self.resources.items() if resource["Type"] == kind}

    def decided(self, value):
        """`value` without conditions: of each `Fn::If`, what holds."""
        if isinstance(value, list):
            return [each for each in map(self.decided, value) if each is not NOTHING]
        if not isinstance(value, dict):
            return value
        if value == {"Ref": "AWS::NoValue"}:
            return NOTHING
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return self.decided(then if self.holds(condition) else otherwise)
        pairs = ((name, self.decided(each)) for name, each in value.items())
        return {name: each for name, each in pairs if each is not NOTHING}

    @property
    def widgets(self):
        """What the dashboard shows, with the names of what is put in where CloudFormation would put it in."""
        return json.loads(self.substituted(self.decided(self.resources["Dashboard"]["Properties"]["DashboardBody"])))["widgets"]

    def substituted(self, value):
        """The text of an `Fn::Sub`, with its own variables put in."""
        if isinstance(value, str):
            return value
        if set(value) != {"Fn::Sub"}:
            return "${" + value["Ref"] + "}"
        text, variables = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
        for name, each in variables.items():
            text = text.replace(f"${{{name}}}", self.substituted(each))
        return text

    def holds(self, condition):
        if isinstance(condition, str):
            return self.holds(self.document["Conditions"][condition])
        ((function, operands),) = condition.items()
        match function:
            case "Fn::Equals":
                left, right = (self.value(operand) for operand in operands)
                return left == right
            case "Fn::Not":
                return not self.holds(operands[0])
            case "Fn::And":
                return all(map(self.holds, operands))
            case "Condition":
                return self.holds(operands)
        raise AssertionError(f"{function} is unknown here")

    def value(self, operand):
        return self.parameters[operand["Ref"]] if isinstance(operand, dict) else operand
