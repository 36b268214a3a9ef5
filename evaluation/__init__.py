"""How good it is: figures with intervals, from runs; judges, people, comparison."""
