"""Agents with the Python SDK of the Model Context Protocol use an MCP server for a person, and for themselves."""

import asyncio
import socket
import threading
from urllib.parse import parse_qsl, urlsplit

import httpx2
import jwt
import pytest
import uvicorn
from conftest import ISSUER, REDIRECT_URI, new_key, tokensmith
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata


class Verifier:
    """Looks at tokens as the server is told to."""

    def __init__(self, metadata, audience):
        self.keys = jwt.PyJWKClient(metadata["jwks_uri"])
        self.audience = audience

    async def verify_token(self, token):
        try:
            key = self.keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, ["ES256"], audience=self.audience, issuer=ISSUER)
        except jwt.PyJWTError:
            return None
        scopes = claims["scope"].split()
        return AccessToken(token=token, client_id=claims["client_id"], scopes=scopes, subject=claims["sub"])


@pytest.fixture
def server(metadata):
    """The URL of an MCP server, which is a resource of the issuer. Its tool says who calls."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    tokensmith("resource", "create", url, "--scope", "tools=Use the tools")
    auth = AuthSettings(
        issuer_url=ISSUER,
        resource_server_url=url,
        required_scopes=["tools"],
        # The verifier looks at it.
        validate_token_resource=False,
    )
    mcp = MCPServer("a test", token_verifier=Verifier(metadata, url), auth=auth)

    @mcp.tool()
    def whoami() -> str:
        return get_access_token().subject

    app = mcp.streamable_http_app(json_response=True, stateless_http=True)
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield url
    running.should_exit = True
    thread.join()


class Kept:
    """What an agent keeps."""

    def __init__(self, client=None):
        self.client, self.tokens = client, None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def who_am_i(url, agent):
    """Whom the server takes the agent for."""

    async def ask():
        async with httpx2.AsyncClient(auth=agent) as http:
            async with Client(streamable_http_client(url, http_client=http)) as client:
                return (await client.call_tool("whoami", {})).content[0].text

    return asyncio.run(ask())


def agent_of(app, url, kept, person):
    """An agent that a person has to sign in with."""
    back = {}

    async def redirect(url):
        reached = await asyncio.to_thread(person.visit, url)
        back.update(parse_qsl(urlsplit(reached).query))

    async def answer():
        return AuthorizationCodeResult(code=back["code"], state=back["state"], iss=back["iss"])

    registered = OAuthClientMetadata(redirect_uris=[REDIRECT_URI])
    return OAuthClientProvider(url, registered, kept, redirect, answer)


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_mcp_an_agent_acts_for_a_person(method, server, new_app, person, user):
    public = ["--public"] if method == "none" else []
    app = new_app("--allow", f"{server}=tools", *public)
    kept = Kept(
        OAuthClientInformationFull(
            client_id=app["client_id"],
            client_secret=app.get("client_secret"),
            redirect_uris=[REDIRECT_URI],
            token_endpoint_auth_method=method,
            issuer=ISSUER,
        )
    )
    agent = agent_of(app, server, kept, person)
    assert who_am_i(server, agent) == user["subject"]
    # Without time left, the next call refreshes.
    first = kept.tokens.refresh_token
    agent.context.token_expiry_time = 1
    assert who_am_i(server, agent) == user["subject"]
    assert kept.tokens.refresh_token != first


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_mcp_client_credentials_an_agent_with_a_secret_acts_for_itself(method, server, new_app):
    app = new_app("--grant", "client_credentials", "--allow", f"{server}=tools")
    agent = ClientCredentialsOAuthProvider(
        server, Kept(), app["client_id"], app["client_secret"], method, issuer=ISSUER
    )
    assert who_am_i(server, agent) == app["client_id"]


def test_mcp_client_credentials_an_agent_with_a_key_acts_for_itself(server, new_key_client):
    key = new_key("ES256")
    app = new_key_client(key, "issuer", "--allow", f"{server}=tools")
    signed = SignedJWTParameters(
        issuer=app["client_id"],
        subject=app["client_id"],
        signing_key=key.as_pem(private=True).decode(),
        signing_algorithm="ES256",
    )
    agent = PrivateKeyJWTOAuthProvider(
        server, Kept(), app["client_id"], signed.create_assertion_provider(), issuer=ISSUER
    )
    assert who_am_i(server, agent) == app["client_id"]
