"""That the alarms look at what happens, each tells when it begins and when it is over, and none stays for good."""

import json
import re

import pytest

from stack import EXAMPLE, PEOPLE, TEMPLATE, Template

ALL = [(TEMPLATE, {}), (TEMPLATE, {"Profile": "lean"}), (TEMPLATE, PEOPLE), (TEMPLATE, {**PEOPLE, "Profile": "lean"}), (EXAMPLE, {"Alarms": "arn:aws:sns:eu-west-1:111111111111:alarms"})]


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


def test_throttling_of_the_table_and_of_each_index_is_watched(template, template_of_people):
    """AWS counts a request in ThrottledRequests when the table or any of its indexes throttles it."""
    # What the roles allow, but for the removal of ended keys, which comes again after six hours.
    allowed = set(re.findall(r"dynamodb:(Query|\w+Item)\b", TEMPLATE.read_text()))
    assert throttled_operations(template) == allowed - {"DeleteItem"}
    assert throttled_operations(template_of_people) == allowed
    body = json.dumps(template.resources["Dashboard"])
    for index in ("feed", "live", "by_subject", "listed"):
        assert body.count(f'\\"{index}\\"') == 2, index


def throttled_operations(template):
    """The operations whose throttling rings."""
    watched = [metric["Metric"] for metric in metrics_of(alarms_of(template)["Throttled"]).values()]
    return {
        dimension["Value"]
        for metric in watched
        if metric["MetricName"] == "ThrottledRequests"
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "Operation"
    }


def test_requests_that_the_api_throttles_are_watched_where_there_is_an_access_log(template):
    (filtered,) = (each for each in template.of_type("AWS::Logs::MetricFilter").values() if each["LogGroupName"] == {"Ref": "AccessLog"})
    assert filtered["FilterPattern"] == "{ $.status = 429 }"
    assert '"status":$context.status' in json.dumps(template.resources["Stage"]).replace("\\", "")
    (name,) = (each["MetricName"] for each in filtered["MetricTransformations"])
    assert name in json.dumps(alarms_of(template)["Throttled"])
    assert name not in json.dumps(alarms_of(Template(Profile="lean"))["Throttled"])


CALLERS = {"Issue", "Refresh", "Revoke", "Introspect"}


def counted_in(template, metric):
    """The patterns that a metric is made of, by the function whose log they are looked for in, and by the value that each counts as."""
    counted = {}
    for each in template.of_type("AWS::Logs::MetricFilter").values():
        (made,) = each["MetricTransformations"]
        if made["MetricName"] == metric:
            counted.setdefault(each["LogGroupName"]["Ref"].removesuffix("Log"), {})[made["MetricValue"]] = each["FilterPattern"]
    return counted


def test_authentication_failures_are_divided_by_the_requests_that_authenticate(template, template_of_people):
    counted = dict.fromkeys(CALLERS, {"1": "{ $.status = 401 }", "0": "{ ($.status < 401) || ($.status > 401) }"})
    # It also serves userinfo, where no client authenticates.
    own = '($.endpoint = "introspect")'
    counted["Introspect"] = {"1": f"{{ {own} && ($.status = 401) }}", "0": f"{{ {own} && (($.status < 401) || ($.status > 401)) }}"}
    assert counted_in(template, "AuthenticationFailures") == counted
    # Clients authenticate at two of the endpoints of a function that shows pages to people.
    of_clients = '(($.endpoint = "par") || ($.endpoint = "device_authorization"))'
    failed, other = f"{{ ($.status = 401) && {of_clients} }}", f"{{ (($.status < 401) || ($.status > 401)) && {of_clients} }}"
    assert counted_in(template_of_people, "AuthenticationFailures") == {**counted, "Authorize": {"1": failed, "0": other}}
    alarm = alarms_of(template)["ManyAuthenticationFailures"]
    assert {name: metric["Stat"] for name, metric in metrics_of(alarm).items()} == {"failures": "Sum", "average": "Average"}
    assert expression_of(alarm) == "IF(failures > 20, 100 * average, 0)"


def test_the_lean_profile_leaves_out_who_polls_the_feed_and_fetches_keys():
    alarm = alarms_of(Template(Profile="lean"))["ManyAuthenticationFailures"]
    assert expression_of(alarm) == "IF(failures > 20, 100 * failures / (requests - FILL(feed, 0) - FILL(keys, 0)), 0)"
    left_out = {name: metric["Metric"]["Dimensions"][0]["Value"] for name, metric in metrics_of(alarm).items() if name in ("feed", "keys")}
    assert left_out == {"feed": {"Ref": "Revocations"}, "keys": {"Ref": "Jwks"}}


def test_failed_sign_ins_are_divided_by_all_of_them(template_of_people):
    failed = '{ ($.reason = "unknown_user") || ($.reason = "wrong_password") || ($.reason = "user_disabled") }'
    assert counted_in(template_of_people, "SignInFailures") == {"Authorize": {"1": failed, "0": '{ $.event = "signed_in" }'}}
    alarm = alarms_of(template_of_people)["ManyFailedSignIns"]
    assert {name: metric["Stat"] for name, metric in metrics_of(alarm).items()} == {"failures": "Sum", "average": "Average"}
    assert expression_of(alarm) == "IF(failures > 20, 100 * average, 0)"


def test_who_goes_on_guessing_is_noticed_in_either_profile():
    for profile in ("default", "lean"):
        template = Template(**PEOPLE, Profile=profile)
        assert counted_in(template, "SignInsSlowedDown") == {"Authorize": {"1": '{ $.reason = "too_many_attempts" }'}}
        assert alarms_of(template)["SignInsAreSlowedDown"]["MetricName"] == "SignInsSlowedDown"


@pytest.mark.parametrize(("path", "parameters"), ALL[:-1])
def test_each_alarm_is_on_the_dashboard(path, parameters):
    template = Template(path, **parameters)
    (widget,) = (each["properties"] for each in template.widgets if each["type"] == "alarm")
    assert sorted(widget["alarms"]) == sorted(f"${{{name}.Arn}}" for name in alarms_of(template))


@pytest.mark.parametrize(("path", "parameters"), ALL[:-1])
def test_what_the_dashboard_shows_does_not_overlap(path, parameters):
    taken = set()
    for each in Template(path, **parameters).widgets:
        cells = {(each["x"] + x, each["y"] + y) for x in range(each["width"]) for y in range(each["height"])}
        assert not cells & taken and each["x"] + each["width"] <= 24, each["properties"]["title"]
        taken |= cells
