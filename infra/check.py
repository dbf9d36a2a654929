"""The function behind the custom resource `Checked` of a template: calls the new versions of functions, and lets an update go on only when
each of them answers that it could work.

CloudFormation waits for an answer, for an hour if none comes, so that it gets one whatever happens here.
"""

import base64
import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor, wait

import boto3
from botocore.config import Config

CHECK = {"tokensmith": "check"}

# A new account runs ten functions at once: this one, as many as it calls, and those that serve.
AT_ONCE = 4
# What is left of this function's time when it must have answered.
SPARE_SECONDS = 15
# A new role is in force some seconds after it was made. A stack that fails when it is made has to be deleted by hand.
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 5
# What CloudFormation takes of a reason, with some room for the rest of the answer.
REASON_CHARACTERS = 3000


def answer(event, context):
    """Answers CloudFormation with what is wrong with the versions that `event` names, if anything is."""
    try:
        problems = problems_of(event, context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS)
    except Exception as error:  # whatever it is, CloudFormation must not wait for it
        problems = [f"the check itself failed: {type(error).__name__}: {error}"]
    body = {
        "Status": "FAILED" if problems else "SUCCESS",
        "Reason": "; ".join(problems)[:REASON_CHARACTERS] or "every version works",
        "PhysicalResourceId": event.get("PhysicalResourceId", "checked"),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    print(json.dumps({"event": "checked", "status": body["Status"], "reason": body["Reason"]}))
    put(event["ResponseURL"], json.dumps(body).encode())


def put(url, body):
    # S3 has signed this request without a type.
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT"), timeout=10)


def problems_of(event, seconds):
    """What is wrong with the new versions, in sentences."""
    versions = new_versions(event)
    if not versions:
        return []
    making = event["RequestType"] == "Create"
    may_be_empty = making and event["ResourceProperties"].get("KeysMayBeMissingAtFirst") == "true"
    payload = {**CHECK, "new_table": True} if may_be_empty else CHECK
    give_up = time.monotonic() + (min(seconds, PATIENCE_SECONDS) if making else 0)
    pool = ThreadPoolExecutor(AT_ONCE)
    checks = {pool.submit(problem_of, client(seconds), version, payload, give_up): version for version in versions}
    done, late = wait(checks, timeout=seconds)
    # What still runs is frozen with this function.
    pool.shutdown(wait=False, cancel_futures=True)
    problems = {checks[check]: outcome_of(check) for check in done} | {checks[check]: "it did not answer" for check in late}
    return list(told_once({version: problem for version, problem in problems.items() if problem}))


def outcome_of(check):
    error = check.exception()
    return f"it could not be called: {error}" if error else check.result()


def told_once(problems):
    """A sentence for each problem, with the versions that have it: mostly all have the same."""
    for problem in sorted(set(problems.values())):
        yield f"{', '.join(sorted(name_of(version) for version in problems if problems[version] == problem))}: {problem}"


def new_versions(event):
    """The versions that were not there before. Those of a rollback were: it must not fail as well."""
    if event["RequestType"] == "Delete":
        return []
    before = dict(map(parted, event.get("OldResourceProperties", {}).get("Versions", [])))
    versions = map(parted, event["ResourceProperties"]["Versions"])
    return [f"{function}:{number}" for function, number in versions if number > before.get(function, 0)]


def parted(version):
    """The ARN of a function and the number of its version."""
    function, _, number = version.rpartition(":")
    return function, int(number)


def name_of(version):
    return version.split(":function:")[1]


def client(seconds):
    return boto3.client("lambda", config=Config(connect_timeout=5, read_timeout=seconds, retries={"total_max_attempts": 2}))


def problem_of(lambda_client, version, payload, give_up):
    """What the version says is wrong, or `None`. Asked again until `give_up` if it works at all."""
    while True:
        called = lambda_client.invoke(FunctionName=version, LogType="Tail", Payload=json.dumps(payload).encode())
        said = json.loads(called["Payload"].read() or b"null")
        if "FunctionError" not in called:
            works = isinstance(said, dict) and said.get("tokensmith") == "checked"
            return None if works else "it does not know what a check is"
        problem = reason_of(said, called.get("LogResult", ""))
        if has_not_started(said) or time.monotonic() + PAUSE_SECONDS > give_up:
            return problem
        time.sleep(PAUSE_SECONDS)


def has_not_started(said):
    """Lambda's own errors, which no patience mends."""
    return str(said.get("errorType", "")).startswith(("Runtime.", "Sandbox."))


def reason_of(said, tail):
    """The function's own sentence: that of the last line of its log if it did not start."""
    message = said.get("errorMessage", "it failed")
    if not has_not_started(said):
        return message
    lines = base64.b64decode(tail).decode(errors="replace").splitlines()
    own = [line["message"] for line in map(parsed, lines) if line.get("event") == "start_failed"]
    return f"it does not start: {own[-1] if own else ' '.join([message, *lines[-3:]])}"


def parsed(line):
    """A line of a log as JSON, or an empty one."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
