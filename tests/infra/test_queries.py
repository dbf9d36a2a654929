"""What the saved queries and the dashboard's tables make of the lines that the functions really write."""

import base64
import json
import re

import pytest
import requests

import insights
from issuer import Issuer, new_client
from person import App, Person
from stack import PEOPLE, ROOT, Template

TEMPLATE = Template(**PEOPLE)
README = (ROOT / "infra" / "README.md").read_text()
SAVED = TEMPLATE.of_type("AWS::Logs::QueryDefinition")
SETTINGS = {"pk": {"S": "KEYS"}, "sk": {"S": "SETTINGS"}}
# What stands in a saved query to be replaced.
PLACEHOLDER = re.compile(r"'([A-Z]+_[A-Z_]+)'")


def widgets():
    """The dashboard's tables: the text of each query, by its title."""
    tables = [each["properties"] for each in TEMPLATE.widgets if each["type"] == "log"]
    return {each["title"]: each["query"] for each in tables}


WIDGETS = widgets()


def groups_of(name):
    """The log groups that a query asks, by their names in the template."""
    if name in SAVED:
        return [each["Ref"] for each in TEMPLATE.decided(SAVED[name]["LogGroupNames"])]
    return [source.strip("${}") for source in insights.parsed(WIDGETS[name]).sources]


ALL = [*SAVED, *WIDGETS]


def query(name, wanted=""):
    text = SAVED[name]["QueryString"] if name in SAVED else WIDGETS[name]
    return insights.parsed(PLACEHOLDER.sub(lambda _: f"'{wanted}'", text))


@pytest.fixture(scope="module")
def happened(emulator, archived, tokensmith, new_user):
    """What clients, people, strangers and a wrong table have done, each once or more: the ids by which it can be asked for."""
    client = new_client(tokensmith, archived, "asked-about")
    issuer = Issuer(emulator.api(archived["Api"]), client)
    token = issuer.token()
    grant = tokensmith(archived, "grant", "create", "--client", "asked-about", "--subject", "sensor", "--scope", "read")
    first, refreshed = grant["refresh_token"], []
    for presented in (first, None, first):
        presented = presented or refreshed[0]["refresh_token"]
        refreshed.append(issuer.post("/oauth2/refresh", grant_type="refresh_token", refresh_token=presented).json())
    assert refreshed[2]["error"] == "invalid_grant"
    assert issuer.is_active(token)
    assert issuer.post("/oauth2/revoke", token=token).status_code == 200
    limited = Issuer(issuer.url, new_client(tokensmith, archived, "asks-too-much"))
    tokensmith(archived, "client", "update", "asks-too-much", "--limit", "1/1d")
    # Midnight may come in between.
    assert [limited.post("/oauth2/token", grant_type="client_credentials").status_code for _ in range(3)].count(429) >= 1
    stranger = ("nobody", client["client_secret"])
    for path in ("/oauth2/token", "/oauth2/introspect"):
        asked = requests.post(issuer.url + path, data={"token": "x", "grant_type": "client_credentials"}, auth=stranger)
        assert asked.status_code == 401
    key = use_an_api_key_after_its_end(tokensmith, archived, issuer)
    requests.get(issuer.url + "/oauth2/revocations")
    requests.get(issuer.url + "/.well-known/jwks.json")
    person = sign_somebody_in(emulator, archived, tokensmith, new_user)
    meet_a_foreign_table(emulator, archived, issuer)
    return {"client": "asked-about", "person": person, "key": key, "grant": grant["grant_id"], "jti": claims_of(token)["jti"]}


def sign_somebody_in(emulator, archived, tokensmith, new_user):
    """Somebody mistakes their password, signs in, lets a client have something, and ends that again."""
    subject = new_user(archived, "carol", "a short walk to the sea")["subject"]
    tokensmith(
        archived, "client", "create", "--id", "asks-people", "--public", "--redirect-uri", "https://app.example/callback", "--scope", "openid",
        "--scope", "read",
    )  # fmt: skip
    person, app = Person(emulator, archived), App(archived["Issuer"], "asks-people", "https://app.example/callback")
    page = person.open(app.link("openid read"))
    assert person.sign_in(page, "carol", "a short walk to the lake").status_code == 403
    page = person.sign_in(page, "carol", "a short walk to the sea")
    issued = app.redeem(person.api, app.code_in(person.press(page, {}, "allow"))).json()
    told = requests.get(person.api + "/oauth2/userinfo", headers={"Authorization": f"Bearer {issued['access_token']}"})
    assert told.json()["sub"] == subject
    assert person.press(person.open("/account"), {}, "revoke-grant").status_code == 200
    return subject


