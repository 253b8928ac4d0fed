"""The core of FlowPilot: what a handoff is, who may make one and what follows from it.

It knows no database, no web framework and no mail server, and needs only attrs and cattrs. Import it to put FlowPilot into
a program of your own, with adapters of your own: `domain` has the rules, `application` the use cases, `ports` what they ask
of the world and `testing` the contracts that your adapters have to keep.
"""

__version__ = "0.1.0.dev0"
