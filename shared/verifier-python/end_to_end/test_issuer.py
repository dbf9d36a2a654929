"""A service with this package beside an issuer as it is deployed. What becomes of tokens and keys, all verifiers are asked together, by
tests/clients/verifiers.test.mjs.
"""


def test_tokens_of_every_algorithm_are_verified(clients, both):
    for client in clients:
        for claims in both.verify(client.token()):
            assert claims.client_id == claims.subject == client.registered["client_id"]
            assert claims.scopes == ("read",)


def test_rfc8707_a_token_for_another_resource_is_refused(clients, both):
    token = clients[0].token(resource=clients[0].registered["other_audience"])
    assert both.reasons(token) == {"wrong_audience"}
