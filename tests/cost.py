"""What the service costs in a month, line by line: operations and bytes that `counted` has counted, by the prices of
infra/prices.json. Called by `tests/bench cost` with the counts (JSON) and the log that counting has written.
"""

import json
import sys
from math import ceil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "infra"))
from stack import PEOPLE, Template  # noqa: E402: it lies there

PROFILES = {profile: Template(Profile=profile) for profile in ("default", "lean")}
PEOPLE_SIGN_IN = {profile: Template(**PEOPLE, Profile=profile) for profile in PROFILES}
PRICE_LIST = json.loads((ROOT / "infra" / "prices.json").read_text())

MILLION, GB = 10**6, 10**9
MONTH = 30 * 24 * 3600
VOLUMES = (MILLION, 1000 * MILLION)

# What is assumed, since no emulator can count it; each on the dear side.
MEMORY_GB = 0.25
BILLED_MS = {
    "client_credentials": 10,
    "private_key_jwt": 15,
    "dpop": 15,
    "federation": 11,
    "exchange": 12,
    "delegation": 14,
    "refresh": 20,
    "introspect": 15,
    "authorizer": 5,
    "revocations": 10,
}
START_MS = 75  # billed once more for each start: `tests/bench cold` takes 50, with the processor time of 256 MB
STARTS = 0.01  # of all requests meet a function that has to start
PEAK = 3  # the busiest hour over the average
KEY_CACHE_SECONDS = 10
RECORD_CACHE_SECONDS = 10
FEED_SECONDS = 5
HEARTBEATS = MONTH / 60
HEARTBEAT_MS = 15
# One in the table, two in the index `feed`, whose sort key changes, and one in `live`.
HEARTBEAT_WRITES = 4
# What was counted under another name: no client's record is in a cache.
COUNTED_AS = {
    "client_credentials": "uncached_client",
    "private_key_jwt": "uncached_signing_client",
    "dpop": "uncached_bound_client",
    "federation": "uncached_workload",
    "exchange": "first_exchange",
    "delegation": "uncached_delegation",
}
# What API Gateway adds to an answer.
API_HEADERS = (
    "HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 12:00:00 GMT\r\nContent-Length: 1000\r\nConnection: keep-alive\r\n"
    "Apigw-Requestid: JKJaXmPLvHcESHA=\r\n\r\n"
)
# What it puts into a line of its own log.
ACCESS_LOG = {
    "$context.requestId": "JKJaXmPLvHcESHA=",
    "$context.identity.sourceIp": "203.0.113.195",
    "$context.routeKey": "ANY /oauth2/introspect",
    "$context.status": "200",
    "$context.responseLatency": "100",
    "$context.integrationErrorMessage": "-",
}
# The requests of somebody who signs in and agrees, and of their client, with what each takes, and the memory that it has.
SIGN_IN = {"authorize": 15, "login": 120, "consent_page": 20, "consent": 25, "code": 30}
SIGN_IN_AGAIN = {"authorize_again": 25, "code": 30}
SIGN_IN_GB = 0.5  # of all but the last, which goes to the token endpoint
LOG_OVERHEAD_BYTES = 26  # CloudWatch bills them for each line
LOG_MONTHS = 1
LOOK_HOURS = 3  # what a dashboard shows unless somebody chooses another time

# One up to 1,000 permits in a window; above, a hundredth of what is left and at most the last of these.
LEASES = (1, 10, 100)

# The most that a million client_credentials tokens may cost, in the custody kms-data-key.
REACH = {"default": 1.91, "lean": 1.60}
# The most that an exchange of a person's token may cost of one of these.
EXCHANGE_REACH = 1.5

CUSTODIES = {"kms-data-key": None, "kms, RS256": "kms_rsa_2048_signature", "kms, ES256": "kms_other_signature"}


