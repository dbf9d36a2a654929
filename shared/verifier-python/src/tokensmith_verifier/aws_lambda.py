"""For AWS Lambda behind API Gateway (payload 1.0 and 2.0) or a function URL: a decorator that answers refused requests itself.

    @lambda_handler(Verifier(...), scopes="orders:read")
    def handler(event, context, claims): ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ._requests import Place
from .blocking import Verifier
from .claims import Claims
from .refusal import Refusal
from .scopes import RequiredScopes

Event = Mapping[str, Any]
Handler = Callable[[Event, Any, Claims], Any]


def lambda_handler(
    verifier: Verifier, scopes: str | RequiredScopes = "", url: str | None = None
) -> Callable[[Handler], Callable[[Event, Any], Any]]:
    """`url` is what stands before the path in the URLs that callers know; it is needed for tokens that are bound to a key. Raises
    `InvalidScopes` when the text is no expression.
    """
    required = scopes if isinstance(scopes, RequiredScopes) else RequiredScopes(scopes)
    place = Place(url)

    def decorated(handler: Handler) -> Callable[[Event, Any], Any]:
        @wraps(handler)
        def guarded(event: Event, context: Any) -> Any:
            method, path = _method_and_path(event)
            target = place.url_of(path, is_quoted=True)
            authorization, proofs = _values(event, "authorization"), _values(event, "dpop")
            try:
                claims = verifier.authorize(authorization, proofs, method, target, required)
            except Refusal as refusal:
                challenge = refusal.challenge()
                return {"statusCode": challenge.status, "headers": dict(challenge.headers), "body": ""}
            return handler(event, context, claims)

        return guarded

    return decorated


def _method_and_path(event: Event) -> tuple[str, str]:
    """As callers wrote them, stage and base path included."""
    context = event.get("requestContext") or {}
    http = context.get("http")
    if http is not None:
        return str(http["method"]), str(event["rawPath"])
    return str(event["httpMethod"]), str(context.get("path") or event["path"])


def _values(event: Event, wanted: str) -> list[str]:
    """The values of all headers of this name. Payload 1.0 lists them; 2.0 has joined them."""
    several = event.get("multiValueHeaders") or {}
    values = [value for name, all_of in several.items() if name.lower() == wanted for value in all_of or ()]
    if values:
        return values
    return [value for name, value in (event.get("headers") or {}).items() if name.lower() == wanted]
