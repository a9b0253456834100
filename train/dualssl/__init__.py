"""DualSSL: two unlike networks, trained together semi-supervised, that say where they are unsure and where they disagree.

Importing the package is light: nothing here imports torch. `dualssl.geometry`, `labels`, `dataset`, `volumes`, `metrics`,
`review` and `model.manifest` stay free of it; `networks`, `terms`, `presets`, `training` and `prediction` need it.
"""

from dualssl.errors import DualSSLError
from dualssl.version import __version__

__all__ = ["DualSSLError", "__version__"]
