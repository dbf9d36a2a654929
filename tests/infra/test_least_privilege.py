"""Invariant 11, tried: each function's role, with each action on each kind of record and key. What test_roles.py lists is
allowed, and everything else denied.
"""

from fnmatch import fnmatchcase

import pytest
from botocore.exceptions import ClientError

from test_roles import ALLOWED_BESIDE_AN_API, ALLOWED_WHERE_PEOPLE_SIGN_IN, FINDS_WHAT_IS_SOMEBODYS, IN_CUSTODY, LIVE, READS_THE_FEED, TABLE

PARTITIONS = ["CLIENT#x", "GRANT#x", "SUBJECT#x", "JTI#x", "KEY#x", "USED#x", "RESOURCE#x", "COUNT#x", "REPLAY#x", "AUDIT#x", "FEDERATION", "KEYS", "HMAC"]
PARTITIONS += ["USER#x", "LOGIN#x", "SESSION#x", "BACKOFF#x", "REQUEST#x", "CONSENT#x", "UPSTREAM"]
NEVER = {"ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(pk)"}
USES = ["hmac", "signing", "upstream", "other", None]


@pytest.fixture(params=[*ALLOWED_WHERE_PEOPLE_SIGN_IN, *ALLOWED_BESIDE_AN_API], scope="module")
def function(request):
    return request.param


@pytest.fixture(scope="module")
def name(stack, example, function):
    """What the function is called in its stack."""
    return {**stack, **example}[f"{function}Function"]


@pytest.fixture(scope="module")
def role(emulator, name):
    """AWS, as the function sees it."""
    credentials = emulator.credentials_of(name)
    return lambda service: emulator.client(service, credentials)


def permissions(function):
    return {**ALLOWED_WHERE_PEOPLE_SIGN_IN, **ALLOWED_BESIDE_AN_API}[function] | IN_CUSTODY["kms-data-key"].get(function, set())


def allows_records(function, action, partitions):
    """Whether all of these partitions are among those that one statement lets `action` name."""
    allowed = [keys.split() for (name, of, keys) in permissions(function) if (name, of) == (f"dynamodb:{action}", TABLE)]
    matches = [[any(fnmatchcase(one, pattern) for pattern in patterns) for one in partitions] for patterns in allowed]
    return any(all(matched) for matched in matches)


