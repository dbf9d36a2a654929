"""The function behind EventsTopicArn: which lines become messages, and what becomes of those that SNS does not take."""

import base64
import gzip
import json

import pytest

import publish

TOPIC = "arn:aws:sns:us-east-1:000000000000:events"
REUSED = {"time": "2026-11-29T12:00:00Z", "level": "warn", "schema": 1, "event": "reused", "client": "billing"}
FAILED = {**REUSED, "level": "error", "event": "unavailable", "failure": "the table: timeout"}


class Topic:
    """SNS, which refuses single messages by their text, or everything."""

    def __init__(self, refused=(), error=None):
        self.refused, self.error, self.calls = refused, error, []

    def publish_batch(self, TopicArn, PublishBatchRequestEntries):
        assert TopicArn == TOPIC and len({entry["Id"] for entry in PublishBatchRequestEntries}) == len(PublishBatchRequestEntries)
        if self.error:
            raise self.error
        self.calls.append(PublishBatchRequestEntries)
        refused = [entry for entry in PublishBatchRequestEntries if entry["Message"] in self.refused]
        return {"Failed": [{"Id": entry["Id"], "Code": "InvalidParameter", "SenderFault": True} for entry in refused]}


@pytest.fixture
def published(monkeypatch):
    """Gives the function these lines, and returns what it has published, call by call."""

    def published(*lines, topic=None):
        topic = topic or Topic()
        monkeypatch.setattr(publish, "client", lambda: topic)
        monkeypatch.setenv("TOPIC", TOPIC)
        batch = {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "timestamp": 1, "message": line} for line in lines]}
        publish.answer({"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode()))}}, None)
        return topic.calls

    return published


def test_each_event_is_one_message_whose_attributes_a_subscription_can_filter_by(published):
    ((reused, failed),) = published(json.dumps(REUSED) + "\n", json.dumps(FAILED))
    assert json.loads(reused["Message"]) == REUSED and json.loads(failed["Message"]) == FAILED
    assert reused["MessageAttributes"] == {
        "event": {"DataType": "String", "StringValue": "reused"},
        "level": {"DataType": "String", "StringValue": "warn"},
    }
    assert failed["Subject"] == "tokensmith error: unavailable"


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({**REUSED, "level": "info"}),
        json.dumps({**REUSED, "event": "a\nb"}),
        json.dumps({**REUSED, "event": 1}),
        json.dumps({"level": "warn"}),
        json.dumps({**REUSED, "level": ["warn"]}),
        json.dumps([REUSED]),
        "CWL CONTROL MESSAGE: Checking health of destination Lambda function.",
        "",
    ],
)
def test_what_is_no_event_or_nothing_to_look_at_is_not_published(published, line):
    assert published(line) == []
    ((message,),) = published(line, json.dumps(REUSED))
    assert json.loads(message["Message"]) == REUSED


def test_a_call_has_no_more_messages_and_bytes_than_sns_takes(published):
    longest = json.dumps({**FAILED, "failure": "ä" * 200_000}, ensure_ascii=False)
    calls = published(*[longest] * 23)
    assert [len(call) for call in calls] == [10, 10, 3]
    for call in calls:
        assert sum(len(json.dumps(entry, ensure_ascii=False).encode()) for entry in call) <= 256 * 1024
    message = calls[0][0]["Message"]
    assert len(message.encode()) <= publish.MESSAGE_BYTES and message.startswith('{"time"') and message.endswith("ä…")


def test_one_message_that_sns_refuses_is_told_in_the_log_and_the_others_are_not_sent_again(published, capsys):
    lines = [json.dumps({**REUSED, "client": str(number)}) for number in range(12)]
    calls = published(*lines, topic=Topic(refused=[lines[3]]))
    assert [entry["Message"] for call in calls for entry in call] == lines
    assert json.loads(capsys.readouterr().out) == {"event": "publish_failed", "code": "InvalidParameter", "message": ""}


def test_when_the_topic_takes_nothing_the_function_fails_so_that_lambda_calls_it_again(published):
    with pytest.raises(ConnectionError):
        published(json.dumps(REUSED), topic=Topic(error=ConnectionError("SNS is out")))
