"""What the metric filters make of the lines that the functions really write."""

import json

import pytest
import requests

from filter_pattern import matches
from issuer import Issuer, new_client
from person import Person

ISSUER = {"pk": {"S": "KEYS"}, "sk": {"S": "SETTINGS"}}


@pytest.fixture(scope="module")
def issuer(emulator, archived, tokensmith):
    return Issuer(emulator.api(archived["Api"]), new_client(tokensmith, archived, "watched"))


@pytest.fixture
def counted(emulator, archived):
    """What each metric counts from here on: all the values, by the metric's name."""
    before = [line for _, lines in logged(emulator, archived) for line in lines]

    def counted():
        metrics = {}
        for filters, lines in logged(emulator, archived):
            for line in lines:
                for each in filters if line not in before else ():
                    if matches(each["filterPattern"], line):
                        (made,) = each["metricTransformations"]
                        metrics.setdefault(made["metricName"], []).append(float(made["metricValue"]))
        return metrics

    return counted


def logged(emulator, archived):
    """The filters and the lines of each log of the functions. No two lines are the same: each has its time and request."""
    logs, lambda_client = emulator.client("logs"), emulator.client("lambda")
    for function in (name for output, name in archived.items() if output.endswith("Function")):
        group = lambda_client.get_function_configuration(FunctionName=function)["LoggingConfig"]["LogGroup"]
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        yield logs.describe_metric_filters(logGroupName=group)["metricFilters"], lines


def refreshed(issuer, token):
    return issuer.post("/oauth2/refresh", grant_type="refresh_token", refresh_token=token)


def new_refresh_token(tokensmith, archived, subject):
    return tokensmith(archived, "grant", "create", "--client", "watched", "--subject", subject, "--scope", "read")["refresh_token"]


def test_a_failed_authentication_is_one_and_every_other_answer_to_a_client_nought(counted, issuer, tokensmith, archived):
    token = issuer.token()
    forms = {
        "/oauth2/token": {"grant_type": "client_credentials"},
        "/oauth2/refresh": {"grant_type": "refresh_token", "refresh_token": new_refresh_token(tokensmith, archived, "sensor-0")},
        "/oauth2/revoke": {"token": token},
        "/oauth2/introspect": {"token": token},
        "/oauth2/par": {"response_type": "code"},
        "/oauth2/device_authorization": {"scope": "read"},
    }
    for path, form in forms.items():
        assert requests.post(issuer.url + path, data=form, auth=("nobody", "x")).status_code == 401, path
    assert issuer.is_active(token)
    # Neither userinfo nor the feed nor the keys are among them, nor what people see.
    assert requests.get(issuer.url + "/login").status_code in (400, 403)
    assert requests.get(issuer.url + "/oauth2/userinfo").status_code == 401
    requests.get(issuer.url + "/oauth2/revocations")
    requests.get(issuer.url + "/.well-known/jwks.json")
    assert {name: sorted(values) for name, values in counted().items()} == {"AuthenticationFailures": [0.0, 0.0, *[1.0] * 6]}


def test_a_reused_refresh_token_is_counted(counted, issuer, tokensmith, archived):
    first = new_refresh_token(tokensmith, archived, "sensor-1")
    second = refreshed(issuer, first).json()["refresh_token"]
    refreshed(issuer, second)
    assert refreshed(issuer, first).status_code == 400
    assert counted()["RefreshTokensReused"] == [1.0]


def test_a_request_over_its_limit_is_counted(counted, tokensmith, archived, emulator):
    client = new_client(tokensmith, archived, "limited")
    tokensmith(archived, "client", "update", "limited", "--limit", "1/1d")
    limited = Issuer(emulator.api(archived["Api"]), client)
    # Midnight may come in between.
    answers = [limited.post("/oauth2/token", grant_type="client_credentials").status_code for _ in range(4)]
    refused = answers.count(429)
    assert refused >= 2 and answers.count(200) == 4 - refused
    assert counted()["LimitsExceeded"] == [1.0] * refused


def test_a_token_that_is_ahead_of_a_restored_table_is_counted(counted, issuer, tokensmith, archived, emulator):
    dynamodb = emulator.client("dynamodb")
    token = new_refresh_token(tokensmith, archived, "sensor-2")
    (backup,) = (
        item
        for page in dynamodb.get_paginator("scan").paginate(TableName=archived["Table"])
        for item in page["Items"]
        if item["pk"]["S"].startswith("GRANT#") and item.get("subject", {}).get("S", "").endswith("sensor-2")
    )
    for _ in range(2):
        token = refreshed(issuer, token).json()["refresh_token"]
    dynamodb.put_item(TableName=archived["Table"], Item=backup)
    assert refreshed(issuer, token).status_code == 400
    assert counted()["WrongTable"] == [1.0]


