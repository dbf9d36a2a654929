"""The function behind the custom resource: it answers CloudFormation whatever happens, and a rollback cannot fail on it."""

import base64
import io
import json
import threading
from types import SimpleNamespace

import pytest

import check

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"
CHECKED = {"tokensmith": "checked", "revision": "r"}


class Lambda:
    """Functions by the name of a version, with what each answers in turn: an answer, an error, or an exception of the call."""

    def __init__(self, answers):
        self.answers, self.asked, self.lock = {name: list(each) for name, each in answers.items()}, [], threading.Lock()

    def invoke(self, FunctionName, LogType, Payload):
        assert LogType == "Tail"
        name = FunctionName.removeprefix(FUNCTION)
        with self.lock:
            self.asked.append((name, json.loads(Payload)))
            answer = self.answers[name].pop(0)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer()
            answer = CHECKED
        error = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        log = base64.b64encode(answer.pop("log", "").encode()).decode()
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), "LogResult": log, **error}


@pytest.fixture
def asked(monkeypatch):
    """Runs the function with an event about these versions; returns its answer and what it has called."""

    def asked(kind, versions, answers, before=None, seconds=60, **properties):
        functions, told = Lambda(answers), []
        monkeypatch.setattr(check, "client", lambda _: functions)
        monkeypatch.setattr(check, "put", lambda url, body: told.append((url, json.loads(body))))
        monkeypatch.setattr(check, "PAUSE_SECONDS", 0)
        event = {
            "RequestType": kind,
            "ResponseURL": "https://answer",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Checked",
            "ResourceProperties": {"Versions": [FUNCTION + version for version in versions], **properties},
        }
        if before is not None:
            event["OldResourceProperties"] = {"Versions": [FUNCTION + version for version in before]}
        milliseconds = 1000 * (seconds + check.SPARE_SECONDS)
        check.answer(event, SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds))
        ((url, body),) = told
        assert (url, body["StackId"], body["RequestId"], body["LogicalResourceId"]) == ("https://answer", "stack", "request", "Checked")
        assert body["PhysicalResourceId"] == "checked"
        return body["Status"], body["Reason"], functions.asked

    return asked


def test_each_new_version_is_asked_whether_it_works(asked):
    status, _, called = asked("Update", ["a:2", "b:8"], {"a:2": [CHECKED], "b:8": [CHECKED]}, ["a:1", "b:7"])
    assert status == "SUCCESS"
    assert sorted(called) == [("a:2", {"tokensmith": "check"}), ("b:8", {"tokensmith": "check"})]


def test_one_that_does_not_work_stops_the_update_with_its_own_words(asked):
    wrong = {"errorType": "Error", "errorMessage": "the table is another issuer's"}
    status, reason, _ = asked("Update", ["a:2", "b:2", "c:2"], {"a:2": [dict(wrong)], "b:2": [CHECKED], "c:2": [dict(wrong)]}, ["a:1", "b:1", "c:1"])
    assert (status, reason) == ("FAILED", "a:2, c:2: the table is another issuer's")


def test_one_that_does_not_start_is_told_by_its_log(asked):
    log = 'START\n{"level":"error","event":"start_failed","message":"TOKENSMITH_CACHE_TTL must be from 0s to 5m"}\nEND\n'
    exits = {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited", "log": log}
    status, reason, _ = asked("Create", ["a:1"], {"a:1": [exits]})
    assert (status, reason) == ("FAILED", "a:1: it does not start: TOKENSMITH_CACHE_TTL must be from 0s to 5m")
    crash = {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited", "log": "START\nsegmentation fault\n"}
    assert asked("Create", ["a:1"], {"a:1": [crash]})[1] == "a:1: it does not start: Runtime exited START segmentation fault"


@pytest.mark.parametrize("answer", [{"statusCode": 404}, {}, {"tokensmith": "else"}])
def test_a_function_that_knows_no_check_does_not_pass(asked, answer):
    assert asked("Update", ["a:2"], {"a:2": [answer]}, ["a:1"])[:2] == ("FAILED", "a:2: it does not know what a check is")


def test_what_was_there_before_is_not_asked_so_that_a_rollback_cannot_fail(asked):
    # A rollback brings the versions from before the update, which have lower numbers.
    assert asked("Update", ["a:1", "b:1"], {}, ["a:2", "b:1"]) == ("SUCCESS", "every version works", [])
    assert asked("Delete", ["a:1"], {}) == ("SUCCESS", "every version works", [])
    # One that is new among old ones is.
    assert asked("Update", ["a:1", "c:1"], {"c:1": [CHECKED]}, ["a:1"])[2] == [("c:1", {"tokensmith": "check"})]
    # Numbers are not compared as texts.
    assert asked("Update", ["a:10"], {"a:10": [CHECKED]}, ["a:9"])[2] != []


def test_keys_may_be_missing_only_while_the_stack_is_made(asked):
    may = {"KeysMayBeMissingAtFirst": "true"}
    new = [("a:1", {"tokensmith": "check", "new_table": True})]
    assert asked("Create", ["a:1"], {"a:1": [CHECKED]}, **may)[2] == new
    assert asked("Create", ["a:1"], {"a:1": [CHECKED]})[2] == [("a:1", {"tokensmith": "check"})]
    assert asked("Update", ["a:2"], {"a:2": [CHECKED]}, ["a:1"], **may)[2] == [("a:2", {"tokensmith": "check"})]


def test_a_new_role_gets_the_time_that_iam_needs(asked):
    denied = {"errorType": "Error", "errorMessage": "the role may not read the table"}
    assert asked("Create", ["a:1"], {"a:1": [dict(denied), dict(denied), CHECKED]})[0] == "SUCCESS"
    # An update fails without harm, and at once.
    assert asked("Update", ["a:2"], {"a:2": [dict(denied), CHECKED]}, ["a:1"])[0] == "FAILED"


def test_cloudformation_gets_an_answer_before_the_function_times_out(asked):
    release = threading.Event()
    status, reason, _ = asked("Update", ["a:2"], {"a:2": [release.wait]}, ["a:1"], seconds=0.1)
    release.set()
    assert (status, reason) == ("FAILED", "a:2: it did not answer")


def test_cloudformation_gets_an_answer_when_a_call_or_the_check_itself_fails(asked, monkeypatch):
    status, reason, _ = asked("Update", ["a:2"], {"a:2": [RuntimeError("throttled")]}, ["a:1"])
    assert (status, reason) == ("FAILED", "a:2: it could not be called: throttled")
    status, reason, _ = asked("Update", ["a:not-a-number"], {}, ["a:1"])
    assert status == "FAILED" and reason.startswith("the check itself failed: ValueError")
    # However much there is to say, CloudFormation takes the answer.
    long = {"errorType": "Error", "errorMessage": "x" * 10_000}
    assert len(asked("Update", ["a:2"], {"a:2": [long]}, ["a:1"])[1]) < 4096
