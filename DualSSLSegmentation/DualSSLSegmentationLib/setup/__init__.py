"""The engine's Python: what it needs, what is there, installing and removing it, and diagnostics."""