def test_a_withdrawn_key_that_is_still_presented_is_counted(counted, issuer, tokensmith, archived):
    access = issuer.token()
    tokensmith(archived, "key", "rotate", "--now", "--yes")
    assert not issuer.is_active(access)
    assert issuer.post("/oauth2/revoke", token=access).status_code == 200
    assert counted()["WithdrawnKeysPresented"] == [1.0, 1.0]


def test_an_api_key_that_is_used_after_its_end_is_counted(counted, issuer, tokensmith, archived):
    made = tokensmith(archived, "api-key", "create", "--client", "watched", "--name", "job", "--scope", "read")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": made["api_key"],
        "subject_token_type": "urn:tokensmith:params:oauth:token-type:api-key",
    }
    assert requests.post(issuer.url + "/oauth2/token", data=form).status_code == 200
    tokensmith(archived, "api-key", "revoke", made["key_id"], "--yes")
    assert requests.post(issuer.url + "/oauth2/token", data=form).status_code == 400
    assert counted()["EndedApiKeysPresented"] == [1.0]


def test_an_attempt_to_sign_in_that_failed_is_one_and_every_other_nought(counted, emulator, archived, new_user):
    new_user(archived, "bob", "a quiet house in the hills")
    person = Person(emulator, archived)
    page = person.open("/account")
    for name, password in (("nobody", "x" * 12), ("bob", "a loud house in the hills")):
        assert person.sign_in(page, name, password).status_code == 403
    assert person.sign_in(page, "bob", "a quiet house in the hills").status_code == 200
    assert {name: sorted(values) for name, values in counted().items()} == {"SignInFailures": [0.0, 1.0, 1.0]}


def test_an_attempt_to_sign_in_that_comes_too_soon_is_counted(counted, emulator, archived):
    person = Person(emulator, archived)
    page = person.open("/account")
    answers = [person.sign_in(page, "guessed", f"guess number {n}").status_code for n in range(8)]
    assert set(answers) == {403, 429}
    metrics = counted()
    assert metrics["SignInsSlowedDown"] == [1.0] * answers.count(429)
    assert metrics["SignInFailures"] == [1.0] * answers.count(403)


def test_a_rotation_is_counted(counted, emulator, archived):
    run = emulator.client("lambda").invoke(FunctionName=archived["RotateKeysFunction"], Qualifier="live", Payload=b"{}")
    assert "FunctionError" not in run
    assert counted()["KeyRotationRuns"] == [1.0]


def test_a_key_that_kms_does_not_open_is_counted(counted, emulator, archived):
    kms = emulator.client("kms")
    kms.disable_key(KeyId=archived["WrappingKey"])
    try:
        # $LATEST has not started yet, and opens its keys when it does.
        emulator.client("lambda").invoke(FunctionName=archived["IssueFunction"], Payload=b'{"tokensmith":"check"}')
    finally:
        kms.enable_key(KeyId=archived["WrappingKey"])
    assert counted().get("KeyCustodyFailures")


def test_a_table_of_another_issuer_is_counted(counted, emulator, archived, issuer):
    dynamodb, key = emulator.client("dynamodb"), {"TableName": archived["Table"], "Key": ISSUER}
    own = dynamodb.get_item(**key)["Item"]
    dynamodb.put_item(TableName=archived["Table"], Item={**own, "issuer": {"S": "https://somebody.else.example"}})
    try:
        assert issuer.post("/oauth2/token", grant_type="client_credentials").status_code == 503
    finally:
        dynamodb.put_item(TableName=archived["Table"], Item=own)
    assert 1.0 in counted()["WrongTable"]
    assert issuer.token()


def test_a_request_that_the_api_throttles_is_counted(template):
    """The emulator keeps no access log: the line is the one that the stage's format makes."""
    (filtered,) = (each for each in template.of_type("AWS::Logs::MetricFilter").values() if each["LogGroupName"] == {"Ref": "AccessLog"})
    line = template.decided(template.resources["Stage"]["Properties"])["AccessLogSettings"]["Format"]
    line = line.replace("$context.status", "429").replace("$context.responseLatency", "1")
    assert json.loads(line)["status"] == 429
    assert matches(filtered["FilterPattern"], line) and not matches(filtered["FilterPattern"], line.replace("429", "200"))
