"""What several tests need."""

import asyncio

import pytest

from tokensmith_verifier import AsyncVerifier, Refusal, Verifier
from tokensmith_verifier.testing import TestIssuer

API = "https://api.example"


class Threads:
    """A blocking verifier of a test issuer."""

    def __init__(self, issuer, **options):
        self.issuer = issuer
        self.verifier = self.made(issuer, options)

    def made(self, issuer, options):
        return Verifier(issuer.url, issuer.audience, client=issuer.client(), clock=issuer.clock, **options)

    def run(self, outcome):
        return outcome

    def verify(self, token):
        return self.run(self.verifier.verify(token))

    def authorize(self, *asked, **named):
        return self.run(self.verifier.authorize(*asked, **named))

    def reason(self, token):
        """Why a bearer token is refused; None when it is not."""
        try:
            self.verify(token)
        except Refusal as refusal:
            return refusal.reason
        return None

    def close(self):
        self.verifier.close()


class Asyncio(Threads):
    """An asynchronous one."""

    def made(self, issuer, options):
        self.loop = asyncio.new_event_loop()
        return AsyncVerifier(issuer.url, issuer.audience, client=issuer.async_client(), clock=issuer.clock, **options)

    def run(self, outcome):
        return self.loop.run_until_complete(outcome)

    def close(self):
        self.run(self.verifier.close())
        self.loop.close()


def paths(issuer):
    """What was asked of it since the last time."""
    asked = [request.url.path.rpartition("/")[2] for request in issuer.requests]
    issuer.requests.clear()
    return asked


@pytest.fixture
def issuer():
    return TestIssuer()


@pytest.fixture(params=[Threads, Asyncio], ids=["threads", "asyncio"])
def new(request, issuer):
    """Makes verifiers of the issuer."""
    made = []

    def new(**options):
        made.append(request.param(issuer, **options))
        return made[-1]

    yield new
    for one in made:
        one.close()
