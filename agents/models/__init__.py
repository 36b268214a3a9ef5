"""Chat backends, one a file, behind one small interface over LangChain chat models."""
