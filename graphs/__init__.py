"""How roles are linked: one LangGraph graph a file, wiring only; drawing."""
