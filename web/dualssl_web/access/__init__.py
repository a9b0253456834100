"""Who may use a server: its token or password, the pages that may speak to it, and the files that it reads."""
