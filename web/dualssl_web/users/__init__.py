"""Several users of one computer: a server of its own for each."""
