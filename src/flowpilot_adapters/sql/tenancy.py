"""Whether the database itself keeps accounts apart: what its catalogue says, held against what it must say.

Everything that reaches a database after a migration (a table made by hand, a grant, a view) is seen here. What is right to break a
rule says why where it is, in a comment that begins with `tenancy:`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from attrs import frozen

from .errors import translated
from .policies import APP_MAY, SETTING
from .roles import APP, BACKUP, OWNER, RELAY
from .schema import SCHEMA


@frozen(kw_only=True)
class Finding:
    """One way in which an account could see, guess or touch what is another's."""

    rule: str
    object: str
    problem: str

    def __str__(self) -> str:
        return f"{self.object}: {self.problem}"


class UnfitRole(Exception):
    """The role that is to serve could pass row security."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = findings


@frozen
class _Rule:
    name: str
    query: str
    """Gives pairs of object and problem; may look at `tenant_table`."""


_ROLES: Final = (
    _Rule(
        "role",
        """
        SELECT role.rolname, problem
        FROM pg_roles AS role
        CROSS JOIN LATERAL (VALUES
          (rolsuper, 'is a superuser, whom row security does not bind'),
          (rolbypassrls, 'has BYPASSRLS'),
          (rolcreaterole, 'may make roles'),
          (rolcreatedb, 'may make databases'),
          (rolreplication, 'may replicate, and so read everything')
        ) AS checked(so, problem)
        WHERE role.rolname = ANY (%(bound)s) AND checked.so
        """,
    ),
    _Rule(
        "role",
        """
        SELECT name, 'does not exist' FROM unnest(%(bound)s::text[]) AS name WHERE to_regrole(quote_ident(name)) IS NULL
        """,
    ),
    _Rule(
        "role",
        """
        SELECT member.rolname, 'is a member of ' || other.rolname || ', whom row security does not bind'
        FROM pg_roles AS member JOIN pg_roles AS other ON other.oid <> member.oid AND pg_has_role(member.oid, other.oid, 'MEMBER')
        WHERE member.rolname = ANY (%(bound)s)
          AND (other.rolsuper OR other.rolbypassrls OR other.rolname = %(owner)s
               OR EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(%(schema)s) AND relowner = other.oid))
        """,
    ),
    _Rule(
        "role",
        """
        SELECT relation.oid::regclass::text, 'is owned by ' || role.rolname
        FROM pg_class AS relation JOIN pg_roles AS role ON role.oid = relation.relowner
        WHERE relation.relnamespace = to_regnamespace(%(schema)s) AND relation.relkind NOT IN ('i', 'I', 't')
          AND role.rolname = ANY (%(bound)s)
        """,
    ),
)

_TABLES: Final = (
    _Rule("schema", "SELECT %(schema)s, 'has no tables' WHERE NOT EXISTS (SELECT FROM tenant_table)"),
    _Rule(
        "schema",
        """
        SELECT %(schema)s, role.rolname || ' may make things in it'
        FROM pg_roles AS role
        WHERE role.rolname = ANY (%(bound)s) AND has_schema_privilege(role.oid, to_regnamespace(%(schema)s), 'CREATE')
        """,
    ),
    _Rule(
        "account",
        """
        SELECT name, CASE WHEN account IS NULL THEN 'has no account_id' ELSE 'its account_id may be null' END
        FROM tenant_table WHERE (account IS NULL OR NOT account_required) AND NOT excused
        """,
    ),
    _Rule("row security", "SELECT name, 'is not enabled' FROM tenant_table WHERE account IS NOT NULL AND NOT enabled AND NOT excused"),
    _Rule(
        "row security",
        "SELECT name, 'is not forced: its owner passes it' FROM tenant_table WHERE account IS NOT NULL AND NOT forced AND NOT excused",
    ),
    _Rule(
        "policy",
        """
        SELECT name, 'has ' || count(policy.oid) || ' policies that ask for the account, not one'
        FROM tenant_table LEFT JOIN pg_policy AS policy ON policy.polrelid = tenant_table.oid
          AND policy.polpermissive AND policy.polcmd = '*' AND policy.polroles = '{0}'
          AND replace(pg_get_expr(policy.polqual, policy.polrelid), '::text', '') = %(asks)s
          AND replace(pg_get_expr(policy.polwithcheck, policy.polrelid), '::text', '') = %(asks)s
        WHERE account IS NOT NULL AND NOT excused
        GROUP BY name HAVING count(policy.oid) <> 1
        """,
    ),
    _Rule(
        "policy",
        """
        SELECT tenant_table.name || '.' || policy.polname, 'opens the table to more than its account'
        FROM tenant_table JOIN pg_policy AS policy ON policy.polrelid = tenant_table.oid
        WHERE policy.polpermissive AND coalesce(obj_description(policy.oid, 'pg_policy'), '') NOT LIKE 'tenancy:%%'
          AND (coalesce(replace(pg_get_expr(policy.polqual, policy.polrelid), '::text', ''), %(asks)s) <> %(asks)s
            OR coalesce(replace(pg_get_expr(policy.polwithcheck, policy.polrelid), '::text', ''), %(asks)s) <> %(asks)s)
        """,
    ),
    _Rule(
        "policy",
        """
        SELECT tenant_table.name || '.' || policy.polname, 'opens the table to everybody, though it is excused for one role alone'
        FROM tenant_table JOIN pg_policy AS policy ON policy.polrelid = tenant_table.oid
        WHERE coalesce(obj_description(policy.oid, 'pg_policy'), '') LIKE 'tenancy:%%' AND policy.polcmd <> 'r'
          AND policy.polroles <> ARRAY[to_regrole(%(relay)s)::oid]
        """,
    ),
    _Rule(
        "privilege",
        """
        SELECT tenant_table.name, role.rolname || ' may ' || privilege
        FROM tenant_table CROSS JOIN pg_roles AS role CROSS JOIN unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
        WHERE role.rolname = ANY (%(bound)s) AND has_table_privilege(role.oid, tenant_table.oid, privilege)
        """,
    ),
    _Rule(
        "privilege",
        """
        SELECT relation.oid::regclass::text, 'everybody may ' || given.privilege_type
        FROM pg_class AS relation CROSS JOIN LATERAL aclexplode(relation.relacl) AS given
        WHERE relation.relnamespace = to_regnamespace(%(schema)s) AND given.grantee = 0
        """,
    ),
    _Rule(
        "privilege",
        """
        SELECT tenant_table.name, %(app)s || ' may ' || privilege || ', which no migration gave it'
        FROM tenant_table CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
        WHERE account IS NOT NULL AND to_regrole(%(app)s) IS NOT NULL
          AND (has_table_privilege(%(app)s, tenant_table.oid, privilege) OR
               privilege <> 'DELETE' AND has_any_column_privilege(%(app)s, tenant_table.oid, privilege))
          AND NOT EXISTS (SELECT FROM unnest(%(tables)s::text[], %(may)s::text[]) AS given(name, may)
                          WHERE given.name = tenant_table.bare AND privilege = ANY (string_to_array(given.may, ', ')))
        """,
    ),
    _Rule(
        "privilege",
        """
        SELECT tenant_table.name, %(relay)s || ' may ' || privilege
        FROM tenant_table CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
        WHERE account IS NOT NULL AND to_regrole(%(relay)s) IS NOT NULL
          AND (has_table_privilege(%(relay)s, tenant_table.oid, privilege) OR
               privilege <> 'DELETE' AND has_any_column_privilege(%(relay)s, tenant_table.oid, privilege))
          AND NOT (tenant_table.bare = 'due_work' AND privilege IN ('SELECT', 'UPDATE'))
        """,
    ),
    _Rule(
        "privilege",
        """
        SELECT coalesce(space.nspname, 'every schema'), 'what is made here from now on is granted to ' ||
               CASE given.grantee WHEN 0 THEN 'everybody' ELSE given.grantee::regrole::text END
        FROM pg_default_acl AS standing LEFT JOIN pg_namespace AS space ON space.oid = standing.defaclnamespace
        CROSS JOIN LATERAL aclexplode(standing.defaclacl) AS given
        WHERE standing.defaclobjtype IN ('r', 'S') AND given.grantee <> standing.defaclrole
          AND (standing.defaclnamespace = 0 OR standing.defaclnamespace = to_regnamespace(%(schema)s))
          AND given.grantee <> coalesce(to_regrole(%(backup)s)::oid, 0)
        """,
    ),
    _Rule(
        "partition",
        """
        SELECT relation.oid::regclass::text, 'is a partition that ' || given.grantee::regrole || ' may address directly'
        FROM pg_class AS relation CROSS JOIN LATERAL aclexplode(relation.relacl) AS given
        WHERE relation.relnamespace = to_regnamespace(%(schema)s) AND relation.relispartition AND given.grantee <> relation.relowner
        """,
    ),
)

_KEYS: Final = (
    _Rule(
        "unique key",
        """
        SELECT index.indexrelid::regclass::text, 'does not begin with account_id: it tells what others have'
        FROM pg_index AS index JOIN tenant_table ON tenant_table.oid = index.indrelid
        WHERE (index.indisunique OR index.indisexclusion) AND account IS NOT NULL AND index.indkey[0] <> account
          AND NOT tenant_table.excused AND coalesce(obj_description(index.indexrelid, 'pg_class'), '') NOT LIKE 'tenancy:%%'
        """,
    ),
    _Rule(
        "foreign key",
        """
        SELECT tenant_table.name || '.' || key.conname, 'does not lead from account_id to account_id: it may point across'
        FROM pg_constraint AS key
        JOIN tenant_table ON tenant_table.oid = key.conrelid
        JOIN tenant_table AS other ON other.oid = key.confrelid
        WHERE key.contype = 'f' AND tenant_table.account IS NOT NULL AND other.account IS NOT NULL
          AND NOT EXISTS (SELECT FROM generate_subscripts(key.conkey, 1) AS place
                          WHERE key.conkey[place] = tenant_table.account AND key.confkey[place] = other.account)
          AND coalesce(obj_description(key.oid, 'pg_constraint'), '') NOT LIKE 'tenancy:%%'
        """,
    ),
    _Rule(
        "index",
        """
        SELECT index.indexrelid::regclass::text, 'is not valid: its making was broken off'
        FROM pg_index AS index JOIN tenant_table ON tenant_table.oid = index.indrelid
        WHERE NOT index.indisvalid
        """,
    ),
    _Rule(
        "counter",
        """
        SELECT tenant_table.name || '.' || attribute.attname, 'counts for all accounts together: it tells how much others write'
        FROM tenant_table JOIN pg_attribute AS attribute ON attribute.attrelid = tenant_table.oid
        LEFT JOIN pg_attrdef AS preset ON preset.adrelid = attribute.attrelid AND preset.adnum = attribute.attnum
        WHERE attribute.attnum > 0 AND NOT tenant_table.excused
          AND (attribute.attidentity <> '' OR pg_get_expr(preset.adbin, preset.adrelid) LIKE 'nextval%%')
        """,
    ),
)

_WAYS_ROUND: Final = (
    _Rule(
        "view",
        """
        SELECT relation.oid::regclass::text, CASE relation.relkind
          WHEN 'v' THEN 'shows what its owner may see: it is not security_invoker'
          WHEN 'm' THEN 'is a materialized view, which has no row security'
          ELSE 'is a foreign table, which has no row security' END
        FROM pg_class AS relation
        WHERE relation.relnamespace = to_regnamespace(%(schema)s) AND relation.relkind IN ('v', 'm', 'f')
          AND coalesce(obj_description(relation.oid, 'pg_class'), '') NOT LIKE 'tenancy:%%'
          AND (relation.relkind <> 'v' OR NOT EXISTS (
            SELECT FROM pg_options_to_table(relation.reloptions)
            WHERE option_name = 'security_invoker' AND option_value IN ('true', 'on', '1', 'yes')))
        """,
    ),
    _Rule(
        "function",
        """
        SELECT routine.oid::regprocedure::text, problem
        FROM pg_proc AS routine
        CROSS JOIN LATERAL (VALUES
          (prosecdef AND coalesce(obj_description(routine.oid, 'pg_proc'), '') NOT LIKE 'tenancy:%%',
           'does what its owner may: it is security definer'),
          (prosecdef AND NOT coalesce(proconfig::text LIKE '%%search_path=%%', false), 'is security definer without its own search_path'),
          (proleakproof, 'is marked leakproof, so that it is asked before row security'),
          (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) AS given WHERE given.grantee = 0), 'may be called by everybody')
        ) AS checked(so, problem)
        WHERE routine.pronamespace = to_regnamespace(%(schema)s) AND checked.so
        """,
    ),
)

_TENANT_TABLE: Final = """
WITH tenant_table AS (
  SELECT relation.oid, relation.oid::regclass::text AS name, relation.relname::text AS bare, relation.relrowsecurity AS enabled,
         relation.relforcerowsecurity AS forced, coalesce(obj_description(relation.oid, 'pg_class'), '') LIKE 'tenancy:%%' AS excused,
         own.attnum AS account, coalesce(own.attnotnull, false) AS account_required
  FROM pg_class AS relation
  LEFT JOIN pg_attribute AS own ON own.attrelid = relation.oid AND own.attname = 'account_id' AND NOT own.attisdropped
  WHERE relation.relnamespace = to_regnamespace(%(schema)s) AND relation.relkind IN ('r', 'p')
)
"""

_FIXED: Final = {18: 7, 17: 12, 16: 16, 15: 20}
"""The first minor version of each major one that is fixed."""

_ASKS: Final = f"(account_id = (NULLIF(current_setting('{SETTING}', true), ''))::uuid)"
"""What every policy asks, as the catalogue puts it, less the casts of texts to text."""


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    """Raises `Unavailable` where the database does not answer."""
    try:
        with psycopg.connect(url) as connection:
            yield connection
    except psycopg.Error as error:
        raise translated(error) from error


def findings(url: str) -> tuple[Finding, ...]:
    """Everything the catalogue shows that could let one account reach another's. `url` connects as any role that is no relay."""
    with _connected(url) as connection:
        return _broken(connection, (*_ROLES, *_TABLES, *_KEYS, *_WAYS_ROUND), (APP, RELAY))


