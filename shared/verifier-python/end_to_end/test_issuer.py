"""A service with this package beside an issuer as it is deployed: what it is told of revocations and of new keys."""

import threading

from conftest import eventually, tokensmith

# The feed is renewed every 5 s, and a busy machine takes its time.
WITHIN = 12

# A withdrawn key is no longer published either, and whoever fetches the keys first does not know it any more.
ENDED = {"withdrawn_key", "unknown_key"}


def test_tokens_of_every_algorithm_are_verified(clients, both):
    for client in clients:
        for claims in both.verify(client.token()):
            assert claims.client_id == claims.subject == client.registered["client_id"]
            assert claims.scopes == ("read",)


def test_rfc8707_a_token_for_another_resource_is_refused(clients, both):
    token = clients[0].token(resource=clients[0].registered["other_audience"])
    assert both.reasons(token) == {"wrong_audience"}


def test_a_token_that_its_client_revokes_is_refused_within_the_interval(clients, both):
    revoked, other = clients[0].token(), clients[0].token()
    assert both.reasons(revoked) == {None}
    clients[0].revoke(revoked)
    eventually(lambda: both.reasons(revoked) == {"token_revoked"}, WITHIN)
    assert both.reasons(other) == {None}


class Load:
    """Threads that get tokens and have them verified, over and over."""

    def __init__(self, clients, both):
        self.said = []
        self._stopped = threading.Event()
        self._clients, self._both = clients, both
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
            self.said.append(self._both.reasons(client.token()))
            self._stopped.wait(0.02)


def test_keys_are_replaced_under_load_and_only_tokens_of_the_old_ones_are_refused(clients, both):
    old = [client.token() for client in clients]
    assert all(both.reasons(token) == {None} for token in old)
    with Load(clients, both) as load:
        eventually(lambda: len(load.said) > 20, WITHIN)
        tokensmith("key", "rotate", "--now", "--yes")
        eventually(lambda: all(both.reasons(token) <= ENDED for token in old), WITHIN)
        before = len(load.said)
        eventually(lambda: len(load.said) > before + 20, WITHIN)
    # A token can be signed just before its key is withdrawn: one for each thread.
    refused = [said for said in load.said if said != {None}]
    assert all(said <= {None, *ENDED} for said in refused) and len(refused) <= len(clients), refused
    assert all(both.reasons(client.token()) == {None} for client in clients)
