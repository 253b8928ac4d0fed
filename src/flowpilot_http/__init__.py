"""FlowPilot over HTTP and on the command line.

This ring says who is asking, how a request reads and which status answers; what is decided is decided in the core. Only
`main` chooses adapters.
"""
