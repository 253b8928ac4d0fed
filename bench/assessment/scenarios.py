"""What goes wrong at an MSP's clients: each cause with what engineers see of it, and what they try in vain.

The tuning half may be looked at while rules and prompts are changed; the test half has other causes and other words, and is only scored.
"""

from typing import Final

from attrs import frozen


@frozen
class Lure:
    """A remedy for something else that did not help, after which it still looked like that."""

    content: str
    seen: str
    cause: str
    """A pattern that only what it looks like meets."""


@frozen
class Scenario:
    """One cause."""

    area: str
    cause: str
    """A pattern that a named cause must meet to be this one."""
    titles: tuple[str, ...]
    clues: tuple[tuple[str, str], ...]
    """Steps that show it: what was done, and what was seen."""
    in_vain: tuple[str, ...]
    """What was tried and did not help."""
    ruled_out: tuple[str, str, str]
    """Another hypothesis: its name, the check, and why it is a dead end."""
    lure: Lure | None = None
    supposed: tuple[str, str] = ("Something else", "it is the Something else")
    """The hypothesis that nobody has tested: its name, and what it says."""


TUNING: Final = (
    Scenario(
        "network",
        r"dhcp",
        ("No network on the second floor", "New laptops get no connection"),
        (
            ("Looked at the address of a client", "IPv4 169.254.18.7, subnet 255.255.0.0"),
            ("Read the scope on the server", "10.20.2.0: 0 addresses free, scope 100 % in use"),
        ),
        ("Restarted the switch", "Replaced the patch cable"),
        ("Cable", "Swapped the cable of two desks", "the link is up at 1 Gbit/s with either"),
    ),
    Scenario(
        "network",
        r"dns",
        ("Intranet does not open", "Nobody reaches the booking site"),
        (
            ("Looked the name up", "*** dc02 can't find intranet.contoso.local: Non-existent domain"),
            ("Opened it by address", "works by 10.0.4.12"),
        ),
        ("Cleared the browser cache", "Restarted a client"),
        ("Web server", "Opened the site on the server itself", "it answers at once there"),
    ),
    Scenario(
        "network",
        r"vpn|tunnel|pre-?shared",
        ("Branch office offline since the new firewall", "Site to site connection down"),
        (("Read the log of the firewall", "IKE phase 1: NO_PROPOSAL_CHOSEN from 203.0.113.9"),),
        ("Restarted both firewalls",),
        ("Line", "Pinged the branch's public address", "answers without loss"),
    ),
    Scenario(
        "mail",
        r"spf|dkim|dmarc|sending address",
        ("Invoices bounce", "Customers get no quotes"),
        (
            ("Read a bounce", "550 5.7.26 This mail has been blocked because the sender is unauthenticated. SPF: fail"),
            ("Read the TXT record", "v=spf1 include:oldhost.example -all"),
        ),
        ("Sent it again from the web client",),
        ("Mailbox size", "Looked at the quota", "2 of 50 GB used"),
    ),
    Scenario(
        "mail",
        r"mailbox.*full|quota",
        ("Someone gets no mail any more",),
        (("Traced a message", "STOREDRV.Deliver; recipient quota exceeded 5.2.2"),),
        ("Made a new profile",),
        ("Rule", "Listed the inbox rules", "there are none"),
    ),
    Scenario(
        "mail",
        r"profile|cache",
        ("Outlook hangs when it opens",),
        (
            ("Started Outlook in safe mode", "hangs at loading profile, event 1000"),
            ("Opened the mailbox in the browser", "fast and complete"),
            ("Looked at the local files", "OST 48 GB, scanpst: errors found, file is corrupt"),
        ),
        ("Repaired Office",),
        ("Server", "Read the service health", "everything healthy"),
    ),
    Scenario(
        "identity",
        r"lock",
        ("User thrown out of everything every ten minutes",),
        (("Read the security log of the DC", "Event 4740: account locked out, caller computer: IPHONE-DK"),),
        ("Reset the password", "Restarted the laptop"),
        ("Keyboard", "Typed the password in clear", "it is right"),
    ),
    Scenario(
        "identity",
        r"conditional access|policy blocks",
        ("Cannot sign in from home", "Sign-in refused on the new tablet"),
        (("Signed in and read the error", "AADSTS53003: Access has been blocked by Conditional Access policies"),),
        ("Cleared cookies",),
        ("Password", "Signed in at the office", "works with the same password"),
    ),
    Scenario(
        "identity",
        r"time|clock|kerberos",
        ("File server refuses one workstation",),
        (("Read the system log", "KRB_AP_ERR_SKEW from dc01"), ("Compared the clocks", "workstation is 11 minutes ahead")),
        ("Joined the domain again",),
        ("Permissions", "Opened the share from another machine", "works for the same user"),
    ),
    Scenario(
        "printing",
        r"spooler",
        ("Nothing prints on the print server",),
        (
            ("Looked at the services", "Print Spooler stopped, event 7031: spoolsv terminated unexpectedly"),
            ("Looked at the queue", "42 jobs stuck in the queue"),
        ),
        ("Restarted the printer",),
        ("Printer", "Printed from the printer's menu", "a clean page"),
    ),
    Scenario(
        "printing",
        r"driver",
        ("Labels come out as strange characters",),
        (
            ("Printed a test page", "garbled, pages of %-12345X@PJL"),
            ("Compared the queues", "this one uses PCL 6, the working one PostScript"),
        ),
        ("Replaced the USB cable",),
        ("Toner", "Looked at the supplies", "80 % left"),
    ),
    Scenario(
        "backup",
        r"target.*full|full",
        ("Backup fails since Friday",),
        (("Read the job log", "There is not enough space on the disk. Volume Z: 12 GB free"),),
        ("Started the job again",),
        ("Network", "Copied a file to the repository", "110 MB/s"),
    ),
    Scenario(
        "backup",
        r"vss|snapshot",
        ("Nightly backup of the mail server fails",),
        (
            ("Listed the writers", "Microsoft Exchange Writer: state 9 Failed, last error: Timed out"),
            ("Read the job log", "VSS_E_WRITERERROR_TIMEOUT 0x800423f2"),
        ),
        ("Restarted the backup service",),
        ("Space", "Looked at the target", "4 TB free"),
    ),
    Scenario(
        "line of business",
        r"log.*full|transaction log",
        ("ERP will not save orders",),
        (("Saved an order and read the error", "Error 9002: the transaction log for database ERP is full due to LOG_BACKUP"),),
        ("Restarted the client",),
        ("Licence", "Read the licence page", "valid, 12 of 40 used"),
    ),
    Scenario(
        "line of business",
        r"version|updated",
        ("Time tracking crashes on start",),
        (
            ("Started it and read the message", "Could not load file or assembly Core, version 7.2.0.0 required"),
            ("Asked what changed", "client updated last night, server still 7.1: version mismatch"),
        ),
        ("Reinstalled the client",),
        ("Database", "Connected with the admin tool", "works"),
    ),
    Scenario(
        "printing",
        r"vlan",
        ("Printing fails on floor 3", "Nobody on the third floor can print"),
        (),
        ("Restarted two PCs",),
        ("driver", "Printed with the generic driver", "goes nowhere either"),
        Lure("Restarted the print spooler on SRV-PRINT1", "Event 372: the document failed to print", r"spooler"),
        ("network", "The printers moved to another VLAN"),
    ),
    Scenario(
        "mail",
        r"\bmx\b|old system",
        ("No mail from outside since the move",),
        (("Looked the record up", "MX record still points to mail.oldhost.example"),),
        (),
        ("Quota", "Looked at the quota", "3 of 50 GB used"),
        Lure("Made a new mail profile", "Outlook says 0x8004010f again", r"profile"),
    ),
    Scenario(
        "identity",
        r"permissions",
        ("One department cannot open the plans",),
        (("Compared with a colleague", "access is denied for her, with the same machine it works for him"),),
        (),
        ("Machine", "Opened it as somebody else on her machine", "opens at once"),
        Lure("Reset her password", "Event 4625 at the next sign-in", r"password"),
    ),
)

