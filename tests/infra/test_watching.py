"""That the alarms look at what happens, each tells when it begins and when it is over, and none stays for good."""

import json
import re

import pytest

from stack import EXAMPLE, TEMPLATE, Template

ALL = [(TEMPLATE, {}), (TEMPLATE, {"Profile": "lean"}), (EXAMPLE, {"Alarms": "arn:aws:sns:eu-west-1:111111111111:alarms"})]


def alarms_of(template):
    return template.decided(template.of_type("AWS::CloudWatch::Alarm"))


def metrics_of(alarm):
    return {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}


def expression_of(alarm):
    (expression,) = (each["Expression"] for each in alarm["Metrics"] if "Expression" in each)
    return expression


@pytest.mark.parametrize(("path", "parameters"), ALL)
def test_every_alarm_tells_when_it_begins_and_when_it_is_over(path, parameters):
    for name, alarm in alarms_of(Template(path, **parameters)).items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alarms"}], name


@pytest.mark.parametrize(("path", "parameters"), ALL)
def test_no_alarm_on_dynamodb_stays_when_its_metrics_have_no_data(path, parameters):
    """CloudWatch ignores missing data of DynamoDB's metrics, whatever TreatMissingData says: only an expression that fills them ends an
    alarm."""
    for name, alarm in alarms_of(Template(path, **parameters)).items():
        if "AWS/DynamoDB" in json.dumps(alarm):
            assert expression_of(alarm) == "SUM(FILL(METRICS(), 0))", name


def test_throttling_of_the_table_and_of_each_index_is_watched(template):
    """AWS counts a request in ThrottledRequests when the table or any of its indexes throttles it."""
    watched = [metric["Metric"] for metric in metrics_of(alarms_of(template)["Throttled"]).values()]
    operations = {
        dimension["Value"]
        for metric in watched
        if metric["MetricName"] == "ThrottledRequests"
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "Operation"
    }
    # What the roles allow, but for the removal of ended keys, which comes again after six hours.
    allowed = set(re.findall(r"dynamodb:(Query|\w+Item)\b", TEMPLATE.read_text()))
    assert operations == allowed - {"DeleteItem"}
    body = json.dumps(template.resources["Dashboard"])
    for index in ("feed", "live", "by_subject", "listed"):
        assert body.count(f'\\"{index}\\"') == 2, index


def test_requests_that_the_api_throttles_are_watched_where_there_is_an_access_log(template):
    (filtered,) = (each for each in template.of_type("AWS::Logs::MetricFilter").values() if each["LogGroupName"] == {"Ref": "AccessLog"})
    assert filtered["FilterPattern"] == "{ $.status = 429 }"
    assert '"status":$context.status' in json.dumps(template.resources["Stage"]).replace("\\", "")
    (name,) = (each["MetricName"] for each in filtered["MetricTransformations"])
    assert name in json.dumps(alarms_of(template)["Throttled"])
    assert name not in json.dumps(alarms_of(Template(Profile="lean"))["Throttled"])


CALLERS = {"Issue", "Refresh", "Revoke", "Introspect"}


def test_authentication_failures_are_divided_by_the_requests_that_authenticate(template):
    filters = template.of_type("AWS::Logs::MetricFilter").values()
    counted = {}
    for each in filters:
        (made,) = each["MetricTransformations"]
        if made["MetricName"] == "AuthenticationFailures":
            counted.setdefault(each["LogGroupName"]["Ref"].removesuffix("Log"), {})[made["MetricValue"]] = each["FilterPattern"]
    expected = dict.fromkeys(CALLERS, {"1": "{ $.status = 401 }", "0": "{ ($.status < 401) || ($.status > 401) }"})
    # It also serves userinfo, where no client authenticates.
    own = '($.endpoint = "introspect")'
    expected["Introspect"] = {"1": f"{{ {own} && ($.status = 401) }}", "0": f"{{ {own} && (($.status < 401) || ($.status > 401)) }}"}
    assert counted == expected
    alarm = alarms_of(template)["ManyAuthenticationFailures"]
    assert {name: metric["Stat"] for name, metric in metrics_of(alarm).items()} == {"failures": "Sum", "average": "Average"}
    assert expression_of(alarm) == "IF(failures > 20, 100 * average, 0)"


def test_the_lean_profile_leaves_out_who_polls_the_feed_and_fetches_keys():
    alarm = alarms_of(Template(Profile="lean"))["ManyAuthenticationFailures"]
    assert expression_of(alarm) == "IF(failures > 20, 100 * failures / (requests - FILL(feed, 0) - FILL(keys, 0)), 0)"
    left_out = {name: metric["Metric"]["Dimensions"][0]["Value"] for name, metric in metrics_of(alarm).items() if name in ("feed", "keys")}
    assert left_out == {"feed": {"Ref": "Revocations"}, "keys": {"Ref": "Jwks"}}


def test_each_alarm_is_on_the_dashboard(template):
    body = json.dumps(template.resources["Dashboard"])
    for name in alarms_of(template):
        assert f"${{{name}.Arn}}" in body
