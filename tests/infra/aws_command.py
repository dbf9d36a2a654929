"""As much of the command `aws` as infra/README.md and docs/federation.md use, with AWS's own models of what each operation takes: an option that does not exist, or
a value of another kind, fails as it would with the real one.
"""

import json
import os
import sys

import boto3
import jmespath
from botocore import xform_name

# What takes its values in another way than others.
WAITERS = {"wait"}


def main():
    service, operation, *arguments = sys.argv[1:]
    client = boto3.client(service, region_name=os.environ["AWS_REGION"])
    waits = operation in WAITERS
    if waits:
        operation, *arguments = arguments
        waiter = client.get_waiter(operation.replace("-", "_"))
        operation = xform_name(waiter.config.operation, "-")
    names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    model = client.meta.service_model.operation_model(names[operation])
    values, query, output = parsed(model, arguments)
    if waits:
        # The real one looks every 5 s, or every 20.
        return waiter.wait(**values, WaiterConfig={"Delay": 1})
    answer = getattr(client, operation.replace("-", "_"))(**values)
    answer.pop("ResponseMetadata")
    show(jmespath.search(query, answer) if query else answer, output)


def parsed(model, arguments):
    """The values of an operation's members, and how its answer is shown."""
    members, values, shown = getattr(model.input_shape, "members", {}), {}, {"query": None, "output": "json"}
    options = {xform_name(name, "-"): name for name in members}
    while arguments:
        option = arguments.pop(0).removeprefix("--")
        if option in shown:
            shown[option] = arguments.pop(0)
            continue
        negated = option.removeprefix("no-")
        name = options.get(option) or options[negated]
        if members[name].type_name == "boolean":
            values[name] = option != f"no-{negated}" or option in options
        else:
            taken = [arguments.pop(0)]
            while members[name].type_name == "list" and arguments and not arguments[0].startswith("--"):
                taken.append(arguments.pop(0))
            values[name] = valued(members[name], taken)
    return values, shown["query"], shown["output"]


def valued(shape, taken):
    match shape.type_name:
        case "structure":
            return {name: valued(shape.members[name], [value]) for name, _, value in (each.partition("=") for each in taken[0].split(","))}
        case "boolean":
            return {"true": True, "false": False}[taken[0]]
        case "integer":
            return int(taken[0])
        case "list":
            return [valued(shape.member, [each]) for each in taken]
    return taken[0]


def show(value, output):
    if output == "json":
        print(json.dumps(value, default=str, indent=4))
    elif isinstance(value, list):
        print("\t".join(map(str, value)))
    else:
        print(value)


if __name__ == "__main__":
    main()
