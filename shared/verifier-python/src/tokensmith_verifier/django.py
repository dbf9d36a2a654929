"""For Django: a decorator for views, and a middleware for all of them.

    protected = Protected(Verifier(...))

    @protected("orders:read")
    def orders(request): ...  # request.claims

    # In a module that MIDDLEWARE names, as "example.security.orders_are_protected":
    orders_are_protected = protected.middleware("orders:read")
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpResponse

from ._requests import Place, joined_values
from .blocking import Verifier
from .refusal import Refusal
from .scopes import RequiredScopes

P = ParamSpec("P")
View = Callable[Concatenate[Any, P], Any]


class Protected:
    """Makes decorators and middleware. `url` is what stands before the path in the URLs that callers know; it is needed for tokens that
    are bound to a key.
    """

    def __init__(self, verifier: Verifier, url: str | None = None) -> None:
        self._verifier = verifier
        self._place = Place(url)

    def __call__(self, scopes: str | RequiredScopes = "") -> Callable[[View[P]], View[P]]:
        """Requires a valid token with these scopes. Raises `InvalidScopes` when the text is no expression."""
        required = scopes if isinstance(scopes, RequiredScopes) else RequiredScopes(scopes)

        def decorated(view: View[P]) -> View[P]:
            @wraps(view)
            def guarded(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
                refused = self._refused(request, required)
                return view(request, *args, **kwargs) if refused is None else refused

            return guarded

        return decorated

    def middleware(self, scopes: str | RequiredScopes = "") -> Callable[[View[[]]], View[[]]]:
        """The same for every view, as Django's `MIDDLEWARE` takes it."""
        return self(scopes)

    def _refused(self, request: Any, required: RequiredScopes) -> HttpResponse | None:
        try:
            request.claims = self._verifier.authorize(
                joined_values(request.headers.get("Authorization")),
                joined_values(request.headers.get("DPoP")),
                request.method,
                self._place.url_of(request.path),
                required,
            )
        except Refusal as refusal:
            challenge = refusal.challenge()
            return HttpResponse(status=challenge.status, headers=dict(challenge.headers))
        return None
