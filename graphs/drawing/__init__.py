"""Drawing a graph offline: one layout on a grid, as text for a terminal or as a picture."""
