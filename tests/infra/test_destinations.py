"""Events go to the topic and to the Firehose that the parameters name: as the templates say it, and out of the logs of the deployed functions."""

import json
import time

import pytest

from filter_pattern import matches
from issuer import Issuer, new_client
from stack import EVERYWHERE, EXAMPLE, TEMPLATE, Template

# A function of the emulator starts in that time, also on a busy machine.
ARRIVES_WITHIN_SECONDS = 60


@pytest.mark.parametrize("path", [TEMPLATE, EXAMPLE])
def test_the_events_of_every_function_go_where_the_parameters_say(path):
    everywhere = Template(path, **EVERYWHERE)
    # The functions of this project: another one's log may have anything in it.
    logging = sorted(everywhere.of_type("AWS::Serverless::Function").keys() - {"Orders"})
    filters = everywhere.of_type("AWS::Logs::SubscriptionFilter")
    to_firehose = {name: each for name, each in filters.items() if each["DestinationArn"] == {"Ref": "EventsFirehoseArn"}}
    to_topic = {name: each for name, each in filters.items() if each["DestinationArn"] == {"Fn::GetAtt": ["PublishEvents", "Arn"]}}
    # AWS takes two of each log. The log of what publishes has none, which would be published for ever.
    for found in (to_firehose, to_topic):
        assert sorted(each["LogGroupName"]["Ref"] for each in found.values()) == [f"{name}Log" for name in logging]
    assert len(filters) == 2 * len(logging)
    assert all(each["RoleArn"] == {"Fn::GetAtt": ["DeliverEventsRole", "Arn"]} for each in to_firehose.values())
    # CloudWatch Logs tries to call the function when the filter is made.
    assert all(everywhere.resources[name]["DependsOn"] == "PublishEventsPermission" for name in to_topic)
    permission = everywhere.resources["PublishEventsPermission"]["Properties"]
    assert (permission["Principal"], permission["SourceAccount"]) == ("logs.amazonaws.com", {"Ref": "AWS::AccountId"})
    assert Template(path).of_type("AWS::Logs::SubscriptionFilter") == {}


@pytest.mark.parametrize("path", [TEMPLATE, EXAMPLE])
def test_the_firehose_gets_every_event_and_the_topic_those_to_look_at(path):
    filters = Template(path, **EVERYWHERE).of_type("AWS::Logs::SubscriptionFilter").values()
    patterns = {(each["DestinationArn"].get("Ref", "the topic"), each["FilterPattern"]) for each in filters}
    gets = {
        (destination, level)
        for destination, pattern in patterns
        for level in ("info", "warn", "error", "WARN")
        if matches(pattern, json.dumps({"level": level, "schema": 1} if level.islower() else {"level": level}))
    }
    # Lambda's own lines have no schema.
    assert len(patterns) == 2
    assert gets == {("EventsFirehoseArn", level) for level in ("info", "warn", "error")} | {("the topic", "warn"), ("the topic", "error")}


@pytest.fixture(scope="module")
def issuer(emulator, archived, tokensmith):
    return Issuer(emulator.api(archived["Api"]), new_client(tokensmith, archived, "published"))


def messages(emulator, topic, wanted):
    """What the topic has published, until `wanted` holds for a message or the time is over."""
    sqs, found, until = emulator.client("sqs"), [], time.monotonic() + ARRIVES_WITHIN_SECONDS
    while not any(map(wanted, found)) and time.monotonic() < until:
        taken = sqs.receive_message(QueueUrl=topic["queue"], MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        found += [json.loads(each["Body"]) for each in taken]
    return found


def test_a_reused_refresh_token_becomes_a_message_and_what_went_well_does_not(emulator, archived, tokensmith, issuer, topic):
    grant = tokensmith(archived, "grant", "create", "--client", "published", "--subject", "sensor", "--scope", "read")
    first = grant["refresh_token"]
    second = issuer.post("/oauth2/refresh", grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    issuer.post("/oauth2/refresh", grant_type="refresh_token", refresh_token=second)
    assert issuer.post("/oauth2/refresh", grant_type="refresh_token", refresh_token=first).status_code == 400

    def is_of_the_grant(message):
        return json.loads(message["Message"]).get("grant") == grant["grant_id"]

    published = messages(emulator, topic, is_of_the_grant)
    (told,) = filter(is_of_the_grant, published)
    assert (json.loads(told["Message"])["event"], told["Subject"]) == ("reused", "tokensmith warn: reused")
    assert {name: each["Value"] for name, each in told["MessageAttributes"].items()} == {"event": "reused", "level": "warn"}
    assert {json.loads(each["Message"])["level"] for each in published} <= {"warn", "error"}


def test_every_log_line_of_a_function_is_one_that_the_firehose_gets(emulator, archived, issuer):
    """The emulator delivers to no Firehose. Its filters are there, and their pattern takes every line that a function has written."""
    assert issuer.is_active(issuer.token())
    logs, lambda_client = emulator.client("logs"), emulator.client("lambda")
    for function in (name for output, name in archived.items() if output.endswith("Function")):
        group = lambda_client.get_function_configuration(FunctionName=function)["LoggingConfig"]["LogGroup"]
        filters = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
        (to_firehose,) = (each for each in filters if each["destinationArn"] == EVERYWHERE["EventsFirehoseArn"])
        assert ":role/tokensmith/events/" in to_firehose["roleArn"]
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        # The emulator adds lines of its own, which Lambda does not write at this level.
        ours = [line for line in lines if line.startswith("{")]
        assert [line for line in ours if not matches(to_firehose["filterPattern"], line)] == [], function
