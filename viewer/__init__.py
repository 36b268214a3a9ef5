"""Seeing: the debugger, the arena, the report; local pages."""
