"""`python -m dualssl_web.users` is `dualssl-web-users`."""

from dualssl_web.users.cli import main

main()
