"""A real issuer, which `with-issuer` has started beside these tests, and verifiers that are told nothing but its URL."""

import asyncio
import json
import os

import httpx
import pytest

from tokensmith_verifier import AsyncVerifier, Refusal, Verifier

ISSUER = os.environ["ISSUER_URL"]
CLIENTS = json.loads(os.environ["TOKENSMITH_CLIENTS"])


class Client:
    """A registered client at the issuer."""

    def __init__(self, registered, http):
        self.registered = registered
        self._http = http

    @property
    def audience(self):
        return self.registered["audience"]

    def token(self, **form):
        credentials = (self.registered["client_id"], self.registered["client_secret"])
        form = {"grant_type": "client_credentials", **form}
        answer = self._http.post(f"{ISSUER}/oauth2/token", data=form, auth=credentials)
        answer.raise_for_status()
        return answer.json()["access_token"]


class Loop:
    """An asynchronous verifier on an event loop, asked as a blocking one is."""

    def __init__(self, audience):
        self._loop = asyncio.new_event_loop()
        self._verifier = AsyncVerifier(ISSUER, audience)

    def verify(self, token):
        return self._loop.run_until_complete(self._verifier.verify(token))

    def close(self):
        self._loop.run_until_complete(self._verifier.close())
        self._loop.close()


@pytest.fixture(scope="session")
def clients():
    with httpx.Client(trust_env=False) as http:
        yield [Client(registered, http) for registered in CLIENTS]


class Both:
    """A blocking and an asynchronous verifier, which are asked the same."""

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
