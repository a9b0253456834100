"""The worker process: `python -m dualssl.worker [--log FILE]`. Speaks the protocol on its standard streams."""

from dualssl.worker.process import end_surely, lead_group, leave, log_to, read_some, take_streams, write_all

# Before anything else is imported: whatever a library prints when it is imported must not get among the answers.
_READ_FROM, _WRITE_TO = take_streams()

import argparse  # noqa: E402
import logging  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from pathlib import Path  # noqa: E402

from dualssl.allocator import keep_freed_memory  # noqa: E402
from dualssl.worker.jobs import METHODS  # noqa: E402
from dualssl.worker.outbox import Outbox  # noqa: E402
from dualssl.worker.server import Server  # noqa: E402


class _ToClient(logging.Handler):
    """Tells the client what a person who looks at its log should read."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__(logging.WARNING)
        self._outbox = outbox

    def emit(self, record: logging.LogRecord) -> None:
        self._outbox.log(record.levelname.lower(), record.getMessage())


def main() -> None:
    """Serve until the client leaves."""
    parser = argparse.ArgumentParser(prog="python -m dualssl.worker", description="The engine of a front end.")
    parser.add_argument("--log", type=Path, help="file for the log; without it, stderr")
    log = parser.parse_args().log
    lead_group()
    if log is not None:
        try:
            log_to(log.absolute())
        except OSError as error:
            sys.stderr.write(f"{log} cannot be written ({error.strerror}); the log goes to stderr.\n")
            log = None
    # The client decides when to stop, not whoever presses Ctrl+C in the terminal that the client was started from.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()

    def end() -> None:
        end_surely()
        server.stop()
        leave()

    server = Server(lambda: read_some(_READ_FROM), lambda data: write_all(_WRITE_TO, data), end, METHODS, log)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.captureWarnings(True)
    logging.getLogger("dualssl").addHandler(_ToClient(server.outbox))

    def serve() -> None:
        try:
            server.serve()
        finally:
            end()

    threading.Thread(target=serve, name="requests", daemon=True).start()
    threading.Thread(target=server.files.work, name="files", daemon=True).start()
    # In the main thread, whose stack is the largest on every system.
    server.compute.work()
    # Where the others end the process.
    threading.Event().wait()


main()
