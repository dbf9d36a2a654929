"""For FastAPI: a dependency that requires a valid access token, and shows in the API's own documentation that it does.

    protected = Protected(AsyncVerifier(...))

    @app.get("/orders")
    async def orders(claims: Annotated[Claims, Depends(protected("orders:read"))]) -> ...:
"""

from __future__ import annotations

from fastapi import HTTPException, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from ._requests import Place
from .asynchronous import AsyncVerifier
from .claims import Claims
from .refusal import Refusal
from .scopes import RequiredScopes
from .starlette import authorized


class Protected:
    """Makes dependencies. `url` is what stands before the path in the URLs that callers know; it is needed for tokens that are bound to a
    key.
    """

    def __init__(self, verifier: AsyncVerifier, url: str | None = None) -> None:
        self._verifier = verifier
        self._place = Place(url)

    def __call__(self, scopes: str | RequiredScopes = "") -> Required:
        """Requires a valid token with these scopes. Raises `InvalidScopes` when the text is no expression."""
        required = scopes if isinstance(scopes, RequiredScopes) else RequiredScopes(scopes)
        return Required(self._verifier, self._place, required)


class Required(SecurityBase):
    """A dependency: the claims of the request's token, or the answer that refuses it."""

    def __init__(self, verifier: AsyncVerifier, place: Place, required: RequiredScopes) -> None:
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = "tokensmith"
        self._verifier = verifier
        self._place = place
        self._required = required

    async def __call__(self, request: Request) -> Claims:
        try:
            return await authorized(self._verifier, self._place, request, self._required)
        except Refusal as refusal:
            challenge = refusal.challenge()
            raise HTTPException(challenge.status, headers=dict(challenge.headers)) from None
