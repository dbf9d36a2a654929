"""For Flask: a decorator for views.

    protected = Protected(Verifier(...))

    @app.get("/orders")
    @protected("orders:read")
    def orders(): ...  # g.claims
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, Union, cast

from flask import Response, current_app, g, request

from ._requests import Place, joined_values
from .blocking import Verifier
from .refusal import Refusal
from .scopes import RequiredScopes

P = ParamSpec("P")
R = TypeVar("R")


class Protected:
    """Makes decorators. `url` is what stands before the path in the URLs that callers know; it is needed for tokens that are bound to a
    key.
    """

    def __init__(self, verifier: Verifier, url: str | None = None) -> None:
        self._verifier = verifier
        self._place = Place(url)

    def __call__(self, scopes: str | RequiredScopes = "") -> Callable[[Callable[P, R]], Callable[P, Union[R, Response]]]:
        """Requires a valid token with these scopes. Raises `InvalidScopes` when the text is no expression."""
        required = scopes if isinstance(scopes, RequiredScopes) else RequiredScopes(scopes)

        def decorated(view: Callable[P, R]) -> Callable[P, Union[R, Response]]:
            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> Union[R, Response]:
                try:
                    self._authorize(required)
                except Refusal as refusal:
                    challenge = refusal.challenge()
                    return Response(status=challenge.status, headers=dict(challenge.headers))
                return cast(R, current_app.ensure_sync(view)(*args, **kwargs))

            return guarded

        return decorated

    def _authorize(self, required: RequiredScopes) -> None:
        headers = request.headers
        g.claims = self._verifier.authorize(
            joined_values(headers.get("Authorization")),
            joined_values(headers.get("DPoP")),
            request.method,
            self._place.url_of(request.script_root + request.path),
            required,
        )
