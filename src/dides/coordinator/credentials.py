"""Credentials: made at random, shown once, kept as a hash."""

import hashlib
import hmac
import secrets


def new_credential() -> str:
    """Return a credential of 256 random bits, fit for an Authorization header."""
    return secrets.token_urlsafe(32)


def hash_of(credential: str) -> bytes:
    """Return what is stored of a credential. SHA-256 suffices, because a credential is random, not chosen."""
    return hashlib.sha256(credential.encode()).digest()


def same(one: bytes | None, other: bytes | None) -> bool:
    """Compare two hashes in constant time; nothing equals nothing."""
    return one is not None and other is not None and hmac.compare_digest(one, other)
