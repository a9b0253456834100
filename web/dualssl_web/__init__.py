"""The front end in a browser. Importing any of it makes the module's library and the engine importable first."""

from dualssl_web.paths import add_library_to_path

add_library_to_path()
