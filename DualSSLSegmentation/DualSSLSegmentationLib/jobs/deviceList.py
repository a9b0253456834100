"""What the engine can compute on. It is asked once it runs anyway: nobody waits for an engine for the sake of a list."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from DualSSLSegmentationLib.callbacks import Callbacks

if TYPE_CHECKING:
    from dualssl.worker.client import WorkerClient, WorkerError

_log = logging.getLogger(__name__)


class DeviceList:
    """Of one engine.

    Attributes:
        listed: what the engine's `devices` answered; empty until it has.
        onChange: told nothing; `listed` is another then.
    """

    def __init__(self) -> None:
        self.listed: tuple[dict[str, Any], ...] = ()
        self.onChange = Callbacks()
        self._asked: WorkerClient | None = None

    def askOnce(self, client: WorkerClient) -> None:
        """Ask an engine that is at work, unless it was asked before."""
        if self._asked is client:
            return
        self._asked = client

        def told(answer: Any) -> None:
            if self._asked is client:
                self.listed = tuple(answer)
                self.onChange()

        def failed(error: WorkerError) -> None:
            _log.warning("The engine could not list its devices: %s", error.message)
            if self._asked is client:
                self._asked = None

        client.request("devices", {}, told, failed)

    def forget(self) -> None:
        """Another engine comes: it may have other devices."""
        self._asked = None
        if self.listed:
            self.listed = ()
            self.onChange()
