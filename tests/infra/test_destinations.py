"""Events go to the topic and to the Firehose that the parameters name, out of the logs of the deployed functions."""

import json
import time

import pytest

from filter_pattern import matches
from issuer import Issuer, new_client
from stack import EVERYWHERE

# A function of the emulator starts in that time, also on a busy machine.
ARRIVES_WITHIN_SECONDS = 60


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
