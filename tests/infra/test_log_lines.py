"""What the metric filters make of the lines that the functions really write."""

import json

import pytest
import requests

from filter_pattern import matches
from issuer import Issuer


@pytest.fixture(scope="module")
def watched(deploy):
    """A stack of its own, whose data suffer."""
    return deploy("--stack", "watched", "CacheTtl=0s")


@pytest.fixture(scope="module")
def metrics(emulator, watched):
    """What each metric has counted since it was asked the last time, and resets it."""
    seen = set()

    def since_then():
        counted = {}
        for event in events_of(emulator, watched, seen):
            for each in emulator.client("logs").describe_metric_filters(logGroupName=event["group"])["metricFilters"]:
                if matches(each["filterPattern"], event["message"]):
                    (made,) = each["metricTransformations"]
                    counted.setdefault(made["metricName"], []).append(float(made["metricValue"]))
        return counted

    return since_then


def events_of(emulator, watched, seen):
    """The lines in the logs of the stack that nobody has asked for yet."""
    logs = emulator.client("logs")
    for function in (name for output, name in watched.items() if output.endswith("Function")):
        group = emulator.client("lambda").get_function_configuration(FunctionName=function)["LoggingConfig"]["LogGroup"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            for event in page["events"]:
                if event["eventId"] not in seen:
                    seen.add(event["eventId"])
                    yield {"group": group, "message": event["message"]}


@pytest.fixture(scope="module")
def issuer(emulator, watched, tokensmith):
    made = tokensmith(
        watched, "client", "create", "--id", "watched", "--scope", "read", "--default-scope", "read",
        "--grant", "client_credentials", "--grant", "refresh_token",
    )  # fmt: skip
    return Issuer(emulator.api(watched["Api"]), made)


def test_lines(issuer, metrics, emulator, watched):
    issuer.token()
    requests.post(issuer.url + "/oauth2/token", data={"grant_type": "client_credentials"}, auth=("nobody", "x"))
    seen=set()
    for e in events_of(emulator, watched, seen): print(e)
    print(metrics())
    assert 0
