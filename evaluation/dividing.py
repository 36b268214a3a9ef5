"""Division that knows nothing where there is nothing to divide by."""

import numpy as np


def over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, shapes that fit each other; NaN where `below` is not above zero."""
    nothing = np.full(np.broadcast_shapes(np.shape(above), np.shape(below)), np.nan)
    return np.asarray(np.divide(above, below, out=nothing, where=np.asarray(below) > 0))
