"""Starts the emulator, with what AWS does and it leaves out: the condition keys of DynamoDB and KMS that the roles are limited
by, the values of a stack's parameters in the SAM transform, and the log of a function that does not start. Without them, every condition
would be untested.

What a subscription of a log gets, it decides by words alone; here the pattern decides (filter_pattern.py).

Alarms over several metrics it refuses; here they are alarms that never ring. cfn-lint knows whether they are right. Saved queries it does not
know; here they are there, and no more. And it has a domain of
its own, on loopback, whose name has a port.
"""

import contextvars
import json
import re
import secrets
import time
import uuid

import samtranslator.translator.transform as sam
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, dynamodb, kms, lambda_svc
from ministack.services.cloudformation import engine, handlers, provisioners, stacks

import cloudformation_needs
import filter_pattern

PARTITION_KEY = "pk"

EXPRESSION_WORDS = {"SET", "REMOVE", "ADD", "AND", "OR", "attribute_exists", "attribute_not_exists", "if_not_exists"}


def leading_keys(request):
    """`dynamodb:LeadingKeys`: the partition keys that a request names."""
    keys = [request["Key"]] if "Key" in request else []
    keys += [request["Item"]] if "Item" in request else []
    for table in request.get("RequestItems", {}).values():
        if isinstance(table, dict):
            keys += table.get("Keys", [])
        else:
            keys += [write[kind].get("Key") or write[kind].get("Item") for write in table for kind in write]
    found = [key[PARTITION_KEY]["S"] for key in keys if PARTITION_KEY in key]
    return found + queried_keys(request)


def queried_keys(request):
    """What a query's partition key must equal. In a query of an index that is the table's own, which is not named there: no role may
    rest on AWS meaning the key of the index (decision 0043)."""
    names = {placeholder for placeholder, real in request.get("ExpressionAttributeNames", {}).items() if real == PARTITION_KEY}
    names.add(PARTITION_KEY)
    pattern = rf"(?:{'|'.join(map(re.escape, names))})\s*=\s*(:\w+)"
    values = request.get("ExpressionAttributeValues", {})
    return [values[value]["S"] for value in re.findall(pattern, request.get("KeyConditionExpression", ""))]


def updated_attributes(request):
    """`dynamodb:Attributes`: the attributes that an update names, in its key, its change and its condition."""
    if "UpdateExpression" not in request:
        return []
    text = request["UpdateExpression"] + " " + request.get("ConditionExpression", "")
    names = request.get("ExpressionAttributeNames", {})
    words = set(re.findall(r"(?<![:\w])#?[A-Za-z_]\w*", text)) - EXPRESSION_WORDS
    return sorted({names.get(word, word) for word in words} | set(request["Key"]))


def kms_keys(request):
    """What a KMS request says of its encryption context and of the key that it makes or names."""
    context = {f"kms:EncryptionContext:{name}": value for name, value in request.get("EncryptionContext", {}).items()}
    stored = kms._resolve_key(request["KeyId"]) if "KeyId" in request else None
    described = stored or request
    for name in ("KeySpec", "KeyUsage"):
        if name in described:
            context[f"kms:{name}"] = described[name]
    if "KeyPairSpec" in request:
        context["kms:DataKeyPairSpec"] = request["KeyPairSpec"]
    return context


