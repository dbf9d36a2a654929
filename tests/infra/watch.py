"""Somebody who uses the issuer while it is deployed."""

import threading
from collections import Counter

import requests


class Watch:
    """Asks for tokens and for the key set until the end, and then knows whether each was answered."""

    def __init__(self, issuer):
        self.issuer, self.answers, self.stop = issuer, Counter(), threading.Event()
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        while not self.stop.is_set():
            token = self.issuer.post("/oauth2/token", grant_type="client_credentials")
            keys = requests.get(self.issuer.url + "/.well-known/jwks.json")
            self.answers[f"token {token.status_code}"] += 1
            self.answers[f"keys {keys.status_code}"] += 1
            self.stop.wait(0.05)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        assert set(self.answers) == {"token 200", "keys 200"}, self.answers