def main():
    counted = json.loads(Path(sys.argv[1]).read_text())
    line_bytes = {line["request_id"].rstrip("="): len(raw) for raw, line in log_lines(sys.argv[2])}
    print(f"prices of {PRICE_LIST['as_of']}, {PRICE_LIST['region']}: {PRICE_LIST['note']}")
    unverified = [name for name, entry in PRICE_LIST["prices"].items() if entry.get("unverified")]
    print(f"unverified: {', '.join(unverified)}")
    print(f"assumed: {MEMORY_GB * 1024:.0f} MB; billed {BILLED_MS} ms; {STARTS:.0%} of requests meet a cold function;")
    print("every client_credentials request reads its client's record, as if no two of one client came within the cache time; the record of their")
    print("resource is read when a function has not done so for that time")
    print("private_key_jwt is client_credentials by a client that signs an assertion (ES256), dpop by one that proves a key, federation by one that a token of another issuer")
    print("speaks for (RS256); exchange is an API key's for a token, which reads the records of the key and of its client; delegation is the exchange of a person's")
    print("token by the API that it is for, which reads its client and whatever can have ended the token")
    for operation in ("client_credentials", "private_key_jwt", "dpop", "federation", "exchange", "delegation", "refresh"):
        for volume in VOLUMES:
            print_table(operation, volume, counted, line_bytes)
    print_limits(counted)
    print_fixed(counted)
    print_questions(line_bytes)
    print_authorizer("authorizer", "API calls through the authorizer", counted, line_bytes)
    print_authorizer("api_key", "API calls with an API key through the authorizer", counted, line_bytes)
    print_first_uses(counted)
    print_people("sign-ins: page, password, consent, code", SIGN_IN, counted, line_bytes)
    print_people("authorizations of somebody who has signed in and agreed before", SIGN_IN_AGAIN, counted, line_bytes)
    print_verifier(counted, line_bytes)
    cognito = price("cognito_m2m_token", MILLION)
    print(f"\nCognito, machine to machine, first tier: {cognito:,.2f} per million tokens")
    check_reach(counted, line_bytes)


def log_lines(path):
    for raw in Path(path).read_text().splitlines():
        if raw.startswith("{"):
            yield raw + "\n", json.loads(raw)


def price(name, amount):
    entry = PRICE_LIST["prices"][name]
    return entry["usd"] / entry["per"] * amount


def monthly(operation, volume, counted, line_bytes, custody, profile):
    """Each line of what `volume` operations cost in a month, without what is due anyway."""
    name = COUNTED_AS.get(operation, operation)
    cost, start = counted["operations"][name], counted["operations"]["start"]
    ms = BILLED_MS[operation]
    starts = volume * STARTS
    # Each warm function looks at the keys again when they are older than the cache allows.
    key_reads = renewals(volume, ms, KEY_CACHE_SECONDS)
    # And at what is registered about an audience, which all clients share: one is assumed.
    operations = counted["operations"]
    resource_units = operations["first_of_audience"]["reads"] - operations["uncached_client"]["reads"]
    shared_units = resource_units
    if operation == "federation":
        # Sources and rules are shared as well.
        shared_units += operations["first_federated"]["reads"] - operations["uncached_workload"]["reads"]
    shared_reads = shared_units * renewals(volume, ms, RECORD_CACHE_SECONDS)
    # That a key is used, a function notes once a day: print_first_uses.
    noted = operations["first_exchange"]["writes"] - operations["warm_exchange"]["writes"] if operation == "exchange" else 0
    logged = 0 if profile == "lean" else volume
    function_log = logged * (line_bytes[name] + LOG_OVERHEAD_BYTES) / GB
    access_log = logged * (access_log_bytes() + LOG_OVERHEAD_BYTES) / GB
    signature = CUSTODIES[custody]
    return {
        "API requests": price("api_request", volume),
        "Lambda requests": price("lambda_request", volume),
        "Lambda GB-seconds": price("lambda_gb_second", (volume * ms + starts * START_MS) / 1000 * MEMORY_GB),
        "DynamoDB reads": price("dynamodb_read_unit", volume * cost["reads"] + starts * start["reads"] + key_reads + shared_reads),
        "DynamoDB writes": price("dynamodb_write_unit", volume * (cost["writes"] - noted)),
        "KMS: keys opened at start": price("kms_symmetric_request", starts * start["opens"]),
        "KMS: signatures": price(signature, volume * cost["signatures"]) if signature else 0,
        "logs of the functions": price("logs_gb", function_log),
        "logs of the API": price("logs_gb", access_log),
        "logs kept a month": price("logs_gb_month", (function_log + access_log) * LOG_MONTHS),
        "egress": price("egress_gb", volume * (cost["answer_bytes"] + len(API_HEADERS)) / GB),
    }


