"""The same API in each framework, asked by that framework's own client: who gets in, and what the others are told."""

import asyncio
import json
import subprocess
import sys
import threading
from typing import Annotated
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django.conf
import flask
import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from support import API

import tokensmith_verifier.django
import tokensmith_verifier.fastapi
import tokensmith_verifier.flask
from tokensmith_verifier import AsyncVerifier, Claims, InvalidScopes, Verifier
from tokensmith_verifier.aws_lambda import lambda_handler
from tokensmith_verifier.starlette import BearerMiddleware
from tokensmith_verifier.testing import SigningKey, TestIssuer

ISSUER = TestIssuer()
SCOPES = "orders:read & (orders:write | admin)"


def verifier():
    return Verifier(ISSUER.url, API, dpop="optional", client=ISSUER.client(), clock=ISSUER.clock)


def asynchronous():
    return AsyncVerifier(ISSUER.url, API, dpop="optional", client=ISSUER.async_client(), clock=ISSUER.clock)


def fastapi_app():
    protected = tokensmith_verifier.fastapi.Protected(asynchronous(), url=API)
    app = FastAPI()

    @app.get("/orders/{name}")
    async def orders(name: str, claims: Annotated[Claims, Depends(protected(SCOPES))]) -> str:
        return claims.subject

    return app


def starlette_app():
    async def orders(request):
        return PlainTextResponse(json.dumps(request.state.claims.subject))

    app = Starlette(routes=[Mount("/orders", routes=[Route("/{name}", orders)]), WebSocketRoute("/live", None)])
    app.add_middleware(BearerMiddleware, verifier=asynchronous(), scopes=SCOPES, url=f"{API}/")
    return app


def flask_app():
    protected = tokensmith_verifier.flask.Protected(verifier(), url=API)
    app = flask.Flask(__name__)

    @app.get("/orders/<name>")
    @protected(SCOPES)
    def orders(name):
        return json.dumps(flask.g.claims.subject)

    return app


DJANGO = tokensmith_verifier.django.Protected(verifier(), url=API)


@DJANGO(SCOPES)
def orders(request, name):
    return HttpResponse(json.dumps(request.claims.subject))


urlpatterns = [path("orders/<name>", orders)]


def django_app():
    if not django.conf.settings.configured:
        django.conf.settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[])
        django.setup()
    return WSGIHandler()


class Asgi:
    def __init__(self, app):
        self.app = app

    def get(self, path, headers):
        async def asked():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://internal") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(asked())

    def close(self):
        pass


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Wsgi:
    """A real server, because a gateway of WSGI sees headers as a server hands them over."""

    def __init__(self, app):
        self.server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def get(self, path, headers):
        return httpx.get(f"http://127.0.0.1:{self.server.server_port}{path}", headers=headers, trust_env=False)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Lambda:
    """Invokes a function as API Gateway does."""

    def __init__(self, event):
        self.event = event

        @lambda_handler(verifier(), scopes=SCOPES, url=API)
        def handler(event, context, claims):
            return {"statusCode": 200, "body": json.dumps(claims.subject)}

        self.handler = handler

    def get(self, path, headers):
        answer = self.handler(self.event(path, headers), None)
        return httpx.Response(answer["statusCode"], headers=answer.get("headers"), text=answer["body"])

    def close(self):
        pass


def payload_2(path, headers):
    joined = {}
    for name, value in headers:
        joined[name.lower()] = ",".join(filter(None, (joined.get(name.lower()), value)))
    return {"version": "2.0", "rawPath": path, "headers": joined, "requestContext": {"http": {"method": "GET"}}}


def payload_1(path, headers):
    several = {}
    for name, value in headers:
        several.setdefault(name, []).append(value)
    last = {name: values[-1] for name, values in several.items()}
    return {"httpMethod": "GET", "path": path, "headers": last, "multiValueHeaders": several}


SERVICES = {
    "fastapi": lambda: Asgi(fastapi_app()),
    "starlette": lambda: Asgi(starlette_app()),
    "flask": lambda: Wsgi(flask_app()),
    "django": lambda: Wsgi(django_app()),
    "lambda payload 2.0": lambda: Lambda(payload_2),
    "lambda payload 1.0": lambda: Lambda(payload_1),
}


@pytest.fixture(scope="module", params=SERVICES)
def service(request):
    service = SERVICES[request.param]()
    yield service
    service.close()