def use_an_api_key_after_its_end(tokensmith, archived, issuer):
    made = tokensmith(archived, "api-key", "create", "--client", "asked-about", "--name", "job", "--scope", "read")
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": made["api_key"],
        "subject_token_type": "urn:tokensmith:params:oauth:token-type:api-key",
    }
    assert requests.post(issuer.url + "/oauth2/token", data=form).status_code == 200
    assert issuer.is_active(made["api_key"])
    tokensmith(archived, "api-key", "revoke", made["key_id"], "--yes")
    assert requests.post(issuer.url + "/oauth2/token", data=form).status_code == 400
    return made["key_id"]


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def meet_a_foreign_table(emulator, archived, issuer):
    dynamodb, key = emulator.client("dynamodb"), {"TableName": archived["Table"], "Key": SETTINGS}
    own = dynamodb.get_item(**key)["Item"]
    dynamodb.put_item(TableName=archived["Table"], Item={**own, "issuer": {"S": "https://somebody.else.example"}})
    try:
        assert issuer.post("/oauth2/token", grant_type="client_credentials").status_code == 503
    finally:
        dynamodb.put_item(TableName=archived["Table"], Item=own)


@pytest.fixture(scope="module")
def events(emulator, archived, happened):
    """All that the functions have logged, by the log group's name in the template."""
    logs, lambda_client, found = emulator.client("logs"), emulator.client("lambda"), {}
    for output, function in archived.items():
        if output.endswith("Function"):
            group = lambda_client.get_function_configuration(FunctionName=function)["LoggingConfig"]["LogGroup"]
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            messages = [(each["message"], each["timestamp"]) for page in pages for each in page["events"]]
            found[output.replace("Function", "Log")] = [insights.event_of(*each) for each in messages]
    return found


@pytest.fixture
def answer(events):
    """What a query answers when it is run in its log groups."""

    def answer(name, wanted=""):
        asked = [event for group in groups_of(name) for event in events[group]]
        return query(name, wanted).rows(asked)

    return answer


def test_a_query_is_saved_for_each_question():
    assert sorted(SAVED) == [
        "ClientsOverTheirLimit", "FromWherePeopleFailToSignIn", "FromWhereRequestsAreDenied", "SecurityEvents", "TokensOfAClient", "WhatAClientDid",
        "WhatAPersonDid", "WhatAnApiKeyDid", "WhatBecameOfATokenOrGrant", "WhatFailedAndWhy",
    ]  # fmt: skip
    for name, saved in SAVED.items():
        title = saved["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}/")
        # Its name says what has to be replaced in it.
        assert all(placeholder in title for placeholder in PLACEHOLDER.findall(saved["QueryString"])), name
        assert f"| {title} |" in README, name


@pytest.mark.parametrize("name", ALL)
def test_each_field_that_a_query_names_is_one_of_the_lines_in_its_logs(name, events):
    logged = {field for group in groups_of(name) for event in events[group] for field in event}
    assert query(name).named - logged == set()


def test_what_a_client_did_is_told_with_its_outcome_and_its_source(answer, happened):
    rows = answer("WhatAClientDid", happened["client"])
    done = {(row["event"], row["endpoint"], row["reason"]) for row in rows}
    assert done >= {
        ("issued", "token", None), ("refreshed", "refresh", None), ("reused", "refresh", "refresh_token_reused"), ("introspected", "introspect", None),
        ("revoked", "revoke", None), ("unavailable", "token", None),
    }  # fmt: skip
    assert all(row["source"] for row in rows)
    assert [row["@timestamp"] for row in rows] == sorted((row["@timestamp"] for row in rows), reverse=True)


def test_the_tokens_of_a_client_are_told_with_scope_and_audience(answer, happened):
    rows = answer("TokensOfAClient", happened["client"])
    exchanged = "urn:ietf:params:oauth:grant-type:token-exchange"
    assert {(row["scope"], row["grant_type"]) for row in rows} == {("read", each) for each in ("client_credentials", "refresh_token", exchanged)}
    assert all(row["jti"] and row["aud"] and row["kid"] for row in rows)
    assert happened["jti"] in {row["jti"] for row in rows}