def renewals(volume, ms, keep_seconds):
    """How often the functions that `volume` requests keep warm read again what they keep for a while. The request that finds it too old
    reads it: a period lasts until then, and is longer than `keep_seconds` by the time between two requests."""
    functions = ceil(volume / MONTH * PEAK * ms / 1000)
    between_requests = functions * MONTH / volume
    return functions * MONTH / (keep_seconds + between_requests)


def access_log_bytes():
    """A line in the format of the stage."""
    settings = PROFILES["default"].resources["Stage"]["Properties"]["AccessLogSettings"]
    line = PROFILES["default"].decided(settings)["Format"] + "\n"
    for variable, value in sorted(ACCESS_LOG.items(), reverse=True):
        line = line.replace(variable, value)
    if "$context" in line:
        sys.exit(f"error: it is not known how long this is: {line}")
    return len(line)


def print_table(operation, volume, counted, line_bytes):
    cases = [(custody, profile) for custody in CUSTODIES for profile in REACH]
    columns = [monthly(operation, volume, counted, line_bytes, *case) for case in cases]
    print(f"\n{volume:,} {operation} in a month, USD")
    print_row("custody", [f"{custody:>14}" for custody, _ in cases])
    print_row("profile", [f"{profile:>14}" for _, profile in cases])
    for line in columns[0]:
        print_row(line, [f"{column[line]:14,.2f}" for column in columns])
    totals = [sum(column.values()) for column in columns]
    print_row("together", [f"{total:14,.2f}" for total in totals])
    print_row("for a million", [f"{total / volume * MILLION:14,.2f}" for total in totals])


def print_row(label, cells):
    print(f"{label:26}" + "".join(cells))


def print_limits(counted):
    """What it costs to count the requests of clients with a limit, at each size of a lease, on top of what any request costs."""
    limited, other = counted["operations"]["limited_client"], counted["operations"]["client_credentials"]
    writes = limited["writes"] - other["writes"]
    headers = price("egress_gb", MILLION * (limited["answer_bytes"] - other["answer_bytes"]) / GB)
    columns = [{"DynamoDB writes": price("dynamodb_write_unit", MILLION * writes / lease), "egress: headers": headers} for lease in LEASES]
    print(f"\n{MILLION:,} requests of limited clients, besides, USD")
    print_row("permits in a lease", [f"{lease:14,}" for lease in LEASES])
    for line in columns[0]:
        print_row(line, [f"{column[line]:14,.3f}" for column in columns])
    print_row("together", [f"{sum(column.values()):14,.3f}" for column in columns])


def print_fixed(counted):
    """What a month costs without a single token, and what may come on top."""
    rotation, *others = sorted(metric_names(), key=lambda name: name != "KeyRotationRuns")
    lines = {
        "the wrapping key": price("kms_key_month", 1),
        f"the metric {rotation}": price("metric_month", 1),
        "the heartbeat of the revocation feed": heartbeats(),
    }
    always = sum(lines.values())
    for profile, template in PROFILES.items():
        alarms = alarm_metrics(template)
        lines[f"alarms over {alarms} metrics, {profile}"] = price("alarm_metric_month", alarms)
        lines[f"  together, without a token, {profile}"] = always + price("alarm_metric_month", alarms)
    for profile, template in PEOPLE_SIGN_IN.items():
        more = alarm_metrics(template) - alarm_metrics(PROFILES[profile])
        lines[f"alarms over {more} more where people sign in, {profile}"] = price("alarm_metric_month", more)
    lines |= {
        f"{len(others)} more metrics, with data in every hour": price("metric_month", len(others)),
        "a key in the custody kms (each algorithm)": price("kms_key_month", 1),
        "the dashboard, beyond an account's first three": price("dashboard_month", 1),
    }
    grants = MILLION * counted["grant_bytes"] / GB
    lines["a million grants stored"] = price("dynamodb_gb_month", grants)
    lines["  and kept recoverable"] = price("dynamodb_recovery_gb_month", grants)
    lines["a million requests traced (Tracing=Active)"] = price("trace", MILLION)
    print("\neach month, USD")
    for line, usd in lines.items():
        print(f"{line:48}{usd:8.2f}")


