"""A service with this package beside an issuer as it is deployed: what it is told of revocations and of new keys."""

import threading

from conftest import eventually, reason, tokensmith

# The feed is renewed every 5 s, and a busy machine takes its time.
WITHIN = 12

# A withdrawn key is no longer published either, and whoever fetches the keys first does not know it any more.
ENDED = ("withdrawn_key", "unknown_key")


def test_tokens_of_every_algorithm_are_verified(clients, verifier):
    for client in clients:
        claims = verifier.verify(client.token())
        assert claims.client_id == claims.subject == client.registered["client_id"]
        assert claims.scopes == ("read",)


def test_rfc8707_a_token_for_another_resource_is_refused(clients, verifier):
    token = clients[0].token(resource=clients[0].registered["other_audience"])
    assert reason(verifier, token) == "wrong_audience"


def test_a_token_that_its_client_revokes_is_refused_within_the_interval(clients, verifier):
    revoked, other = clients[0].token(), clients[0].token()
    assert reason(verifier, revoked) is None
    clients[0].revoke(revoked)
    eventually(lambda: reason(verifier, revoked) == "token_revoked", WITHIN)
    assert reason(verifier, other) is None


class Load:
    """Threads that get tokens and have them verified, over and over."""

    def __init__(self, clients, verifier):
        self.reasons = {}
        self.rounds = 0
        self._stopped = threading.Event()
        self._clients, self._verifier = clients, verifier
        self._threads = [threading.Thread(target=self._ask, args=(client,)) for client in clients]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, client):
        while not self._stopped.is_set():
            said = reason(self._verifier, client.token())
            self.reasons[said] = self.reasons.get(said, 0) + 1
            self.rounds += 1
            self._stopped.wait(0.02)


def test_keys_are_replaced_under_load_and_only_tokens_of_the_old_ones_are_refused(clients, verifier):
    old = [client.token() for client in clients]
    # After an earlier replacement the feed that caches keep is by a withdrawn key, which a new verifier does not believe.
    eventually(lambda: {reason(verifier, token) for token in old} == {None}, WITHIN)
    with Load(clients, verifier) as load:
        eventually(lambda: load.rounds > 20, WITHIN)
        tokensmith("key", "rotate", "--now", "--yes")
        eventually(lambda: all(reason(verifier, token) in ENDED for token in old), WITHIN)
        rounds = load.rounds
        eventually(lambda: load.rounds > rounds + 20, WITHIN)
    # A token can be signed just before its key is withdrawn.
    refused = sum(load.reasons.get(said, 0) for said in ENDED)
    assert load.reasons.keys() <= {None, *ENDED} and refused <= len(clients), load.reasons
    assert [reason(verifier, client.token()) for client in clients] == [None] * len(clients)
