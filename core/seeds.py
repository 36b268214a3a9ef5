"""Seeds and hashes: everything random in a run is decided by where it happens."""

from hashlib import blake2b


def derive_seed(*parts: object) -> int:
    """A seed in 0 … 2^63-1 from e.g. (run seed, dialogue, turn, role, attempt)."""
    digest = blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def content_hash(content: bytes) -> str:
    """32 hexadecimal digits that name this content."""
    return blake2b(content, digest_size=16).hexdigest()
