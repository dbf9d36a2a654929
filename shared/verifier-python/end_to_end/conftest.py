"""A real issuer, which `with-issuer` has started beside these tests, and verifiers that are told nothing but its URL."""

import asyncio
import json
import os
import subprocess
import threading
import time

import httpx
import pytest

from tokensmith_verifier import AsyncVerifier, Refusal, Verifier

ISSUER = os.environ["ISSUER_URL"]
CLIENTS = json.loads(os.environ["TOKENSMITH_CLIENTS"])


def tokensmith(*options):
    """What the command says to these options, about the data of the issuer."""
    command = [os.environ["TOKENSMITH"], *options, *json.loads(os.environ["TOKENSMITH_DATA_ARGUMENTS"])]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


class Client:
    """A registered client at the issuer."""

    def __init__(self, registered, http):
        self.registered = registered
        self._http = http

    @property
    def audience(self):
        return self.registered["audience"]

    def token(self, **form):
        return self._asked("token", {"grant_type": "client_credentials", **form}).json()["access_token"]

    def revoke(self, token):
        self._asked("revoke", {"token": token})

    def _asked(self, endpoint, form):
        credentials = (self.registered["client_id"], self.registered["client_secret"])
        answer = self._http.post(f"{ISSUER}/oauth2/{endpoint}", data=form, auth=credentials)
        answer.raise_for_status()
        return answer


class Loop:
    """An asynchronous verifier on an event loop in a thread of its own, asked from other threads as a blocking one is."""

    def __init__(self, audience):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._verifier = AsyncVerifier(ISSUER, audience)

    def verify(self, token):
        return self._run(self._verifier.verify(token))

    def close(self):
        self._run(self._verifier.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@pytest.fixture(scope="session")
def clients():
    with httpx.Client(trust_env=False) as http:
        yield [Client(registered, http) for registered in CLIENTS]


class Both:
    """A blocking and an asynchronous verifier, which are asked the same, so that nothing has to be waited for twice."""

    def __init__(self, audience):
        self._verifiers = [Verifier(ISSUER, audience), Loop(audience)]

    def verify(self, token):
        return [verifier.verify(token) for verifier in self._verifiers]

    def reasons(self, token):
        """Why each refuses a token; None when it does not."""
        return {_reason(verifier, token) for verifier in self._verifiers}

    def close(self):
        for verifier in self._verifiers:
            verifier.close()


@pytest.fixture
def both(clients):
    both = Both(clients[0].audience)
    yield both
    both.close()


def _reason(verifier, token):
    try:
        verifier.verify(token)
    except Refusal as refusal:
        return refusal.reason
    return None


def eventually(condition, seconds):
    """Waits until something is so."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"it was not so within {seconds} s"
        time.sleep(0.05)