def body_of(request):
    try:
        body = json.loads(request or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def with_leading_keys(known):
    def context(body):
        request = body_of(body)
        own = {
            "dynamodb:LeadingKeys": leading_keys(request),
            "dynamodb:Attributes": updated_attributes(request),
            "dynamodb:ReturnValues": request.get("ReturnValues"),
        }
        return {**known(body), **{key: value for key, value in own.items() if value}}

    return context


def with_kms_keys(known):
    def context(service, action, body, params):
        own = kms_keys(body_of(body)) if service == "kms" else {}
        return {**known(service, action, body, params), **own}

    return context


PARAMETERS = contextvars.ContextVar("parameters", default={})


def with_parameters(apply):
    def transforms(template, provided=None, previous=None):
        PARAMETERS.set(engine._transform_parameters(template, provided, previous))
        return apply(template, provided, previous)

    return transforms


def with_their_values(transform):
    return lambda template, _, policies: transform(template, PARAMETERS.get(), policies)


def with_silent_expressions(record):
    def alarm(name, properties):
        if "Metrics" in properties:
            first = {"MetricName": "expression", "Namespace": "expression", "Period": 60, "Statistic": "Sum"}
            properties = {**first, **{key: value for key, value in properties.items() if key != "Metrics"}}
        return record(name, properties)

    return alarm


OWN_DOMAIN = re.compile(r"localhost:\d+")


def but_for_the_own_domain(check):
    def constraints(name, declaration, kind, value):
        if not (name == "DomainName" and OWN_DOMAIN.fullmatch(value)):
            check(name, declaration, kind, value)

    return constraints


def with_its_last_words(execute):
    """The emulator puts the log of a function that exits before it serves into the error's message."""

    def run(function, event, request_id):
        result = execute(function, event, request_id)
        message = result["body"].get("errorMessage", "") if result.get("error") else ""
        exited, colon, log = message.partition(": ")
        if not re.fullmatch(r"bootstrap exited during init with code -?\d+", exited):
            return result
        error = {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: Runtime {exited[10:]}"}
        return {**result, "body": error, "log": log}

    return run


def with_a_name_of_its_own(log_group):
    """AWS gives a log group without a name a new one each time; the emulator gives the one that was deleted with it kept."""

    def create(logical_id, properties, stack):
        name = properties.get("LogGroupName") or f"{stack}-{logical_id}-{secrets.token_hex(6)}"
        return log_group["create"](logical_id, {**properties, "LogGroupName": name}, stack)

    def update(physical_id, old, new, stack, logical_id):
        old, new = ({"LogGroupName": physical_id, **properties} for properties in (old, new))
        return log_group["update"](physical_id, old, new, stack, logical_id)

    return {**log_group, "create": create, "update": update}


# A saved query does nothing, and the emulator has none. Whether the queries are right, tests/infra/insights.py knows.
SAVED_QUERY = {
    "create": lambda logical_id, properties, stack: (str(uuid.uuid4()), {}),
    "update": lambda physical_id, old, new, stack: (physical_id, {}),
    "delete": lambda physical_id, properties: None,
}


def with_the_moment_of_the_copy(restore):
    """A table that was made from another one says of which moment it is."""

    def restored(request):
        answer = restore(request)
        if answer[0] == 200:
            moment = {"RestoreDateTime": int(time.time()), "RestoreInProgress": False}
            dynamodb._tables[request["TargetTableName"]]["RestoreSummary"] = moment
        return answer

    return restored


def with_where_it_comes_from(description):
    def described(name):
        summary = dynamodb._tables[name].get("RestoreSummary")
        return {**description(name), **({"RestoreSummary": summary} if summary else {})}

    return described


def with_the_rights_of_whoever_asks(change, operation):
    """CloudFormation has no rights of its own: what a stack does, its user has to be allowed."""

    def carry_out(kind, name, *arguments, **named):
        stack, logical_id, properties = about(operation, name, arguments)
        for action, resource, context in cloudformation_needs.requests(
            kind, operation, logical_id, properties, stack, get_account_id(), get_region()
        ):
            require_allowed(action, resource, context)
        return change(kind, name, *arguments, **named)

    return carry_out


def about(operation, name, arguments):
    """The stack of a resource, its logical id and its properties."""
    if operation == "create":
        properties, stack = arguments
        return stack, name, properties
    if operation == "update":
        _, properties, stack, logical_id = arguments[:4]
        return stack, logical_id, properties
    properties, stack, logical_id = arguments
    return stack, logical_id, properties


def require_allowed(action, resource, context):
    """Raises if the user that has asked for this may not do it. Who is no user is not asked."""
    user = iam_evaluator.caller_arn().partition(":user/")[2]
    if not user:
        return
    account = get_account_id()
    asked = iam_evaluator.EvalContext(
        principal_arn=iam_evaluator.caller_arn(), principal_type="User", principal_account=account, action=action, resource_arn=resource,
        region=get_region(), service_context={key.lower(): value for key, value in context.items()},
    )  # fmt: skip
    if iam_evaluator.evaluate(asked, iam_evaluator._gather_user_policies(user, account)).decision != "Allow":
        raise ValueError(f"{user} is not authorized to perform: {action} on resource: {resource}")


def with_one_right_to_publish(action_of):
    """SNS asks for the same right for one message and for several; IAM knows no `sns:PublishBatch`."""

    def action(*request):
        found = action_of(*request)
        return "sns:Publish" if found == "sns:PublishBatch" else found

    return action


def noted(evaluate):
    """Writes down what users ask for, for the test that looks for permissions that nobody needs."""

    def evaluated(asked, *policies):
        if ":user/" in asked.principal_arn:
            with open("asked.jsonl", "a") as file:
                json.dump({"user": asked.principal_arn, "action": asked.action, "resource": asked.resource_arn, "context": asked.service_context}, file)
                file.write("\n")
        return evaluate(asked, *policies)

    return evaluated


cloudwatch_logs._subscription_pattern_matches = filter_pattern.matches
iam_evaluator.evaluate = noted(iam_evaluator.evaluate)
iam_actions.extract_iam_action = with_one_right_to_publish(iam_actions.extract_iam_action)
stacks._provision_resource = with_the_rights_of_whoever_asks(stacks._provision_resource, "create")
stacks._update_resource = with_the_rights_of_whoever_asks(stacks._update_resource, "update")
stacks._delete_resource = with_the_rights_of_whoever_asks(stacks._delete_resource, "delete")
iam_actions.dynamodb_service_context = with_leading_keys(iam_actions.dynamodb_service_context)
iam_actions.request_tag_context = with_kms_keys(iam_actions.request_tag_context)
handlers._apply_transforms = with_parameters(handlers._apply_transforms)
dynamodb._restore_table_to_point_in_time = with_the_moment_of_the_copy(dynamodb._restore_table_to_point_in_time)
dynamodb._table_description = with_where_it_comes_from(dynamodb._table_description)
resources = provisioners._RESOURCE_HANDLERS
resources["AWS::Logs::LogGroup"] = with_a_name_of_its_own(resources["AWS::Logs::LogGroup"])
resources["AWS::Logs::QueryDefinition"] = SAVED_QUERY
provisioners._cw_metric_alarm_record = with_silent_expressions(provisioners._cw_metric_alarm_record)
engine._check_parameter_constraints = but_for_the_own_domain(engine._check_parameter_constraints)
lambda_svc._execute_function_provided_warm = with_its_last_words(lambda_svc._execute_function_provided_warm)
sam.transform = with_their_values(sam.transform)

if __name__ == "__main__":
    from ministack.app import main

    main()
