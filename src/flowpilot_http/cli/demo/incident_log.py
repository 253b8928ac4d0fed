"""A small log of another system, with what its replay must come to."""

LOG = """\
case,time,who,team,status,title,client
INC-1,2026-03-02T08:00:00+01:00,Ann,Desk,In progress,Scanner finds no network,Lakeside Dental
INC-1,2026-03-02T08:10:00+01:00,Ann,Network,Queued,Scanner finds no network,Lakeside Dental
INC-1,2026-03-02T08:40:00+01:00,Bob,Network,In progress,Scanner finds no network,Lakeside Dental
INC-1,2026-03-02T09:00:00+01:00,Bob,Network,Done,Scanner finds no network,Lakeside Dental
INC-2,2026-03-02T08:05:00+01:00,Ann,Desk,In progress,Invoices print twice,Harbour Books
INC-2,2026-03-02T08:15:00+01:00,Ann,Network,Queued,Invoices print twice,Harbour Books
INC-2,2026-03-02T08:20:00+01:00,Ann,Printing,Queued,Invoices print twice,Harbour Books
INC-2,2026-03-02T09:15:00+01:00,Cleo,Printing,In progress,Invoices print twice,Harbour Books
INC-2,2026-03-02T09:20:00+01:00,Cleo,Printing,Waiting for part,Invoices print twice,Harbour Books
INC-2,2026-03-02T11:20:00+01:00,Cleo,Printing,In progress,Invoices print twice,Harbour Books
INC-2,2026-03-02T11:30:00+01:00,Cleo,Printing,Done,Invoices print twice,Harbour Books
INC-3,2026-03-02T09:05:00+01:00,Bob,Desk,In progress,Asked for a second mouse,Harbour Books
INC-3,2026-03-02T09:06:00+01:00,Bob,Desk,Cancelled,Asked for a second mouse,Harbour Books
"""

MAPPING = """\
log = "helpdesk"

[columns]
case = "case"
time = "time"
actor = "who"
team = "team"
title = "title"
client = "client"

[[rules]]
means = "queued"
when = { status = "Queued" }

[[rules]]
means = "working"
when = { status = "In progress" }

[[rules]]
means = "on_hold"
when = { status = { prefix = "Waiting" } }

[[rules]]
means = "done"
when = { status = "Done" }

[[rules]]
means = "cancelled"
when = { status = "Cancelled" }
"""

FIGURES = {
    "sessions": 3,
    "events": 13,
    "escalations": 2,
    "reroutes": 1,
    "claims": 2,
    "parks": 1,
    "resumed": 1,
    "resolved": 2,
    "abandoned": 1,
    "open_at_end": 0,
    "time_to_claim_median_s": 2700,
}
"""What the replay says, of what it says, counted by hand: claims after 30 and after 60 minutes."""