TEST: Final = (
    Scenario(
        "network",
        r"duplicate|conflict",
        ("Till 4 drops off the network every few minutes", "Card reader goes offline again and again"),
        (
            (
                "Read the event log of the till",
                "The system detected an address conflict for IP address 192.168.7.40 with hardware address B8-27-EB",
            ),
            ("Unplugged it and pinged its address", "192.168.7.40 still answers"),
        ),
        ("Gave it another network port",),
        ("Power", "Put it on another socket", "the same"),
    ),
    Scenario(
        "network",
        r"cable|port|optic",
        ("Warehouse scanners are slow", "Copying to the NAS crawls"),
        (("Read the counters of the uplink", "Gi1/0/24: 18332 CRC errors, 911 runts, rising"),),
        ("Restarted the access points",),
        ("Server load", "Looked at the task manager", "idle"),
    ),
    Scenario(
        "network",
        r"firewall|routing|block",
        ("Remote support tool does not connect any more",),
        (
            ("Tried the port", "Test-NetConnection relay.example 5938: TcpTestSucceeded False"),
            ("Read the firewall's log", "deny tcp 10.1.1.40 to 198.51.100.7:5938 rule geo-block"),
        ),
        ("Reinstalled the tool",),
        ("Name", "Resolved the relay", "right address from both resolvers"),
    ),
    Scenario(
        "network",
        r"mtu|fragment",
        ("Some web pages hang over the new line",),
        (("Pinged with large packets", "Packet needs to be fragmented but DF set, largest that passes 1392"),),
        ("Changed the browser",),
        ("Proxy", "Went without the proxy", "the same pages hang"),
    ),
    Scenario(
        "mail",
        r"block ?list|listed",
        ("Mail to one customer comes back", "All mail to the bank is refused"),
        (("Read the refusal", "554 Service unavailable; Client host [198.51.100.23] blocked using zen.spamhaus.org"),),
        ("Sent it as plain text",),
        ("Attachment", "Sent a mail without one", "refused as well"),
    ),
    Scenario(
        "mail",
        r"rule",
        ("Orders never reach the sales inbox",),
        (
            ("Traced a message", "Delivered, then moved to RSS Feeds by inbox rule 'x'"),
            ("Listed the rules", "rule x: from any, move to RSS Feeds, made yesterday from 45.9.x.x"),
        ),
        ("Rebuilt the search index",),
        ("Spam filter", "Looked in quarantine", "empty"),
    ),
    Scenario(
        "mail",
        r"certificate",
        ("Scan to mail stopped",),
        (("Read the scanner's log", "TLS handshake failed: certificate has expired"),),
        ("Typed the password again",),
        ("Relay", "Sent by telnet on port 25", "accepted"),
    ),
    Scenario(
        "identity",
        r"second factor|mfa|authenticator",
        ("Manager locked out after buying a new phone",),
        (
            ("Read the sign-in log", "AADSTS500121: Authentication failed during strong authentication request"),
            ("Asked which method is registered", "authenticator on the old phone, which was traded in"),
        ),
        ("Reset the password",),
        ("Licence", "Looked at the licence", "assigned"),
    ),
    Scenario(
        "identity",
        r"trust|secure channel",
        ("Workstation says no to every domain user",),
        (("Signed in and read the message", "The trust relationship between this workstation and the primary domain failed"),),
        ("Restarted it",),
        ("Network", "Pinged the domain controller", "answers in 1 ms"),
    ),
    Scenario(
        "identity",
        r"sync",
        ("New colleague missing in the cloud address book",),
        (("Looked at the sync status", "Last sync: 6 days ago, stopped-server-down"),),
        ("Made the user again",),
        ("Filter", "Compared the OU", "it is in scope"),
    ),
    Scenario(
        "printing",
        r"address|port",
        ("Printer offline after the router was replaced",),
        (
            ("Printed the printer's own page", "IPv4 192.168.50.118"),
            ("Compared with the queue", "TCP/IP port is 192.168.50.20: the ip of the printer is different now"),
        ),
        ("Restarted the spooler",),
        ("Driver", "Printed with the generic driver", "goes nowhere either"),
    ),
    Scenario(
        "printing",
        r"printer itself|paper|hardware|fuser",
        ("Copier stops after each page",),
        (("Read the panel", "50.2 Fuser error"), ("Printed from its own menu", "stops as well, paper jam in area C")),
        ("Emptied the queue",),
        ("Queue", "Looked at the queue", "no job waits"),
    ),
    Scenario(
        "backup",
        r"credential",
        ("Backup of two hosts fails since the audit",),
        (("Read the job log", "Failed to connect to host ESX2: Login failed, backup service account password incorrect 0x8007052e"),),
        ("Restarted the backup server",),
        ("Space", "Looked at the repository", "60 % free"),
    ),
    Scenario(
        "backup",
        r"disk.*fail|tape or disk|failing",
        ("Backups take all night",),
        (
            ("Read the drive's values", "SMART: predictive failure, 1,204 reallocated sectors"),
            ("Looked at the array", "RAID degraded, drive 3"),
        ),
        ("Moved the job to another hour",),
        ("Network", "Measured the throughput", "940 Mbit/s"),
    ),
    Scenario(
        "line of business",
        r"lock|deadlock",
        ("Accounting freezes at month end", "Everybody waits when invoices are posted"),
        (
            ("Looked at the sessions", "37 sessions blocked by spid 61"),
            ("Read the error log", "Transaction (Process ID 72) was deadlocked, 1205"),
        ),
        ("Restarted the terminal server",),
        ("Memory", "Looked at the memory of the server", "half is free"),
    ),
    Scenario(
        "line of business",
        r"security software|antivirus",
        ("CAD does not start on any machine since noon",),
        (("Read the security console", "Defender quarantined cad_core.dll as Trojan:Win32/Wacatac at 12:02"),),
        ("Reinstalled CAD",),
        ("Licence server", "Asked the licence server", "answers, 3 of 10 in use"),
    ),
    Scenario(
        "line of business",
        r"service",
        ("Till software cannot talk to the back office",),
        (
            ("Looked at the services", "SyncAgent service terminated unexpectedly, event 7034"),
            ("Started it", "Error 1053: the service did not respond in a timely fashion"),
        ),
        ("Restarted the tills",),
        ("Firewall", "Tried the port from a till", "open"),
    ),
    Scenario(
        "line of business",
        r"hyper-?threading|power plan|bios",
        ("Rendering takes twice as long on the new server",),
        (("Compared the processors", "clock stays at 1.2 GHz under load"), ("Read the firmware settings", "power profile: maximum saving")),
        ("Updated the renderer",),
        ("Disk", "Measured the disk", "as fast as promised"),
    ),
    Scenario(
        "network",
        r"wireless|signal",
        ("Conference room drops calls",),
        (("Measured at the table", "RSSI -84 dBm, channel utilisation 91 %"),),
        (),
        ("Telephone system", "Called from the next room", "no drop in an hour"),
        Lure("Lowered the MTU of the access points", "drops as before", r"\bmtu\b"),
    ),
    Scenario(
        "line of business",
        r"memory, processor",
        ("Orders take a minute to open",),
        (("Watched the server for a minute", "CPU at 99 %, half of it by the backup agent"),),
        (),
        ("Licence count", "Read the licence page", "11 of 40 in use"),
        Lure("Ran gpupdate /force on two clients", "as slow as before", r"group policy|gpresult"),
    ),
    Scenario(
        "backup",
        r"chain|restore point",
        ("A restore test failed",),
        (("Ran the health check", "restore point of 12 March is corrupt, checksum mismatch"),),
        (),
        ("Host", "Restored to another host", "fails as well"),
        Lure("Restarted the VSS service", "fails with the same message", r"\bvss\b|snapshot"),
    ),
)
"""The one about rendering has a cause that no sign knows, so that the score can say so."""