def check_role(url: str) -> None:
    """Raises `UnfitRole` where the role that `url` connects as could pass row security, or is a member of one that could."""
    with _connected(url) as connection:
        broken = _broken(connection, _ROLES, (connection.info.user,))
    if broken:
        raise UnfitRole(broken)


def check_application(url: str) -> None:
    """Raises `UnfitRole` unless `url` connects as the application's role, and that could not pass row security."""
    with _connected(url) as connection:
        user = connection.info.user
    if user != APP:
        raise UnfitRole((Finding(rule="role", object=user, problem=f"is not {APP}"),))
    check_role(url)


def unfixed(url: str) -> str | None:
    """What this server is known to get wrong about row security, in a sentence; None where its version is fixed.

    Our keys begin with the account, so that the hole leads nowhere here; who has other databases on the server wants to know.
    """
    with _connected(url) as connection:
        version = connection.info.server_version
    major, minor = divmod(version, 10_000)
    floor = _FIXED.get(major)
    if floor is None or minor >= floor:
        return None
    return f"PostgreSQL {major}.{minor} lets ON CONFLICT read what row security hides (CVE-2026-120154); {major}.{floor} does not"


def _broken(connection: psycopg.Connection, rules: tuple[_Rule, ...], bound: tuple[str, ...]) -> tuple[Finding, ...]:
    """What breaks the rules, where row security must bind the roles `bound`."""
    facts = {
        "schema": SCHEMA,
        "bound": list(bound),
        "owner": OWNER,
        "app": APP,
        "relay": RELAY,
        "backup": BACKUP,
        "asks": _ASKS,
        "tables": list(APP_MAY),
        "may": list(APP_MAY.values()),
    }
    return tuple(
        Finding(rule=rule.name, object=name, problem=problem)
        for rule in rules
        for name, problem in connection.execute((_TENANT_TABLE + rule.query).encode(), facts)
    )