def print_questions(line_bytes):
    """What it costs to ask the logs: Insights bills what a query reads, here of tokens alone and in the default profile."""
    tables = dashboard_tables()
    per_client = [query for query in tables if "by client" in query or "by source" in query]
    print("\nquestions to the logs, USD")
    print_row("tokens in a month", [f"{volume:14,}" for volume in VOLUMES])
    month = [volume * (line_bytes["uncached_client"] + LOG_OVERHEAD_BYTES) / GB for volume in VOLUMES]
    looked_at = [gb * LOOK_HOURS * 3600 / MONTH for gb in month]
    print_row(f"a look: {len(tables)} tables, {LOOK_HOURS} h", [f"{price('logs_scanned_gb', gb * len(tables)):14,.5f}" for gb in looked_at])
    print_row("a query over a month", [f"{price('logs_scanned_gb', gb):14,.5f}" for gb in month])
    # A line that a rule matches is paid for: one rule matches every line, the others denials, which are not counted here.
    rules = [price("contributor_rule_month", len(per_client)) + price("contributor_event", volume) for volume in VOLUMES]
    print_row(f"instead {len(per_client)} rules, a month", [f"{usd:14,.2f}" for usd in rules])


def dashboard_tables():
    """The queries that each look at the dashboard runs."""
    return [each["properties"]["query"] for each in PROFILES["default"].widgets if each["type"] == "log"]


def heartbeats():
    """What rotate-keys costs that writes the time into the feed every minute."""
    return (
        price("lambda_request", HEARTBEATS)
        + price("lambda_gb_second", HEARTBEATS * HEARTBEAT_MS / 1000 * MEMORY_GB)
        + price("dynamodb_read_unit", HEARTBEATS)
        + price("dynamodb_write_unit", HEARTBEATS * HEARTBEAT_WRITES)
    )


def metric_names():
    filters = PROFILES["default"].of_type("AWS::Logs::MetricFilter").values()
    return {made["MetricName"] for each in filters for made in each["MetricTransformations"]}


def alarm_metrics(template):
    """How many metrics the alarms look at: an alarm over an expression costs as much as one over each metric in it."""
    alarms = template.decided(template.of_type("AWS::CloudWatch::Alarm")).values()
    return sum(sum("MetricStat" in each for each in alarm.get("Metrics", [])) or 1 for alarm in alarms)


def print_authorizer(operation, what, counted, line_bytes):
    """Calls of an API behind the authorizer; the API's own requests and logs are its owner's."""
    for volume in VOLUMES:
        columns = [authorizer_monthly(operation, volume, counted, line_bytes, profile) for profile in REACH]
        print(f"\n{volume:,} {what} in a month, USD")
        print_row("profile", [f"{profile:>14}" for profile in REACH])
        for line in columns[0]:
            print_row(line, [f"{column[line]:14,.2f}" for column in columns])
        print_row("for a million", [f"{sum(column.values()) / volume * MILLION:14,.2f}" for column in columns])


def authorizer_monthly(operation, volume, counted, line_bytes, profile):
    ms, operations = BILLED_MS["authorizer"], counted["operations"]
    starts = volume * STARTS
    polls = renewals(volume, ms, FEED_SECONDS)
    log = 0 if profile == "lean" else volume * (line_bytes[operation] + LOG_OVERHEAD_BYTES) / GB
    return {
        "Lambda requests": price("lambda_request", volume),
        "Lambda GB-seconds": price("lambda_gb_second", (volume * ms + starts * START_MS) / 1000 * MEMORY_GB),
        "DynamoDB reads: requests": price("dynamodb_read_unit", volume * operations[operation]["reads"]),
        "DynamoDB writes: requests": price("dynamodb_write_unit", volume * operations[operation]["writes"]),
        "DynamoDB reads: starts": price("dynamodb_read_unit", starts * operations["authorizer_start"]["reads"]),
        "DynamoDB reads: the feed": price("dynamodb_read_unit", polls * operations["authorizer_poll"]["reads"]),
        "logs": price("logs_gb", log) + price("logs_gb_month", log * LOG_MONTHS),
    }