def is_denied(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return code in ("AccessDenied", "AccessDeniedException", "AuthorizationError")
    return False


@pytest.mark.parametrize("partition", PARTITIONS)
def test_invariant_11_records(role, stack, function, partition):
    dynamodb, table = role("dynamodb"), stack["Table"]
    key = {"pk": {"S": partition}, "sk": {"S": "nobody"}}
    batch = {"RequestItems": {table: {"Keys": [key]}}}
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": key["pk"]}}
    # No write changes anything: its condition never holds.
    calls = {
        "GetItem": (dynamodb.get_item, {"TableName": table, "Key": key}),
        "BatchGetItem": (dynamodb.batch_get_item, batch),
        "Query": (dynamodb.query, {"TableName": table, **query}),
        "PutItem": (dynamodb.put_item, {"TableName": table, "Item": key, **NEVER}),
        "UpdateItem": (dynamodb.update_item, {"TableName": table, "Key": key, **NEVER}),
        "DeleteItem": (dynamodb.delete_item, {"TableName": table, "Key": key, **NEVER}),
    }
    denied = {action: is_denied(call, **arguments) for action, (call, arguments) in calls.items()}
    assert denied == {action: not allows_records(function, action, [partition]) for action in calls}


@pytest.mark.parametrize("other", PARTITIONS)
def test_invariant_11_one_forbidden_key_among_allowed_ones(role, stack, function, other):
    partitions = ["GRANT#x", "SUBJECT#x", other]
    keys = [{"pk": {"S": partition}, "sk": {"S": str(n)}} for n, partition in enumerate(partitions)]
    denied = is_denied(role("dynamodb").batch_get_item, RequestItems={stack["Table"]: {"Keys": keys}})
    assert denied != allows_records(function, "BatchGetItem", partitions)


def test_invariant_11_the_table_as_a_whole(role, stack, function):
    dynamodb, table = role("dynamodb"), stack["Table"]
    key = {"pk": {"S": "GRANT#x"}, "sk": {"S": "-"}}
    forbidden = {
        "Scan": (dynamodb.scan, {"TableName": table}),
        "a scan of the feed": (dynamodb.scan, {"TableName": table, "IndexName": "feed"}),
        "a scan of what is live": (dynamodb.scan, {"TableName": table, "IndexName": "live"}),
        "a scan of what is listed": (dynamodb.scan, {"TableName": table, "IndexName": "listed"}),
        "PartiQLSelect": (dynamodb.execute_statement, {"Statement": f'SELECT * FROM "{table}"'}),
        "BatchWriteItem": (dynamodb.batch_write_item, {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}}),
        "TransactWriteItems": (dynamodb.transact_write_items, {"TransactItems": [{"Delete": {"TableName": table, "Key": key}}]}),
        "UpdateTable": (dynamodb.update_table, {"TableName": table, "DeletionProtectionEnabled": False}),
        "DeleteTable": (dynamodb.delete_table, {"TableName": table}),
        "UpdateTimeToLive": (
            dynamodb.update_time_to_live,
            {"TableName": table, "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "ttl"}},
        ),
    }
    assert [name for name, (call, arguments) in forbidden.items() if not is_denied(call, **arguments)] == []


def of_index(table, index, key, value):
    condition = {"KeyConditionExpression": f"{key} = :v", "ExpressionAttributeValues": {":v": {"S": value}}}
    return {"TableName": table, "IndexName": index, **condition}


def test_invariant_11_the_feed(role, stack, function):
    reads_all = READS_THE_FEED in permissions(function)
    allowed = {"feed": reads_all, "live": reads_all or ("dynamodb:Query", LIVE, "") in permissions(function)}
    query = role("dynamodb").query
    denied = {index: is_denied(query, **of_index(stack["Table"], index, "feed_shard", "0")) for index in allowed}
    assert denied == {index: not may for index, may in allowed.items()}


def test_invariant_11_what_is_somebodys(role, stack, function):
    may = FINDS_WHAT_IS_SOMEBODYS in permissions(function)
    query, table = role("dynamodb").query, stack["Table"]
    denied = [is_denied(query, **of_index(table, index, key, "x")) for index, key in (("by_subject", "subject"), ("listed", "listed_in"))]
    assert denied == [not may] * 2


@pytest.mark.parametrize("partition", ["CLIENT#x", "SUBJECT#x"])
def test_invariant_11_of_clients_and_subjects_only_the_place_in_the_feed_can_be_removed(role, stack, function, partition):
    """Who sweeps the feed can neither give a client a secret nor lift its revocation, and reads nothing of it."""
    removal = "REMOVE feed_shard, feed_at, feed_until"
    until = {"ConditionExpression": "feed_until = :u", "ExpressionAttributeValues": {":u": {"N": "1"}}}
    calls = {
        "sweep": {"UpdateExpression": removal, **until},
        "sweep and read": {"UpdateExpression": removal, **until, "ReturnValues": "ALL_NEW"},
        "lift": {"UpdateExpression": "REMOVE not_before"},
        "disguised": {"UpdateExpression": "REMOVE #f", "ExpressionAttributeNames": {"#f": "secrets"}},
    }
    key = {"pk": {"S": partition}, "sk": {"S": "nobody"}}
    update = role("dynamodb").update_item
    denied = {name: is_denied(update, TableName=stack["Table"], Key=key, **call) for name, call in calls.items()}
    assert denied == {name: name != "sweep" or function != "RotateKeys" for name in calls}


@pytest.mark.parametrize("use", USES)
def test_invariant_11_key_material(role, stack, function, use):
    kms, key = role("kms"), stack["WrappingKey"]
    context = {"EncryptionContext": {"use": use, "key_id": "x"}} if use else {}
    calls = {
        "Decrypt": (kms.decrypt, {"CiphertextBlob": b"x"}),
        "GenerateDataKeyWithoutPlaintext": (kms.generate_data_key_without_plaintext, {"KeySpec": "AES_256"}),
        "GenerateDataKeyPairWithoutPlaintext": (kms.generate_data_key_pair_without_plaintext, {"KeyPairSpec": "RSA_2048"}),
        "GenerateDataKey": (kms.generate_data_key, {"KeySpec": "AES_256"}),
        "GenerateDataKeyPair": (kms.generate_data_key_pair, {"KeyPairSpec": "RSA_2048"}),
        "Encrypt": (kms.encrypt, {"Plaintext": b"x"}),
    }
    uses = {
        (action.removeprefix("kms:"), condition.split()[0].removeprefix("use="))
        for action, _, condition in permissions(function)
        if condition.startswith("use=")
    }
    denied = {action: is_denied(call, KeyId=key, **arguments, **context) for action, (call, arguments) in calls.items()}
    assert denied == {action: (action, use) not in uses for action in calls}


def test_invariant_11_a_key_pair_of_another_kind(role, stack, function):
    context = {"use": "signing", "key_id": "x"}
    pair = role("kms").generate_data_key_pair_without_plaintext
    assert is_denied(pair, KeyId=stack["WrappingKey"], KeyPairSpec="RSA_4096", EncryptionContext=context)


def test_invariant_11_everything_else(role, stack, name):
    kms, key = role("kms"), {"KeyId": stack["WrappingKey"]}
    forbidden = {
        "CreateKey": (kms.create_key, {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
        "Sign": (kms.sign, {**key, "Message": b"x", "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}),
        "ScheduleKeyDeletion": (kms.schedule_key_deletion, key),
        "DisableKey": (kms.disable_key, key),
        "PutKeyPolicy": (kms.put_key_policy, {**key, "Policy": "{}"}),
        "CreateGrant": (kms.create_grant, {**key, "GranteePrincipal": "arn:aws:iam::000000000000:root", "Operations": ["Decrypt"]}),
        "PutRolePolicy": (role("iam").put_role_policy, {"RoleName": "x", "PolicyName": "x", "PolicyDocument": "{}"}),
        "UpdateFunctionCode": (role("lambda").update_function_code, {"FunctionName": name, "ZipFile": b"x"}),
        "Invoke": (role("lambda").invoke, {"FunctionName": name}),
        "DeleteLogGroup": (role("logs").delete_log_group, {"logGroupName": f"/aws/lambda/{name}"}),
        "Publish": (role("sns").publish, {"TopicArn": stack["Alarms"], "Message": "x"}),
        "ListBuckets": (role("s3").list_buckets, {}),
    }
    assert [name for name, (call, arguments) in forbidden.items() if not is_denied(call, **arguments)] == []
