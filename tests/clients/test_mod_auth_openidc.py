"""Apache with Debian's mod_auth_openidc signs people in and out: OpenID Connect Core 1.0 §3.1 and RP-Initiated Logout 1.0 §2."""

import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from conftest import ISSUER

MODULES = "/usr/lib/apache2/modules"

CONFIG = """
ServerRoot {directory}
ServerName {url}
Listen {listen}
PidFile {directory}/pid
ErrorLog {directory}/log
# A person may take longer than it keeps a connection.
KeepAlive Off
# Only the superuser needs these: an ordinary one stays who it is.
User nobody
Group nogroup
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
DocumentRoot {directory}/pages

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCProviderTokenEndpointAuth {method}
OIDCRedirectURI {url}/callback
OIDCPKCEMethod S256
OIDCScope "openid profile email"
OIDCRemoteUserClaim sub
OIDCCryptoPassphrase one-that-only-this-test-has
<Location />
    AuthType openid-connect
    Require valid-user
    Header set X-Subject "expr=%{{REMOTE_USER}}"
    Header set X-Name "%{{OIDC_CLAIM_name}}e"
</Location>
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def site(request, new_app):
    """The URL of a site that only people who have signed in may read."""
    listen = f"127.0.0.1:{free_port()}"
    url = f"http://{listen}"
    app = new_app("--redirect-uri", "http://127.0.0.1/callback", "--post-logout-redirect-uri", f"{url}/")
    with tempfile.TemporaryDirectory() as directory:
        pages = Path(directory, "pages")
        pages.mkdir()
        pages.joinpath("index.html").write_text("for those who have signed in")
        Path(directory).chmod(0o755)
        told = {"directory": directory, "url": url, "listen": listen, "modules": MODULES, "issuer": ISSUER}
        told |= {name: app[name] for name in ("client_id", "client_secret")} | {"method": request.param}
        config = Path(directory, "config")
        config.write_text(CONFIG.format_map(told))
        apache = subprocess.Popen(["/usr/sbin/apache2", "-f", config, "-D", "FOREGROUND"])
        assert wait(apache, url), Path(directory, "log").read_text()
        yield url
        apache.terminate()
        apache.wait()


def wait(apache, url):
    """Whether the site listens, as soon as it does."""
    while apache.poll() is None:
        try:
            requests.get(url, allow_redirects=False)
        except requests.ConnectionError:
            continue
        return True
    return False


def test_oidc_core_3_1_a_person_signs_in_and_out(site, person, user):
    browser = requests.Session()
    sent = browser.get(site, allow_redirects=False).headers["Location"]
    asked = parse_qs(urlsplit(sent).query)
    assert (asked["code_challenge_method"], len(asked["nonce"])) == (["S256"], 1)
    page = browser.get(person.visit(sent))
    assert (page.status_code, page.text) == (200, "for those who have signed in")
    assert (page.headers["X-Subject"], page.headers["X-Name"]) == (user["subject"], "Ada Lovelace")

    logout = f"{site}/callback?{urlencode({'logout': f'{site}/'})}"
    sent = browser.get(logout, allow_redirects=False).headers["Location"]
    assert sent.startswith(f"{ISSUER}/oauth2/logout?")
    assert person.visit(sent) == f"{site}/"
    assert browser.get(site, allow_redirects=False).status_code == 302


def assert_outside(answer):
    assert "X-Subject" not in answer.headers
    assert "for those who" not in answer.text


def test_rfc6749_4_1_2_1_a_person_refuses(site, person):
    browser = requests.Session()
    sent = browser.get(site, allow_redirects=False).headers["Location"]
    # In an answer without a code, this version takes `iss` (RFC 9207 §2) for a login that somebody else begins, and
    # explains that instead of the error.
    assert_outside(browser.get(person.visit(sent, "deny"), allow_redirects=False))
    assert_outside(browser.get(site, allow_redirects=False))


def test_rfc6749_10_12_only_the_browser_that_asked_gets_in(site, person):
    sent = requests.get(site, allow_redirects=False).headers["Location"]
    other = requests.Session()
    assert_outside(other.get(person.visit(sent), allow_redirects=False))
    assert_outside(other.get(site, allow_redirects=False))
