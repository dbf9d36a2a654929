"""The rules of docs/secret-scanning find every credential that the issuer makes, wherever it stands, and nothing that only looks like one.

The credentials of the kinds that the issuer has no command for yet are made up here, in the form that docs/contract.md gives them."""

import base64
import json
import secrets
import string
import zlib

import pytest

from conftest import CLIENTS, GRANT_CLIENTS, tokensmith
from openapi import ROOT
from scanners import SCANNERS

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase

ALL_SCANNERS = pytest.mark.parametrize("scanner", SCANNERS, ids=lambda scanner: type(scanner).__name__)


def random_text(length):
    return "".join(secrets.choice(DIGITS) for _ in range(length))


def with_checksum(body):
    """Behind it the six base62 digits of its CRC-32."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, len(DIGITS))
        digits = DIGITS[digit] + digits
    return body + digits


def grant_credential(prefix):
    """Format 1 by the first HMAC key, in generation 0 or 1: what a new installation makes."""
    generation = 0 if prefix == "tksma_" else 1
    made = b"\x01" + (1).to_bytes(4) + secrets.token_bytes(32) + generation.to_bytes(4) + secrets.token_bytes(48)
    return with_checksum(prefix + base64.urlsafe_b64encode(made).decode().rstrip("="))


MAKERS = {
    "tksmc_": lambda: with_checksum(f"tksmc_{random_text(43)}"),
    "tksmk_": lambda: with_checksum(f"tksmk_{random_text(16)}_{random_text(43)}"),
    "tksmr_": lambda: grant_credential("tksmr_"),
    "tksma_": lambda: grant_credential("tksma_"),
    "tksmd_": lambda: with_checksum(f"tksmd_{random_text(43)}"),
}
ALL_PREFIXES = pytest.mark.parametrize("prefix", list(MAKERS))

# Where people leave them.
PLACES = [
    "{}",
    "{}\n",
    "{}\r\n",
    "TOKEN={}\nOTHER=1\n",
    'secret = "{}"\n',
    json.dumps({"key": "first line\n{}\nlast line"}),
    "curl -u billing:{} https://tokens.example/oauth2/token",
    "Authorization: Bearer {}",
    "https://billing:{}@api.example/",
    "grant_type=client_credentials&client_secret={}&scope=read",
    "client_secret%3D{}%26scope%3Dread",
    "export KEY_{};",
    "<value>{}</value>",
    "- name: KEY\n  value: {} # from the console\n",
    "é{}é",
]


@ALL_SCANNERS
@ALL_PREFIXES
@pytest.mark.parametrize("place", PLACES)
def test_a_credential_is_found_wherever_it_stands(scanner, prefix, place):
    credential = MAKERS[prefix]()
    assert list(scanner.findings(place.replace("{}", credential))) == [credential]


@ALL_SCANNERS
@ALL_PREFIXES
def test_of_many_credentials_each_is_found(scanner, prefix):
    made = [MAKERS[prefix]() for _ in range(200)]
    assert list(scanner.findings(",".join(made))) == made


@ALL_SCANNERS
def test_what_the_issuer_makes_is_found(scanner, new_grant):
    client = GRANT_CLIENTS["confidential"]
    refresh_token = new_grant(client)["refresh_token"]
    key = tokensmith("api-key", "create", "--client", client["client_id"], "--name", "leaked", "--scope", "read")["api_key"]
    for credential in [*(client["client_secret"] for client in CLIENTS), refresh_token, key]:
        assert list(scanner.findings(f"KEY={credential}\n")) == [credential]


def look_alikes(prefix):
    """What is none, by what is wrong with it."""
    credential = MAKERS[prefix]()
    body = credential.removeprefix(prefix)
    yield "the prefix", prefix
    yield "a character too few", credential[:-1]
    yield "a character too many", credential + "a"
    yield "one of another alphabet", prefix + body[:20] + "." + body[21:]
    yield "a space", prefix + body[:20] + " " + body[21:]
    yield "another prefix", prefix.replace("tksm", "tkns") + body
    yield "a prefix in capitals", prefix.upper() + body
    yield "without its underscore", prefix.rstrip("_") + body
    yield "cut in two lines", prefix + body[:30] + "\n" + body[30:]
    # As people write them in instructions.
    for filler in "xX0*":
        yield f"filled with {filler}", prefix + "".join("_" if letter == "_" else filler for letter in body)
    yield "in angle brackets", f"{prefix}<your credential>"
    yield "in braces", prefix + "${SECRET}"
    yield "an ellipsis", f"{prefix}…"
    yield "dots", f"{prefix}AQAAAAE..."


@ALL_SCANNERS
@ALL_PREFIXES
def test_what_only_looks_like_a_credential_is_not_found(scanner, prefix):
    for wrong, text in look_alikes(prefix):
        assert list(scanner.findings(f'KEY="{text}"\n')) == [], wrong


@ALL_SCANNERS
def test_a_client_secret_is_no_api_key_and_a_key_id_is_no_key(scanner):
    key = MAKERS["tksmk_"]()
    public_part = key[: len("tksmk_") + 16]
    for text in [public_part, f"{public_part}_", MAKERS["tksmc_"]().replace("tksmc_", "tksmk_")]:
        assert list(scanner.findings(text)) == []


@ALL_SCANNERS
def test_the_documentation_has_no_credential(scanner):
    """Whoever runs the rules on this repository finds nothing."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.*"), *(ROOT / "infra").glob("*.md")]:
        assert list(scanner.findings(page.read_text())) == [], page