def test_what_became_of_a_token_and_of_a_grant_is_told_in_order(answer, happened):
    issued, revoked = answer("WhatBecameOfATokenOrGrant", happened["jti"])
    assert (issued["event"], issued["client"]) == ("issued", happened["client"])
    assert (revoked["event"], revoked["client"]) == ("revoked", happened["client"])
    rows = answer("WhatBecameOfATokenOrGrant", happened["grant"])
    assert [(row["outcome"], row["reason"]) for row in rows] == [("ok", None), ("ok", None), ("denied", "refresh_token_reused")]


def test_what_an_api_key_did_is_told_with_its_use_after_its_end(answer, happened):
    rows = answer("WhatAnApiKeyDid", happened["key"])
    done = [(row["event"], row["reason"], row["client"]) for row in rows]
    assert done == [("denied", "api_key_revoked", "asked-about"), ("introspected", None, "asked-about"), ("issued", None, "asked-about")]
    assert all(row["source"] for row in rows)


def test_what_a_person_did_is_told_with_the_client_that_it_was_for(answer, happened):
    rows = answer("WhatAPersonDid", happened["person"])
    done = [(row["event"], row["client"]) for row in rows]
    assert done == [("ended", "asks-people"), ("userinfo", "asks-people"), ("authorized", "asks-people"), ("signed_in", "asks-people")]
    assert rows[0]["what"] == "grant" and rows[0]["grant"] == rows[2]["grant"] and all(row["source"] for row in rows)


def test_from_where_people_fail_to_sign_in_is_told_with_the_reason(answer):
    for question in ("FromWherePeopleFailToSignIn", "Failed sign-ins by source address"):
        rows = answer(question)
        assert "wrong_password" in {row["reason"] for row in rows} and all(row["source"] and row["failed"] >= 1 for row in rows), rows


def test_what_failed_is_told_with_its_reason(answer, happened):
    rows = {(row["event"], row["client"], row["reason"] or row["failure"] or row["message"]): row["lines"] for row in answer("WhatFailedAndWhy")}
    assert rows[("reused", happened["client"], "refresh_token_reused")] == 1
    assert any(event == "unavailable" and client == happened["client"] and "table" in why for event, client, why in rows), rows
    assert any(event == "foreign_table" for event, _, _ in rows), rows


def test_from_where_requests_are_denied_is_told_with_how_many_clients_they_named(answer):
    rows = answer("FromWhereRequestsAreDenied")
    assert {row["reason"] for row in rows} >= {"unknown_client", "refresh_token_reused"}
    assert all(row["source"] and row["denied"] >= row["clients"] and row["first_seen"] <= row["last_seen"] for row in rows)
    # People who sign in to their own account name none.
    assert all(row["clients"] >= 1 for row in rows if row["reason"] in ("unknown_client", "refresh_token_reused"))


def test_the_clients_over_their_limit_are_told(answer):
    (row,) = (row for row in answer("ClientsOverTheirLimit") if row["client"] == "asks-too-much")
    assert row["refused"] >= 1 and row["source"] and row["first_seen"] <= row["last_seen"]


def test_security_events_are_told_and_nothing_else(answer, happened):
    rows = answer("SecurityEvents")
    reused = [row for row in rows if row["grant"] == happened["grant"]]
    assert [row["reason"] for row in reused] == ["refresh_token_reused"]
    assert any(row["event"] == "foreign_table" and row["message"] for row in rows)
    assert {row["reason"] for row in rows} <= {None, "refresh_token_reused", "withdrawn_key", "generation_ahead", "api_key_revoked", "too_many_attempts"}
    assert any(row["key"] == happened["key"] for row in rows)


def test_the_dashboard_tells_who_asks_most_and_who_is_denied_why_and_from_where(answer, happened):
    requests_of = {(row["client"], row["endpoint"]): row["requests"] for row in answer("Requests by the client that they name")}
    assert requests_of[(happened["client"], "refresh")] == 3
    denied = {(row["client"], row["reason"]): row["denied"] for row in answer("Denied requests by client and reason")}
    assert denied[(happened["client"], "refresh_token_reused")] == 1
    assert denied[("nobody", "unknown_client")] >= 2
    sources = answer("Denied requests by source address")
    assert all(row["source"] and row["denied"] >= row["clients"] >= 1 for row in sources) and sources
