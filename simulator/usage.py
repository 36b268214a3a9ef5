"""What calls amount to, by role and model."""

from collections.abc import Iterable
from typing import NamedTuple


class Usage(NamedTuple):
    """What the calls of one role to one model amount to."""

    role: str
    model: str
    calls: int
    failed: int
    prompt_tokens: int | None
    """None where no answer counted them, as with the others."""
    completion_tokens: int | None
    cached_tokens: int | None
    """Prompt tokens that the server says its prefix cache served."""

    def plus(self, other: "Usage") -> "Usage":
        """The sum of two rows of the same role and model."""
        sums = (_sum(a, b) for a, b in zip(self[2:], other[2:], strict=True))
        return Usage(self.role, self.model, *sums)  # type: ignore[arg-type]  # counts are counts


def _sum(a: int | None, b: int | None) -> int | None:
    return a if b is None else b if a is None else a + b


def together(rows: Iterable[Usage]) -> list[Usage]:
    """The rows with those of one role and model added up, sorted."""
    found: dict[tuple[str, str], Usage] = {}
    for row in rows:
        key = row.role, row.model
        found[key] = row.plus(found[key]) if key in found else row
    return [found[key] for key in sorted(found)]
