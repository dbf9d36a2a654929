"""Somebody with a browser that runs no scripts, at an issuer on the emulator."""

import base64
import hashlib
import secrets
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests


class Forms(HTMLParser):
    """The forms of a page, as a browser would send them: where to, the fields, and the names of the buttons by their values."""

    def __init__(self, html):
        super().__init__()
        self.all = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.all.append({"action": given["action"], "fields": {}, "buttons": {}})
        elif tag == "input" and given.get("name"):
            self.all[-1]["fields"][given["name"]] = given.get("value", "")
        elif tag == "button" and self.all:
            self.all[-1]["buttons"][given.get("value")] = given.get("name")


class Person:
    """A browser and what it has been given. The emulator has no https, so that it keeps cookies itself."""

    def __init__(self, emulator, stack):
        self.api, self.issuer = emulator.api(stack["Api"]), stack["Issuer"]
        self.cookies = {}

    def open(self, target):
        """Follows a link: the page that the browser ends on, or the address elsewhere that it is sent to."""
        return self.follow("GET", target)

    def press(self, page, entered, button=None):
        """Sends the first form of a page that has this button."""
        form = next(form for form in Forms(page.text).all if button in form["buttons"] or button is None)
        pressed = {form["buttons"][button]: button} if button else {}
        return self.follow("POST", form["action"], {**form["fields"], **entered, **pressed})

    def follow(self, method, target, form=None):
        for _ in range(10):
            answer = self.request(method, target, form)
            if "Location" not in answer.headers:
                return answer
            # Never another, by which a form would be sent on (RFC 9700 §4.12).
            assert answer.status_code == 303, answer.status_code
            target, method, form = urljoin(self.issuer, answer.headers["Location"]), "GET", None
            if not target.startswith(self.issuer):
                return target
        raise AssertionError("too many redirects")

    def request(self, method, target, form):
        path = target.removeprefix(self.issuer)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "User-Agent": "a browser"}
        if method == "POST":
            headers["Sec-Fetch-Site"] = "same-origin"
        answer = requests.request(method, self.api + path, data=form, headers=headers, allow_redirects=False)
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            pair, *attributes = cookie.split("; ")
            name, _, value = pair.partition("=")
            # Only the host itself can have set it, by https.
            assert name.startswith("__Host-") and {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes), cookie
            self.cookies[name] = value
        return answer

    def sign_in(self, page, name, password):
        """Enters name and password on a page that asks for them."""
        return self.press(page, {"user_name": name, "password": password})


class App:
    """A public client that sends people to an issuer and gets them back."""

    def __init__(self, issuer, client_id, redirect_uri):
        self.issuer, self.client_id, self.redirect_uri = issuer, client_id, redirect_uri
        self.verifier, self.state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)

    def link(self, scope, **more):
        """Where it sends them (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **more,
        }
        return f"/oauth2/authorize?{urlencode(parameters)}"

    def code_in(self, address):
        """The code that it gets back, of this issuer and for this request (RFC 9207)."""
        assert address.startswith(self.redirect_uri + "?"), address
        answer = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (answer["state"], answer["iss"]) == (self.state, self.issuer), answer
        return answer["code"]

    def redeem(self, api, code):
        """What the token endpoint answers to the code."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return requests.post(api + "/oauth2/token", data=form)