def print_first_uses(counted):
    """What the first request with an API key costs besides, in each function that it meets: its records are read, again after an hour in an
    authorizer, and once a day it is noted that the key is used."""
    operations = counted["operations"]
    print(f"\n{MILLION:,} first uses of API keys in a function, besides, USD")
    print_row("", [f"{where:>14}" for where in ("exchange", "authorizer")])
    columns = []
    for first, warm in (("first_exchange", "warm_exchange"), ("api_key_first", "api_key")):
        units = {kind: operations[first][kind] - operations[warm][kind] for kind in ("reads", "writes")}
        columns.append(
            {
                "DynamoDB reads": price("dynamodb_read_unit", MILLION * units["reads"]),
                "DynamoDB writes": price("dynamodb_write_unit", MILLION * units["writes"]),
            }
        )
    for line in columns[0]:
        print_row(line, [f"{column[line]:14,.3f}" for column in columns])
    print_row("together", [f"{sum(column.values()):14,.3f}" for column in columns])


def print_people(what, steps, counted, line_bytes):
    """What it costs that people sign in, request by request."""
    columns = {step: request_of_people(step, ms, counted, line_bytes) for step, ms in steps.items()}
    print(f"\n{MILLION:,} {what}, USD; billed {steps} ms, {SIGN_IN_GB * 1024:.0f} MB")
    print_row("", [f"{step:>16}" for step in columns] + [f"{'together':>16}"])
    for line in next(iter(columns.values())):
        each = [column[line] for column in columns.values()]
        print_row(line, [f"{usd:16,.2f}" for usd in [*each, sum(each)]])
    totals = [sum(column.values()) for column in columns.values()]
    print_row("together", [f"{usd:16,.2f}" for usd in [*totals, sum(totals)]])


def request_of_people(step, ms, counted, line_bytes):
    """A million of these requests, in the default profile and the custody kms-data-key. What functions read besides now and then, as their keys, is
    left out: it is a few cents."""
    cost = counted["operations"][step]
    gb = MEMORY_GB if step == "code" else SIGN_IN_GB
    log = MILLION * (line_bytes[step] + LOG_OVERHEAD_BYTES + access_log_bytes() + LOG_OVERHEAD_BYTES) / GB
    return {
        "API requests": price("api_request", MILLION),
        "Lambda requests": price("lambda_request", MILLION),
        "Lambda GB-seconds": price("lambda_gb_second", MILLION * (ms + STARTS * START_MS) / 1000 * gb),
        "DynamoDB reads": price("dynamodb_read_unit", MILLION * cost["reads"]),
        "DynamoDB writes": price("dynamodb_write_unit", MILLION * cost["writes"]),
        "logs": price("logs_gb", log) + price("logs_gb_month", log * LOG_MONTHS),
        "egress": price("egress_gb", MILLION * (cost["answer_bytes"] + len(API_HEADERS)) / GB),
    }


def print_verifier(counted, line_bytes):
    """A function that embeds the verifier and is never idle: it asks the issuer for the feed."""
    polls = MONTH / FEED_SECONDS
    print(f"\none embedded verifier that reads the feed every {FEED_SECONDS} s all month, {polls:,.0f} times, USD")
    for profile in REACH:
        lines = monthly("revocations", polls, counted, line_bytes, "kms-data-key", profile)
        print_row(profile, [f"{sum(lines.values()):14,.2f}"])


def check_reach(counted, line_bytes):
    """Fails when a million tokens cost more than they may."""
    for profile, most in REACH.items():
        for volume in VOLUMES:
            lines = monthly("client_credentials", volume, counted, line_bytes, "kms-data-key", profile)
            usd = sum(lines.values()) / volume * MILLION
            print(f"a million client_credentials tokens, {profile}, at {volume:,}: {usd:.2f} (at most {most:.2f})")
            if usd > most:
                sys.exit(f"error: {usd:.2f} is more than {most:.2f}")
    exchanged, own = (
        sum(monthly(operation, MILLION, counted, line_bytes, "kms-data-key", "default").values())
        for operation in ("delegation", "client_credentials")
    )
    print(f"an exchange of a person's token: {exchanged / own:.2f} x client_credentials (at most {EXCHANGE_REACH})")
    if exchanged > EXCHANGE_REACH * own:
        sys.exit(f"error: {exchanged:.2f} is more than {EXCHANGE_REACH} times {own:.2f}")


if __name__ == "__main__":
    main()
