"""The worker: a process that computes for a front end, spoken to in JSON-RPC 2.0 over its standard streams.

`python -m dualssl.worker` is the process. `client` is its other end; `protocol` is what both speak. These two, `arrays` and
`tree` need no torch, so that a front end can import them where there is none.
"""
