"""What the module consists of. Importing any of it makes the engine's package `dualssl` importable first."""

from DualSSLSegmentationLib.enginePath import addEngineToPath

addEngineToPath()
