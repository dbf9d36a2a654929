"""The deployed issuer, as a client of it."""

import requests


class Issuer:
    """The issuer at `url`, and who asks it."""

    def __init__(self, url, client):
        self.url = url
        self.credentials = (client["client_id"], client["client_secret"])

    def post(self, path, **form):
        return requests.post(self.url + path, data=form, auth=self.credentials)

    def token(self, **form):
        response = self.post("/oauth2/token", grant_type="client_credentials", **form)
        assert response.status_code == 200, response.text
        return response.json()["access_token"]

    def is_active(self, token):
        response = self.post("/oauth2/introspect", token=token)
        assert response.status_code == 200, response.text
        return response.json()["active"]

    def key_ids(self):
        return [key["kid"] for key in requests.get(self.url + "/.well-known/jwks.json").json()["keys"]]


def new_client(tokensmith, stack, client_id):
    """A client of a stack that may get tokens and refresh them, as the command has answered."""
    return tokensmith(
        stack, "client", "create", "--id", client_id, "--scope", "read", "--default-scope", "read",
        "--grant", "client_credentials", "--grant", "refresh_token",
    )  # fmt: skip
