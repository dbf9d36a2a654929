"""The stack as `infra/deploy` makes it, with the functions that would be deployed, through API Gateway and under their roles."""

import base64
import json
import time

import pytest
import requests

from issuer import Issuer, new_client

pytestmark = pytest.mark.usefixtures("stack")


def new_issuer(emulator, stack, tokensmith):
    return Issuer(emulator.api(stack["Api"]), new_client(tokensmith, stack, "whole-stack"))


def new_refresh_token(stack, tokensmith, subject):
    made = tokensmith(stack, "grant", "create", "--client", "whole-stack", "--subject", subject, "--scope", "read")
    return made["refresh_token"]


@pytest.fixture(scope="module")
def issuer(emulator, stack, tokensmith):
    return new_issuer(emulator, stack, tokensmith)


def part(token, index):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[index] + "=="))


def test_a_client_gets_a_token_that_a_published_key_signed(issuer, stack):
    token = issuer.token()
    assert part(token, 1)["iss"] == stack["Issuer"]
    assert part(token, 0)["kid"] in issuer.key_ids()
    assert issuer.is_active(token)


def test_metadata_names_the_issuer(issuer, stack):
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        metadata = requests.get(issuer.url + path).json()
        assert metadata["issuer"] == stack["Issuer"]
        assert metadata["token_endpoint"] == stack["Issuer"] + "/oauth2/token"


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/refresh"])
def test_a_refresh_token_is_refreshed_and_revoked(issuer, stack, tokensmith, path):
    refresh_token = new_refresh_token(stack, tokensmith, "sensor-17")
    first = issuer.post(path, grant_type="refresh_token", refresh_token=refresh_token)
    assert first.status_code == 200, first.text
    # Both functions hand out the same successor.
    for retried in ("/oauth2/token", "/oauth2/refresh"):
        again = issuer.post(retried, grant_type="refresh_token", refresh_token=refresh_token)
        assert again.json()["refresh_token"] == first.json()["refresh_token"]
    assert issuer.is_active(first.json()["access_token"])

    assert issuer.post("/oauth2/revoke", token=first.json()["refresh_token"]).status_code == 200
    assert not issuer.is_active(first.json()["access_token"])
    refused = issuer.post(path, grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_reused_refresh_token_revokes_the_grant_under_the_role_of_either_function(issuer, stack, tokensmith):
    for path in ("/oauth2/token", "/oauth2/refresh"):
        tokens = [new_refresh_token(stack, tokensmith, "sensor-18")]
        for _ in range(2):
            answer = issuer.post(path, grant_type="refresh_token", refresh_token=tokens[-1])
            tokens.append(answer.json()["refresh_token"])
        for token in (tokens[0], tokens[-1]):
            refused = issuer.post(path, grant_type="refresh_token", refresh_token=token)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_single_access_token_is_revoked(issuer):
    token, other = issuer.token(), issuer.token()
    assert issuer.post("/oauth2/revoke", token=token).status_code == 200
    assert not issuer.is_active(token) and issuer.is_active(other)


def test_the_feed_says_what_was_revoked(issuer, stack):
    before = len(feed_of(issuer)["entries"])
    assert issuer.post("/oauth2/revoke", token=issuer.token()).status_code == 200
    # A document is kept until the feed is renewed, which is every 5 s.
    until = time.monotonic() + 30
    while len((feed := feed_of(issuer))["entries"]) == before and time.monotonic() < until:
        time.sleep(0.2)
    assert feed["iss"] == stack["Issuer"] and len(feed["entries"]) == before + 1


def feed_of(issuer):
    """The payload of the feed. The example API's verifier checks its signature."""
    response = requests.get(issuer.url + "/oauth2/revocations?since=0")
    assert response.headers["Content-Type"] == "application/jose"
    header = part(response.text, 0)
    assert header["typ"] == "tokensmith-revocations+jwt" and header["kid"] in issuer.key_ids()
    return part(response.text, 1)


def test_405_and_cors_are_the_endpoints_own(issuer):
    # The emulator answers every OPTIONS itself, which API Gateway only does where an API has CORS of its own.
    refused = requests.put(issuer.url + "/oauth2/token")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST, OPTIONS")
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_a_wrong_secret_is_refused(issuer):
    response = requests.post(issuer.url + "/oauth2/token", data={"grant_type": "client_credentials"}, auth=("nobody", "x"))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_deploying_again_changes_nothing(deploy, stack, emulator):
    version = lambda: emulator.client("lambda").get_alias(FunctionName=stack["IssueFunction"], Name="live")["FunctionVersion"]
    before = version()
    assert deploy() == stack
    assert version() == before


def test_keys_are_rotated_and_old_tokens_stay_good(deploy, stack, issuer, emulator):
    old = issuer.token()
    # A parameter changes: so that it is in force, the alias has to point at a new version.
    deploy("KeyPeriod=1s", "KeyPublishAhead=0s")
    run_as_scheduled(emulator, "rotate-keys")
    assert len(issuer.key_ids()) > 1
    new = issuer.token()
    assert part(new, 0)["kid"] != part(old, 0)["kid"]
    assert issuer.is_active(old) and issuer.is_active(new)


def run_as_scheduled(emulator, target_id):
    """Calls what the schedule with this target calls, with the same event."""
    events = emulator.client("events")
    rules = events.list_rules(NamePrefix="tokensmith")["Rules"]
    targets = [target for rule in rules for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
    (target,) = (target for target in targets if target["Id"] == target_id)
    run = emulator.client("lambda").invoke(FunctionName=target["Arn"], Payload=target.get("Input", "{}").encode())
    assert "FunctionError" not in run, run["Payload"].read()


def test_the_feed_has_a_heartbeat(emulator, stack):
    heartbeat = {"TableName": stack["Table"], "Key": {"pk": {"S": "HEARTBEAT"}, "sk": {"S": "-"}}}
    for _ in range(2):
        run_as_scheduled(emulator, "heartbeat")
    written = emulator.client("dynamodb").get_item(**heartbeat)["Item"]
    assert abs(int(written["feed_at"]["N"]) - time.time()) < 60


def test_in_the_custody_kms_every_signature_is_made_in_kms(emulator, stack_in_kms, tokensmith):
    issuer = new_issuer(emulator, stack_in_kms, tokensmith)
    token = issuer.token()
    assert part(token, 0)["kid"] in issuer.key_ids() and issuer.is_active(token)
    refreshed = issuer.post(
        "/oauth2/refresh", grant_type="refresh_token", refresh_token=new_refresh_token(stack_in_kms, tokensmith, "sensor-19")
    )
    assert refreshed.status_code == 200, refreshed.text
    assert issuer.is_active(refreshed.json()["access_token"])
    assert feed_of(issuer)["iss"] == stack_in_kms["Issuer"]
    (signing,) = keys_of(emulator, stack_in_kms["Issuer"])
    assert (signing["KeySpec"], signing["KeyUsage"]) == ("RSA_2048", "SIGN_VERIFY")


def keys_of(emulator, issuer):
    """The KMS keys that carry the issuer's tag."""
    kms = emulator.client("kms")
    for key in kms.list_keys()["Keys"]:
        tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
        if {"TagKey": "tokensmith:issuer", "TagValue": issuer} in tags:
            yield kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]


def test_a_restored_table_takes_over_and_revives_no_token(deploy, emulator, stack, tokensmith, issuer):
    dynamodb = emulator.client("dynamodb")
    granted = new_refresh_token(stack, tokensmith, "sensor-20")
    token = issuer.token()
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=stack["Table"], TargetTableName="restored", UseLatestRestorableTime=True
    )
    tokensmith(stack, "client", "disable", "whole-stack", "--yes")
    restored = {**stack, "Table": "restored"}
    done = tokensmith(restored, "restore", "--old", stack["Table"], "--yes")
    assert done["back_to_life"] == [{"client_id": "whole-stack", "because": ["disabled"]}]

    assert deploy("Table=restored")["Table"] == "restored"
    # The table that was there before stays.
    assert dynamodb.describe_table(TableName=stack["Table"])["Table"]["TableStatus"] == "ACTIVE"
    refused = issuer.post("/oauth2/token", grant_type="refresh_token", refresh_token=granted)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert not issuer.is_active(token)
    assert issuer.is_active(issuer.token())
