"""A service with the verifier for Python, blocking or with asyncio, asked over its standard input: see verifiers.test.mjs."""

import asyncio
import json
import sys
import time

from tokensmith_verifier import AsyncVerifier, Refusal, Revocations, Verifier

kind, issuer, audience, when_stale = sys.argv[1:]
ahead = 0


def clock():
    return time.time() + ahead


if kind == "asyncio":
    loop = asyncio.new_event_loop()
    asynchronous = AsyncVerifier(issuer, audience, revocations=Revocations(when_stale=when_stale), clock=clock)

    def verify(token):
        return loop.run_until_complete(asynchronous.verify(token))
else:
    verify = Verifier(issuer, audience, revocations=Revocations(when_stale=when_stale), clock=clock).verify


def reason_of(token):
    """Why a token is refused; None when it is not."""
    try:
        verify(token)
    except Refusal as refusal:
        return refusal.reason
    return None


for line in sys.stdin:
    question = json.loads(line)
    ahead += question.get("pass", 0)
    print(json.dumps(reason_of(question["token"]) if "token" in question else None), flush=True)
