"""For Starlette, and what FastAPI builds on: a middleware that lets in only requests with a valid access token.

    app.add_middleware(BearerMiddleware, verifier=verifier, scopes="orders:read")

A handler finds the claims in `request.state.claims`. CORS preflight requests have no token, so a middleware that answers them must be
outside of this one.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ._requests import Place
from .asynchronous import AsyncVerifier
from .claims import Claims
from .refusal import Refusal
from .scopes import RequiredScopes


async def authorized(
    verifier: AsyncVerifier, place: Place, connection: HTTPConnection, scopes: str | RequiredScopes
) -> Claims:
    """The claims of the request's token. Raises `Refusal`."""
    scope = connection.scope
    # As it was sent: the decoded path no longer says what was escaped.
    raw: bytes | None = scope.get("raw_path")
    path = scope["path"] if raw is None else raw.decode("latin-1").partition("?")[0]
    headers = connection.headers
    return await verifier.authorize(
        headers.getlist("authorization"),
        headers.getlist("dpop"),
        scope.get("method", "GET"),
        place.url_of(path, is_quoted=raw is not None),
        scopes,
    )


class BearerMiddleware:
    """`url` is what stands before the path in the URLs that callers know; it is needed for tokens that are bound to a key."""

    def __init__(
        self, app: ASGIApp, verifier: AsyncVerifier, scopes: str | RequiredScopes = "", url: str | None = None
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._scopes = scopes if isinstance(scopes, RequiredScopes) else RequiredScopes(scopes)
        self._place = Place(url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            claims = await authorized(self._verifier, self._place, HTTPConnection(scope), self._scopes)
        except Refusal as refusal:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            challenge = refusal.challenge()
            await Response(status_code=challenge.status, headers=challenge.headers)(scope, receive, send)
            return
        scope.setdefault("state", {})["claims"] = claims
        await self._app(scope, receive, send)
