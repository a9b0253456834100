"""The parts of the page, one a file: what each pushes into the server's state, its widgets, and what they do."""
