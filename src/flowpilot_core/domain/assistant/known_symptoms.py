"""What known signs mean: error codes, messages and symptoms of everyday troubleshooting, each with the check that tells for sure.

A sign is data: what it looks like, which cause it speaks for, and what to look at next. The first words of a cause name it.
"""

import re
from re import Pattern
from typing import Final

from attrs import frozen


@frozen
class Sign:
    """One thing that is known."""

    cause: str
    looks: Pattern[str]
    """What it looks like in evidence, a step or the problem."""
    check: str
    """What to do to know."""
    means: str
    """What the result of that would mean."""
    strength: int = 2
    """3: a code that means just this; 2: a telling message; 1: a symptom that fits several causes."""


def _sign(cause: str, looks: str, check: str, means: str, strength: int = 2) -> Sign:
    return Sign(cause, re.compile(looks, re.IGNORECASE), check, means, strength)


SIGNS: Final[tuple[Sign, ...]] = (
    # Network
    _sign(
        "DHCP gives out no address: the scope is exhausted or the server does not answer",
        r"\b169\.254\.\d+\.\d+|\bAPIPA\b|no dhcp ?offers|dhcp(?:v4)? (?:scope|pool)\b.{0,40}(?:full|exhaust|empty|100 ?%)|unable to (?:contact|reach) (?:your )?dhcp",
        "Look at the free addresses of the DHCP scope and renew the lease on one client",
        "a full or silent scope confirms it; an address from the right scope rules it out",
        3,
    ),
    _sign(
        "DNS does not resolve the name, or resolves it wrongly",
        r"NXDOMAIN|DNS_PROBE|SERVFAIL|can'?t find [\w.-]+: |could not resolve host|name or service not known|ENOTFOUND|getaddrinfo|"
        r"DNS request timed out|non-existent domain|temporary failure in name resolution",
        "Resolve the name against the internal and a public resolver and compare the answers",
        "different or missing answers confirm it; the right address from both rules it out",
        3,
    ),
    _sign(
        "Duplicate IP address on the network",
        r"(?:duplicate|conflict(?:ing)?) (?:ip|address)|ip address conflict|address .{0,30}already in use on the network|gratuitous arp",
        "Take the machine off the network and ping its address, then look its MAC address up on the switch",
        "an answer names the other device; silence rules it out",
        3,
    ),
    _sign(
        "VLAN or switch port configured wrongly",
        r"\bvlan\b.{0,60}(?:wrong|mismatch|missing|instead|native)|native vlan mismatch|err-?disabled?|trunk.{0,30}(?:mismatch|missing|not allowed)|"
        r"bpduguard|port[- ]security",
        "Read the port's VLAN, mode and error state on the switch",
        "another VLAN than the neighbours', or an error state, confirms it",
        3,
    ),
    _sign(
        "Cable, port or optic is faulty",
        r"\bCRC errors?|late collisions?|link (?:is )?(?:flapping|down/up)|input errors|half[- ]duplex|duplex mismatch|runts\b",
        "Swap the cable and the port and watch the error counters for five minutes",
        "counters that stand still afterwards confirm it; ones that rise on another port point to the device",
    ),
    _sign(
        "Routing or firewall blocks the traffic",
        r"destination (?:host|net(?:work)?) unreachable|no route to host|administratively prohibited|connection refused|ECONNREFUSED|"
        r"\b(?:denied|dropped|blocked) by (?:the )?(?:firewall|policy|acl|rule)|deny (?:tcp|udp|ip)|packet filtered",
        "Test the port from both sides and read the firewall's log for this source and destination",
        "a drop in the log confirms it; a session that is set up rules it out",
    ),
    _sign(
        "MTU is too large for the tunnel",
        r"fragmentation needed|\bMTU\b|packet (?:too big|needs to be fragmented)|\bDF (?:bit )?set|MSS\b",
        "Ping with the do-not-fragment bit, from 1472 bytes downwards",
        "a largest size well below 1472 confirms it",
    ),
    _sign(
        "VPN tunnel is down: the pre-shared key, proposal or certificate does not match",
        r"NO_PROPOSAL_CHOSEN|IKE.{0,40}(?:fail|time|mismatch|no response)|phase ?[12].{0,40}(?:fail|mismatch|down)|AUTHENTICATION_FAILED|"
        r"pre-?shared key|\bRAS(?:DIAL)? ?(?:error )?(?:789|809|691|868)|error (?:789|809|868)\b",
        "Compare the proposals and the key of both ends and read the log of the responder during one attempt",
        "a mismatch in the log confirms it; an established phase 2 rules it out",
        3,
    ),
    _sign(
        "The internet provider's line is down or lossy",
        r"\bisp\b.{0,50}(?:outage|down|loss)|packet loss.{0,40}(?:wan|first hop|gateway|isp)|(?:loss of signal|\bLOS\b)|pppoe.{0,40}(?:fail|time|down)|"
        r"modem.{0,40}(?:offline|no sync|resync)|wan.{0,20}(?:link )?(?:is )?down",
        "Ping the provider's first hop for five minutes with nothing else on the line",
        "loss at the first hop confirms it; a clean first hop points further inside",
    ),
    _sign(
        "Wireless signal or channel is poor",
        r"\brssi\b|-(?:7[5-9]|8\d|9\d) ?dbm|(?:co-?channel|channel) (?:interference|utili[sz]ation)|roam(?:ing|s)\b.{0,40}(?:fail|drop|sticky)|weak signal",
        "Measure signal and channel use where it fails and beside the access point",
        "a weak or crowded signal only there confirms it",
    ),
    # Mail
    _sign(
        "The sending address is refused: SPF, DKIM or DMARC fails",
        r"\bspf\b.{0,40}(?:fail|permerror|softfail)|dkim.{0,40}(?:fail|invalid|none)|dmarc.{0,40}(?:fail|reject|quarantine)|5\.7\.(?:23|26|509)|"
        r"sender (?:address )?(?:not authori[sz]ed|verification failed)",
        "Look at the authentication results in the header of one refused mail and at the domain's SPF record",
        "a fail for the server that sent it confirms it; three passes rule it out",
        3,
    ),
    _sign(
        "The server's address is on a block list",
        r"block ?list|blacklist|spamhaus|barracuda(?:central)?|\bRBL\b|DNSBL|5\.7\.606|listed (?:at|in|by)",
        "Look the outgoing address up on the list that the refusal names",
        "a listing confirms it; it ends once the source of the spam is stopped and the delisting is through",
        3,
    ),
    _sign(
        "The mailbox or its quota is full",
        r"mailbox (?:is )?full|quota (?:exceeded|reached)|over quota|5\.2\.2|552[ -]5\.2|insufficient (?:system )?storage|STOREDRV.{0,60}quota",
        "Read the mailbox's size against its quota",
        "a full mailbox confirms it; room left rules it out",
        3,
    ),
    _sign(
        "The recipient does not exist or is not synchronised",
        r"5\.1\.(?:1|10)|recipient (?:address )?(?:rejected|not found)|RESOLVER\.ADR\.(?:RecipNotFound|ExRecipNotFound)|user unknown|no such user|mailbox unavailable",
        "Look the address up in the directory and in the mail system, with its aliases",
        "a missing or different address confirms it",
        3,
    ),
    _sign(
        "A transport or inbox rule moves or blocks the mail",
        r"transport rule|mail ?flow rule|inbox rule|forwarding rule|redirect(?:ed|s) (?:by|to)|moved to (?:junk|rss|archive)|rule.{0,30}(?:delet|forward|mov)",
        "Trace one message and list the rules of mailbox and organisation",
        "a rule in the trace confirms it; a plain delivery rules it out",
    ),
    _sign(
        "The mail client's profile or cache is damaged",
        r"\bost\b.{0,40}(?:corrupt|damag|large|error)|\bpst\b.{0,40}(?:corrupt|error)|0x8004010f|0x800ccc0[ef]|outlook.{0,40}(?:profile|safe mode)|"
        r"cached (?:exchange )?mode|autodiscover.{0,50}(?:fail|loop|401|prompt)",
        "Open the mailbox with a new profile and in the browser",
        "a new profile that works confirms it; the same fault in the browser rules it out",
    ),
    _sign(
        "The MX or autodiscover record points to the old system",
        r"\bMX (?:record|lookup)|autodiscover.{0,40}(?:record|cname|old)|mx.{0,40}(?:old|wrong|previous|missing)",
        "Look MX and autodiscover up at a public resolver and compare with the tenant's values",
        "an old value confirms it",
    ),
    # Identity
    _sign(
        "The account is locked out by a device with an old password",
        r"account (?:is |has been )?locked|0xc0000234|event ?(?:id )?4740|lock(?:ed)? ?out|AADSTS50053|caller computer",
        "Read event 4740 on the domain controller and look at the caller computer it names",
        "a device that keeps trying confirms it; no event rules it out",
        3,
    ),
    _sign(
        "The password is wrong or has expired",
        r"AADSTS50126|AADSTS50055|0xc000006a|0xc0000071|password (?:has )?expired|invalid (?:username or password|credentials)|event ?(?:id )?4625|"
        r"logon failure: unknown user|\b535[ -]5\.7\.8",
        "Sign in once in a private browser window with the password typed in, and read its last change",
        "the same refusal there confirms it; a sign-in that works points to something stored",
        2,
    ),
    _sign(
        "A conditional access policy blocks the sign-in",
        r"AADSTS53003|AADSTS53000|AADSTS530\d\d|conditional access|blocked by (?:a )?policy|legacy (?:auth|sign-?in)|AADSTS50158",
        "Read the sign-in log of one attempt: which policy failed, and on which condition",
        "a failed policy there confirms it and names the condition; none rules it out",
        3,
    ),
    _sign(
        "The second factor is lost or not registered",
        r"AADSTS50076|AADSTS50079|AADSTS500121|\bmfa\b.{0,50}(?:fail|lost|new phone|prompt|denied|regist)|authenticator.{0,40}(?:lost|new phone|no prompt)|second factor",
        "Look at the methods the person has registered and at the device each is on",
        "a method on a device that is gone confirms it",
        3,
    ),
    _sign(
        "Time differs too much from the domain controller: Kerberos refuses",
        r"KRB_AP_ERR_SKEW|clock skew|time (?:skew|difference|offset)|w32tm|0x80090324|(?:clock|time) (?:is )?(?:off|wrong|ahead|behind)|ntp.{0,40}(?:unsync|unreach|fail)",
        "Compare the clock with the domain controller's and ask w32tm for its source",
        "more than five minutes confirms it; the same minute rules it out",
        3,
    ),
    _sign(
        "The trust between workstation and domain is broken",
        r"trust relationship|0xc000018[bd]|NETLOGON.{0,40}(?:3210|5719|5722)|secure channel|Test-ComputerSecureChannel.{0,30}false",
        "Run Test-ComputerSecureChannel, and with -Repair where it says False",
        "False confirms it; True rules it out",
        3,
    ),
    _sign(
        "Directory synchronisation has stopped",
        r"(?:aad|entra|azure ad) connect|dir(?:ectory)? ?sync.{0,50}(?:fail|stop|stale|error)|sync(?:hroni[sz]ation)? (?:service|cycle).{0,30}(?:stop|fail)|"
        r"stopped-(?:server|extension)|last sync",
        "Look when the last synchronisation ended and with which error",
        "an old or failed run confirms it; a recent clean one rules it out",
    ),
    _sign(
        "Permissions on the share or folder are missing",
        r"access (?:is )?denied|0x80070005|permission denied|EACCES|\b403 forbidden|not authori[sz]ed to|insufficient (?:rights|privileges|permissions)",
        "Compare the effective permissions with those of somebody for whom it works",
        "a missing group or entry confirms it; the same rights rule it out",
        2,
    ),
    _sign(
        "A certificate has expired or is not trusted",
        r"cert(?:ificate)?.{0,50}(?:expired|not trusted|untrusted|invalid|revoked|mismatch)|CERT_(?:DATE|AUTHORITY|HAS_EXPIRED)\w*|NET::ERR_CERT|x509|"
        r"SEC_E_(?:CERT|UNTRUSTED)\w*|0x800b01\w\w|self[- ]signed|unable to (?:get local issuer|verify)|ssl handshake|tls (?:alert|handshake)",
        "Read the certificate that is really presented: its dates, names and chain",
        "a date in the past or an unknown issuer confirms it; a good chain rules it out",
        3,
    ),
    _sign(
        "The licence is missing, expired or used up",
        r"licen[cs]e.{0,50}(?:expired|missing|invalid|exceed|not assigned|unassigned|no longer|limit|in use)|no (?:valid )?licen[cs]e|unlicensed|licen[cs]e server",
        "Look at the licences assigned to the person and at those left",
        "none assigned or none left confirms it",
        2,
    ),
    # Printing
    _sign(
        "The print spooler is stuck or crashes",
        r"spool(?:er|sv)|print queue.{0,40}(?:stuck|paused|jam|hang)|jobs? (?:stuck|stays?|remain|pending) in (?:the )?queue|0x000006ba|event ?(?:id )?(?:372|7031)",
        "Stop the spooler, empty its folder and start it again, then print one page",
        "a page that comes confirms it; a queue that fills again points to the driver or one job",
    ),
    _sign(
        "The printer driver is wrong or damaged",
        r"(?:print(?:er)? )?driver.{0,50}(?:corrupt|wrong|missing|unavailable|mismatch|incompatib|update|failed)|driver is unavailable|0x0000007e|0x00000bcb|0x0000011b|"
        r"garbled|gibberish|strange characters|\bPCL ?(?:5|6|XL)|postscript error|wrong (?:tray|paper size)",
        "Print a test page from the server and from a machine with a fresh driver of the other language (PCL or PostScript)",
        "a clean page there confirms it; the same garbage points to the printer",
        2,
    ),
    _sign(
        "The printer's address has changed or its port is wrong",
        r"(?:printer|print) (?:port|ip)|tcp/?ip port|wsd port|standard port|printer.{0,60}(?:new|different|changed|another) (?:ip|address)|"
        r"(?:ip|address) of (?:the )?printer.{0,40}(?:chang|differ|new)|port monitor",
        "Read the address on the printer's own page and compare it with the port's",
        "two different addresses confirm it; the same rules it out",
        2,
    ),
    _sign(
        "The printer itself has a fault: paper, toner or hardware",
        r"paper jam|fuser|toner (?:low|empty|out)|drum (?:unit|end)|(?:printer|panel|display) (?:shows|says).{0,40}error|\b(?:49|50|79)\.[0-9a-f]{2,4}\b|maintenance kit",
        "Print a page from the printer's own menu",
        "a fault there confirms it; a clean page points to driver, queue or network",
    ),
    # Backup
    _sign(
        "The backup target is full",
        r"(?:disk|volume|repository|target|datastore|nas|drive|partition).{0,50}(?:is )?(?:full|out of space|no space)|no space left on device|ENOSPC|"
        r"not enough (?:disk )?space|0x80070070|insufficient (?:disk )?space|there is not enough space",
        "Read the free space of the target and the size of the last full backup",
        "less room than one full backup confirms it; room enough rules it out",
        3,
    ),
    _sign(
        "A VSS writer or the snapshot has failed",
        r"\bVSS\b|volume shadow|shadow cop(?:y|ies)|0x8004230[0-9a-f]|0x80042316|writer.{0,40}(?:failed|timed out|retryable|stable)|VSS_[EW]_\w+|snapshot.{0,40}(?:fail|stun|consolidat|quiesc)",
        "List the writers (vssadmin list writers) and restart the service behind the failed one",
        "all writers stable and a backup that runs confirm it",
        3,
    ),
    _sign(
        "The backup job's credentials have changed",
        r"backup.{0,80}(?:logon failure|access denied|credential|password|unauthori[sz]ed|login failed)|(?:credential|service account).{0,60}backup|"
        r"0x8007052e|failed to (?:log ?on|connect) to.{0,30}(?:admin\$|host|guest)|admin\$",
        "Test the stored credentials from the backup server against the host",
        "a refused sign-in confirms it; one that works rules it out",
        2,
    ),
    _sign(
        "The backup chain is broken or a restore point is damaged",
        r"(?:backup )?chain.{0,40}(?:broken|corrupt|missing|incomplete)|restore point.{0,40}(?:corrupt|missing|damag)|checksum (?:error|mismatch)|"
        r"\bCRC\b.{0,30}(?:backup|block|vbk|vib)|corrupt(?:ed)? (?:block|backup)|health check.{0,30}(?:fail|corrupt)|\.vib\b|\.vbk\b",
        "Run the health check of the chain and start a new full backup",
        "damaged points confirm it; a clean check rules it out",
        2,
    ),
    _sign(
        "The tape or disk of the backup is failing",
        r"\btape\b.{0,60}(?:error|fail|clean|write)|(?:S\.?M\.?A\.?R\.?T|smart).{0,50}(?:fail|predict|caution|warn)|reallocated sectors?|bad (?:block|sector)s?|"
        r"predictive failure|i/o (?:device )?error|disk.{0,30}(?:degraded|failing|predictive)|raid.{0,30}(?:degraded|rebuild)",
        "Read the drive's own health values and the controller's log",
        "reallocated sectors or a degraded array confirm it",
        3,
    ),
    # Line-of-business and servers
    _sign(
        "The database refuses or cannot be reached",
        r"SQLSTATE\s*\S+|\bORA-\d{4,5}|sql server.{0,60}(?:not (?:found|accessible)|does not exist|login failed|suspect)|error 26\b|login failed for user|"
        r"(?:could not|cannot|unable to) (?:open|connect to) (?:the )?(?:database|sql)|database (?:is )?(?:suspect|offline|unavailable|locked)|connection pool",
        "Connect to the database from the application server with the application's own account",
        "a refusal there confirms it and says why; a connection rules it out",
        2,
    ),
    _sign(
        "The database's transaction log or disk is full",
        r"transaction log.{0,40}full|error (?:9002|1105)\b|\b9002\b.{0,30}log|log_reuse_wait|could not allocate space|primary filegroup is full|ORA-0165[0-9]",
        "Read the size and the reuse wait of the transaction log, and the free space of its volume",
        "a full log confirms it; a log backup or room makes it go",
        3,
    ),
    _sign(
        "A lock or deadlock blocks the database",
        r"deadlock|blocking (?:session|query|process)|lock (?:wait )?time-?out|blocked by (?:spid|session)|head blocker|\b1205\b",
        "List blocked sessions with who blocks them while it happens",
        "one head blocker confirms it; none rules it out",
        3,
    ),
    _sign(
        "A service is not running or crashes on start",
        r"service.{0,60}(?:not (?:running|started)|stopped|terminated|failed to start|crash|hung)|error 10(?:53|67|68|69)\b|event ?(?:id )?70(?:00|09|11|23|24|34)|"
        r"service did not (?:respond|start)|(?:systemd|unit).{0,30}(?:failed|inactive)",
        "Start the service by hand and read what it writes in the first seconds",
        "an error there names the reason; a service that stays up rules it out",
        2,
    ),
    _sign(
        "The application was updated and no longer fits: a version mismatch",
        r"version (?:mismatch|conflict|\S+ (?:required|expected))|incompatible version|(?:after|since) (?:the |an |last )?(?:night'?s )?(?:windows )?(?:update|upgrade|patch)|"
        r"KB\d{7}|entry point (?:not found|could not be located)|api-ms-win|(?:missing|could not load).{0,40}\.dll|MSVC[RP]\d+|\.net (?:framework|runtime).{0,40}(?:missing|required|version)|"
        r"schema version",
        "Compare the versions of client, server and database, and take the last update back on one machine",
        "one machine that works on the old version confirms it; the same fault rules it out",
        2,
    ),
    _sign(
        "Security software blocks it",
        r"(?:antivirus|defender|edr|crowdstrike|sentinelone|sophos|bitdefender|endpoint (?:protection|security)).{0,60}(?:block|quarantin|remov|detect|kill|exclu)|"
        r"(?:quarantin|block)\w* by.{0,30}(?:antivirus|defender|edr)|controlled folder access|applocker|0x800700e1|\bASR rule",
        "Read the security console for this machine and hour, and try with an exclusion for one program",
        "a detection at that minute confirms it; none rules it out",
        3,
    ),
    _sign(
        "Memory, processor or disk of the machine is exhausted",
        r"out of memory|OOM|0x8007000e|cpu (?:at|is|usage).{0,15}(?:9\d|100) ?%|100 ?% (?:cpu|disk)|disk queue|paging|memory (?:leak|pressure)|(?:ram|memory) (?:at|is|usage).{0,12}9\d ?%|"
        r"resource(?:s)? (?:exhaust|low)|event ?(?:id )?2004",
        "Watch processor, memory and disk while it happens and name the process at the top",
        "one process at the limit confirms it; idle figures rule it out",
    ),
    _sign(
        "A mapped drive or path is missing or has moved",
        r"network (?:path|name) (?:was not|cannot be|could not be) found|0x80070035|0x80070043|mapped drive|drive letter|path not found|file not found|error (?:53|67)\b|"
        r"(?:old|previous|retired|decommissioned) (?:server|share|path)|UNC path",
        "Open the path by the server's name and by its address",
        "the address alone working points to names; neither points to the share or its server",
    ),
    _sign(
        "Group policy does not apply",
        r"gpresult|gpupdate|group policy|\bGPO\b|event ?(?:id )?(?:1058|1030|1129)|sysvol",
        "Read gpresult on the machine: which policies were denied, and why",
        "a denied policy confirms it and says why; an applied one rules it out",
    ),
    _sign(
        "Replication between domain controllers fails",
        r"repadmin|replication.{0,50}(?:fail|error|stopp|lingering|tombstone)|event ?(?:id )?(?:1311|1388|1988|2042|13568)|dcdiag|lingering object|error (?:8453|8606|8614|1722)\b",
        "Run repadmin /replsummary and read the largest delta and its error",
        "failures there confirm it; none rules it out",
        3,
    ),
    _sign(
        "Storage or the host is overloaded or offline",
        r"(?:datastore|lun|iscsi|san|volume).{0,50}(?:latency|offline|inaccessible|lost|APD|PDL|timeout)|all paths down|path(?:s)? (?:is |are )?(?:down|dead)|esxi?.{0,30}(?:disconnect|not respond)|"
        r"hyper-v.{0,40}(?:fail|critical|paused)|paused-critical",
        "Read the latency of the datastore and the state of its paths on the host",
        "dead paths or latency above 20 ms confirm it; healthy figures rule it out",
    ),
    _sign(
        "An address or limit of the cloud service changed, or it has an outage",
        r"service (?:health|degradation|incident)|\b(?:MO|EX|SP|TM)\d{6}\b|\b50[234]\b.{0,30}(?:gateway|unavailable|error)|throttl|429 too many|outage|status page",
        "Read the vendor's status page for the hour, and try from another network",
        "an incident there confirms it; working elsewhere points to this site",
    ),
)
