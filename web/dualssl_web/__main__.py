"""`python -m dualssl_web` is `dualssl-web`."""

from dualssl_web.cli import main

main()
