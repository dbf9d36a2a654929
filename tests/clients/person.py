"""Somebody with a browser that runs no scripts: it keeps cookies, follows redirects within the issuer, and sends forms as they are."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests


class Person:
    def __init__(self, user, issuer):
        self.user = user
        self.origin = urlsplit(issuer)[:2]
        self.browser = requests.Session()

    def visit(self, url, decision="allow"):
        """Goes where a client sends people: signs in if asked to, and decides about what the client wants. It ends with the URL that the
        browser would ask the client for."""
        steps = [{"user_name": self.user["user_name"], "password": self.user["password"]}, {"decision": decision}]
        return self._answer(url, steps)

    def enter(self, device, decision="allow"):
        """Enters the code that a device shows, and decides. It ends with the last page."""
        steps = [{"user_name": self.user["user_name"], "password": self.user["password"]}]
        steps += [{"user_code": device["user_code"]}, {"decision": decision}]
        return self._answer(device["verification_uri"], steps)

    def _answer(self, url, steps):
        page, url = self._open("GET", url)
        while page is not None:
            forms = Forms(page).found
            asked = [(form, step) for form in forms for step in steps if form.names.issuperset(step)]
            if not asked:
                return page
            form, step = asked[0]
            steps.remove(step)
            page, url = self._open("POST", urljoin(url, form.action), {**form.fields, **step})
        return url

    def _open(self, method, url, fields=None):
        """A page of the issuer and its URL, or no page and the URL elsewhere that it leads to."""
        while urlsplit(url)[:2] == self.origin:
            site = {"Sec-Fetch-Site": "same-origin" if fields else "cross-site"}
            answer = self.browser.request(method, url, data=fields, headers=site, allow_redirects=False)
            if "Location" not in answer.headers:
                return answer.text, url
            assert answer.status_code == 303, "RFC 9700 §4.12"
            method, url, fields = "GET", urljoin(url, answer.headers["Location"]), None
        return None, url


class Form:
    def __init__(self, action):
        self.action = action
        # What is filled in already, and the names of all that it can send.
        self.fields = {}
        self.names = set()


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.found.append(Form(attributes["action"]))
        elif tag in ("input", "button") and "name" in attributes:
            form = self.found[-1]
            form.names.add(attributes["name"])
            if tag == "input":
                form.fields[attributes["name"]] = attributes.get("value", "")
