from support import issuer, new

__all__ = ["issuer", "new"]
