"""The function behind the parameter `EventsTopicArn` of a template: publishes the events that CloudWatch Logs gives it to a topic, each as one
message.

CloudWatch Logs does not wait for it. When it fails, Lambda calls it again, at most twice, and what was published by then comes once more. So it
fails only when the topic takes nothing.
"""

import base64
import gzip
import json
import os
import re

import boto3
from botocore.config import Config

# A topic is for people and for what wakes them: not for what went well, or was refused as it should be.
LEVELS = ("warn", "error")
# Of lines that others may have written into the log, SNS would refuse some as the subject.
EVENT = re.compile(r"[a-z_]{1,64}")
# What SNS takes in one call: so many messages, and 256 KB of them.
AT_ONCE = 10
MESSAGE_BYTES = 16 * 1024


def answer(event, context):
    """Publishes each event that is worth a message. One that SNS refuses alone is told in this function's own log."""
    messages = list(filter(None, map(message_of, lines_of(event))))
    for start in range(0, len(messages), AT_ONCE):
        entries = [{"Id": str(number), **message} for number, message in enumerate(messages[start : start + AT_ONCE])]
        published = client().publish_batch(TopicArn=os.environ["TOPIC"], PublishBatchRequestEntries=entries)
        for failed in published.get("Failed", []):
            print(json.dumps({"event": "publish_failed", "code": failed["Code"], "message": failed.get("Message", "")}))


def client():
    return boto3.client("sns", config=Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 2}))


def lines_of(event):
    """The lines that CloudWatch Logs has put into the event. Its own, by which it tries whether the function is there, are no events."""
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    return [each["message"] for each in batch["logEvents"]]


def message_of(line):
    """What is published about a line, or `None`."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("level") not in LEVELS or not EVENT.fullmatch(str(event.get("event"))):
        return None
    return {
        "Subject": f"tokensmith {event['level']}: {event['event']}",
        "Message": cut(line.strip()),
        "MessageAttributes": {name: {"DataType": "String", "StringValue": event[name]} for name in ("event", "level")},
    }


def cut(text):
    """The text, or as much of its beginning as one message may have."""
    encoded = text.encode()
    if len(encoded) <= MESSAGE_BYTES:
        return text
    return encoded[: MESSAGE_BYTES - len("…".encode())].decode(errors="ignore") + "…"