def asked(service, *headers, path="/orders/a"):
    return service.get(path, list(headers))


def bearer(**claims):
    return ("Authorization", f"Bearer {ISSUER.token(**claims)}")


def test_a_token_with_the_scopes_gets_in(service):
    answer = asked(service, bearer(scope="orders:read admin"))
    assert (answer.status_code, answer.json()) == (200, "alice")


def test_rfc6750_3_without_a_token_there_is_a_challenge_without_an_error(service):
    answer = asked(service)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith(f'DPoP realm="{API}", algs="ES256')
    assert answer.headers["WWW-Authenticate"].endswith(f'", Bearer realm="{API}"')
    assert answer.headers["Cache-Control"] == "no-store"


def test_rfc6750_3_1_a_token_without_the_scopes_is_not_allowed(service):
    answer = asked(service, bearer(scope="orders:read"))
    assert answer.status_code == 403
    assert 'scope="orders:read orders:write"' in answer.headers["WWW-Authenticate"]


def test_rfc6750_3_1_a_repeated_header_is_no_request(service):
    token = bearer(scope="orders:read admin")
    answer = asked(service, token, token)
    assert (answer.status_code, 'error="invalid_request"' in answer.headers["WWW-Authenticate"]) == (400, True)


def test_a_revoked_token_is_refused(service):
    token = bearer(jti="gone", scope="orders:read admin")
    ISSUER.revoke_token("gone")
    ISSUER.clock.advance(5)
    answer = asked(service, token)
    assert (answer.status_code, "the token was revoked" in answer.headers["WWW-Authenticate"]) == (401, True)


def test_a_token_that_cannot_be_judged_is_503(service):
    token = bearer(scope="orders:read admin")
    asked(service, token)
    ISSUER.is_down = True
    try:
        ISSUER.clock.advance(200)
        answer = asked(service, token)
    finally:
        ISSUER.is_down = False
        ISSUER.clock.advance(5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("path", ["/orders/a", "/orders/%C3%A9%20b?x=1"])
def test_rfc9449_7_1_a_proof_is_for_the_url_that_callers_know_and_good_once(service, path):
    caller = SigningKey()
    token = ISSUER.bound_token(caller, scope="orders:read admin")
    proof = ISSUER.proof(caller, "GET", API + path.partition("?")[0], token)
    sent = [("Authorization", f"DPoP {token}"), ("DPoP", proof)]
    # In an event, the query is not in the path.
    path = path.partition("?")[0] if isinstance(service, Lambda) else path
    assert asked(service, *sent, path=path).status_code == 200
    again = asked(service, *sent, path=path)
    assert (again.status_code, "invalid_dpop_proof" in again.headers["WWW-Authenticate"]) == (401, True)
    inside = ISSUER.proof(caller, "GET", f"http://internal{path}", token)
    assert asked(service, sent[0], ("DPoP", inside), path=path).status_code == 401


def test_fastapi_shows_in_its_documentation_what_is_protected():
    schema = fastapi_app().openapi()
    assert schema["components"]["securitySchemes"]["tokensmith"]["scheme"] == "bearer"
    assert schema["paths"]["/orders/{name}"]["get"]["security"] == [{"tokensmith": []}]


def test_djangos_middleware_protects_every_view():
    protects = DJANGO.middleware(SCOPES)(lambda request: HttpResponse("in"))

    def asked(**headers):
        request = HttpRequest()
        request.method, request.path, request.META = "GET", "/", headers
        return protects(request)

    assert asked().status_code == 401
    assert asked(HTTP_AUTHORIZATION=bearer(scope="orders:read admin")[1]).content == b"in"


def test_starlettes_middleware_closes_a_websocket_without_a_token():
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/live", "headers": []}
    asyncio.run(starlette_app()(scope, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("made", [tokensmith_verifier.flask, tokensmith_verifier.django, tokensmith_verifier.fastapi])
def test_an_expression_that_is_none_is_noticed_at_the_start(made):
    with pytest.raises(InvalidScopes):
        made.Protected(verifier())("a b")


def test_no_framework_is_imported_unless_it_is_used():
    code = "import sys, tokensmith_verifier; print([m for m in ('fastapi', 'starlette', 'flask', 'django') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"})
    assert ran.stdout == "[]\n"
