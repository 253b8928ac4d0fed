"""How what was searched for is found: by the rarest of its words, newest first, and of that what has the others too."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.matching import any_run, any_word, pattern
from flowpilot_adapters.sql.statement import BOOL, FLOAT8, INT4, TEXT, TIMESTAMPTZ, UUID, Call, Statement, array_of
from flowpilot_core.domain.insights.search import (
    ALIKE_IN_TITLE,
    AROUND,
    IN_TEXT,
    IN_TITLE,
    LONGEST_SNIPPET,
    MOST_HITS,
    MOST_READ,
    MOST_TEXT,
    Found,
    Hit,
    HitKind,
    Place,
    Within,
    looks,
    snippet,
)
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.query import Query, spellings
from flowpilot_core.domain.knowledge.rating import PRIOR_STARS, PRIOR_VOTES

MOST_SPELT: Final = 1000
"""Words that a typo or a beginning may mean, of which the core chooses."""

ALIKE: Final = Statement(
    "words alike",
    """
    (SELECT word FROM flowpilot.search_spelling WHERE account_id = $1 AND spelling = ANY ($2) LIMIT $5)
    UNION
    (
      SELECT word FROM flowpilot.search_spelling
      WHERE account_id = $1 AND spelling >= $3 AND spelling < $4 AND spelling = word
      ORDER BY spelling
      LIMIT $5
    )
    """,
    account_id=UUID,
    spellings=array_of(TEXT),
    beginning=TEXT,
    ending=TEXT,
    most=INT4,
)
# Each token that must be found has a number; a word alike has that of the token it may stand for, and headings that stand for one thing
# have one number. Of the rarest the newest are looked at, and of the rarest word those in titles; of these it is looked up which have the
# others: so however much there is, what is read is bounded. Where all have as many as are looked at, that is the rarest of which the last
# one is the oldest. The stars are reckoned as `Stars.mean` does. Who may read what is asked from the best on, until the page is full, and
# only then are texts fetched; where phrases are looked for, all are, once, and measured first, which unpacks none of them, and as many are
# read as are short enough together. Whose session is to be somebody's, or in some state, is asked of all at once: few may be.
# Whoever may not read a session does not hear what has become of it either, by saying what it is to be.
#
# The planner does not know how many candidates there are. Ids are looked up in their order, since the index would sort them for each word;
# who is among them is asked in a CASE or beside an OR, which makes a table of hashes of it, and no loop in a loop. What a step hands on is
# in the order that the next one needs it in, which costs less to notice than to sort.
FIND: Final = Statement(
    "search",
    """
    WITH wanted AS MATERIALIZED (
      SELECT word, number, titled, plain FROM unnest($2, $3, $4, $23) AS wanted (word, number, titled, plain)
    ),
    rarity AS MATERIALIZED (
      SELECT wanted.number, sum(has.documents) AS documents, max(has.oldest) AS oldest, bool_and(wanted.titled > 0) AS is_said
      FROM wanted CROSS JOIN LATERAL (
        SELECT count(*) AS documents, (array_agg(id))[$26]::text AS oldest
        FROM (
          (
            SELECT id
            FROM flowpilot.search_word
            WHERE account_id = $1 AND word = wanted.word AND wanted.plain IS NOT NULL
            ORDER BY id DESC
            LIMIT $26
          )
          UNION ALL
          (
            SELECT id
            FROM flowpilot.search_word
            WHERE account_id = $1 AND word = wanted.word AND in_title AND wanted.plain IS NULL
            ORDER BY id DESC
            LIMIT $26
          )
        ) AS found
      ) AS has
      GROUP BY wanted.number
    ),
    rarest AS MATERIALIZED (
      SELECT (array_agg(number ORDER BY oldest NULLS FIRST, documents, number))[1] AS number,
        (array_agg(number ORDER BY oldest NULLS FIRST, documents, number) FILTER (WHERE is_said))[1] AS said
      FROM rarity
    ),
    titled AS MATERIALIZED (
      SELECT DISTINCT ON (has.id) has.id, wanted.titled AS worth
      FROM rarest JOIN wanted ON wanted.number = rarest.said CROSS JOIN LATERAL (
        SELECT id FROM flowpilot.search_word WHERE account_id = $1 AND word = wanted.word AND in_title ORDER BY id DESC LIMIT $21
      ) AS has
      ORDER BY has.id DESC, wanted.titled DESC
    ),
    candidate AS MATERIALIZED (
      SELECT id, worth, false AS is_under FROM titled
      UNION ALL
      SELECT has.id, wanted.plain, rarest.number <> rarest.said
      FROM rarest JOIN wanted USING (number) CROSS JOIN LATERAL (
        SELECT id FROM flowpilot.search_word WHERE account_id = $1 AND word = wanted.word ORDER BY id DESC LIMIT $21
      ) AS has
      WHERE wanted.plain IS NOT NULL AND has.id NOT IN (SELECT id FROM titled)
      ORDER BY worth DESC, id DESC
      LIMIT (SELECT CASE WHEN number = said THEN $21 ELSE 2 * $21::int8 END FROM rarest)
    ),
    looked_at AS MATERIALIZED (SELECT array_agg(id ORDER BY id) AS ids FROM candidate),
    elsewhere AS MATERIALIZED (SELECT array_agg(id ORDER BY id) AS ids FROM candidate WHERE NOT is_under),
    looked_up AS MATERIALIZED (
      SELECT has.id, max(CASE WHEN has.in_title THEN wanted.titled ELSE wanted.plain END) AS worth
      FROM rarest JOIN wanted ON rarest.number <> rarest.said OR rarest.number <> wanted.number CROSS JOIN LATERAL (
        SELECT id, in_title
        FROM flowpilot.search_word
        WHERE account_id = $1
          AND word = wanted.word
          AND id = ANY (CASE WHEN wanted.number = rarest.number THEN (SELECT ids FROM elsewhere) ELSE (SELECT ids FROM looked_at) END)
        OFFSET 0
      ) AS has
      WHERE has.in_title OR wanted.plain IS NOT NULL
      GROUP BY has.id, wanted.number
    ),
    scored AS MATERIALIZED (
      SELECT id, worth AS score FROM candidate WHERE (SELECT count(*) = 1 FROM rarity)
      UNION ALL
      SELECT id, sum(worth)::int4
      FROM (
        SELECT id, CASE WHEN is_under THEN 0 ELSE worth END AS worth
        FROM candidate
        WHERE CASE WHEN is_under OR (SELECT number = said FROM rarest) THEN id IN (SELECT id FROM looked_up) END
        UNION ALL
        SELECT id, worth FROM looked_up
      ) AS found
      GROUP BY id
      HAVING count(*) = (SELECT nullif(count(*), 1) FROM rarity)
    ),
    unwanted AS MATERIALIZED (
      SELECT has.id, term.phrase
      FROM unnest($8) WITH ORDINALITY AS term (phrase, number)
      JOIN unnest($6, $7) AS needed (word, number) USING (number)
      CROSS JOIN LATERAL (
        SELECT id
        FROM flowpilot.search_word
        WHERE account_id = $1 AND word = needed.word AND id = ANY ((SELECT ids FROM looked_at)::uuid[])
        OFFSET 0
      ) AS has
      GROUP BY has.id, term.number, term.phrase
      HAVING count(*) = (SELECT count(*) FROM unnest($7) AS needed (number) WHERE needed.number = term.number)
    ),
    all_scored AS MATERIALIZED (SELECT array_agg(id ORDER BY id) AS ids FROM scored),
    rated AS MATERIALIZED (
      SELECT id, ($27::float8 + sum(stars)) / ($28 + count(*)) AS stars
      FROM (
        SELECT tree_id AS id, stars
        FROM flowpilot.template_rating
        WHERE account_id = $1 AND tree_account_id = $1 AND tree_id = ANY ((SELECT ids FROM all_scored)::uuid[])
        UNION ALL
        SELECT script_id, stars
        FROM flowpilot.template_rating
        WHERE account_id = $1 AND script_account_id = $1 AND script_id = ANY ((SELECT ids FROM all_scored)::uuid[])
      ) AS given
      GROUP BY id
    ),
    ranked AS MATERIALIZED (
      SELECT id, score, coalesce(rated.stars, $27::float8 / $28) AS stars
      FROM scored LEFT JOIN rated USING (id)
      WHERE id NOT IN (SELECT id FROM unwanted WHERE phrase = '')
      ORDER BY score DESC, stars DESC, id DESC
      LIMIT $30
    ),
    of_session AS MATERIALIZED (
      SELECT id, session_id
      FROM flowpilot.search_document
      WHERE account_id = $1 AND num_nonnulls($14::text, $15::uuid) > 0 AND id = ANY ((SELECT array_agg(id ORDER BY id) FROM ranked)::uuid[])
    ),
    of_meant AS MATERIALIZED (
      SELECT id
      FROM of_session
      WHERE CASE
          WHEN session_id IS NOT NULL THEN session_id IN (
            SELECT id
            FROM flowpilot.session
            WHERE account_id = $1
              AND id = ANY ((SELECT array_agg(session_id ORDER BY session_id) FROM of_session)::uuid[])
              AND ($14::text IS NULL OR status = $14)
              AND ($15::uuid IS NULL OR assignee_id = $15)
          )
        END
    ),
    document AS MATERIALIZED (
      SELECT ranked.*, document.*
      FROM (
        SELECT *, num_nonnulls($14::text, $15::uuid) = 0 OR id IN (SELECT id FROM of_meant) AS is_meant
        FROM ranked
        ORDER BY score DESC, stars DESC, id DESC
        OFFSET 0
      ) AS ranked
      CROSS JOIN LATERAL (
        SELECT kind, session_id, title, text, at FROM flowpilot.search_document WHERE account_id = $1 AND id = ranked.id OFFSET 0
      ) AS document
      WHERE ranked.is_meant OR array_to_string($5 || $8, '') <> ''
      ORDER BY ranked.score DESC, ranked.stars DESC, ranked.id DESC
    ),
    short_enough AS MATERIALIZED (
      SELECT count(*) AS documents
      FROM (
        SELECT sum(octet_length(text)) OVER (ORDER BY score DESC, stars DESC, id DESC) AS bytes
        FROM document
        WHERE array_to_string($5 || $8, '') <> ''
      ) AS measured
      WHERE bytes <= $31::int8
    ),
    looked AS MATERIALIZED (
      SELECT count(*) = $30 OR array_to_string($5 || $8, '') <> '' AND count(*) > (SELECT documents FROM short_enough) AS is_cut,
        CASE WHEN array_to_string($5 || $8, '') = '' THEN $30 ELSE (SELECT documents FROM short_enough) END AS read
      FROM ranked
    ),
    best AS (
      SELECT document.score, document.stars, document.kind, document.id, document.session_id, document.title, document.text, document.at
      FROM (SELECT * FROM document ORDER BY score DESC, stars DESC, id DESC LIMIT (SELECT read FROM looked)) AS document
      LEFT JOIN LATERAL (
        SELECT status, client_name, parked_with
        FROM flowpilot.session
        WHERE account_id = $1 AND id = document.session_id
        OFFSET 0
      ) AS session ON true
      CROSS JOIN LATERAL (SELECT session.status <> 'parked' OR $9 OR $10 = ANY (session.parked_with) AS readable) AS session_is
      WHERE document.is_meant
        AND CASE document.kind
          WHEN 'handoff' THEN (
            SELECT intent = 'escalate' OR $9 OR $10 = ANY (readers) FROM flowpilot.handoff WHERE account_id = $1 AND id = document.id
          )
          WHEN 'tree' THEN (SELECT state FROM flowpilot.tree WHERE account_id = $1 AND id = document.id) = 'published'
          WHEN 'script_template' THEN (
            SELECT state FROM flowpilot.script_template WHERE account_id = $1 AND id = document.id
          ) = 'published'
          ELSE session_is.readable
        END
        AND ($11::text IS NULL OR document.kind = $11)
        AND ($12::timestamptz IS NULL OR document.at >= $12)
        AND ($13::timestamptz IS NULL OR document.at < $13)
        AND (num_nonnulls($14::text, $15::uuid, $16::text) = 0 OR session_is.readable)
        AND ($16::text IS NULL OR session.client_name = $16)
        AND (
          cardinality($5) = 0
          OR NOT EXISTS (SELECT FROM unnest($5) AS phrase WHERE NOT (document.title ~* phrase OR document.text ~* phrase))
        )
        AND NOT (
          document.id IN (SELECT id FROM unwanted WHERE phrase <> '')
          AND EXISTS (SELECT FROM unnest($8) AS phrase WHERE phrase <> '' AND (document.title ~* phrase OR document.text ~* phrase))
        )
      ORDER BY document.score DESC, document.stars DESC, document.id DESC
      LIMIT CASE WHEN $17::int4 IS NULL THEN least($19, $22) ELSE $22 END
    ),
    page AS (
      SELECT * FROM best WHERE $17::int4 IS NULL OR (score, stars, id) < ($17, $29::float8, $18::uuid)
      ORDER BY score DESC, stars DESC, id DESC
      LIMIT $19
    )
    SELECT page.*, looked.is_all OR looked.is_cut AS is_over,
      CASE WHEN looked.is_cut THEN looked.read WHEN NOT looked.is_all THEN looked.candidates END AS looked_at
    FROM (
      SELECT is_cut, read, candidates, candidates < $21 AS is_all
      FROM looked CROSS JOIN (
        SELECT CASE
            WHEN count(*) = 1 THEN (SELECT count(*) FROM candidate)
            ELSE coalesce((SELECT cardinality(ids) FROM looked_at), 0)
          END AS candidates
        FROM rarity
      ) AS counted
    ) AS looked
    LEFT JOIN (
      SELECT score, stars, kind, id, session_id, title, at, substr(text, greatest(place.first - $24, 1), $25) AS excerpt
      FROM page
      CROSS JOIN LATERAL (
        SELECT CASE
            WHEN length(page.text) <= $25 THEN 0
            ELSE coalesce(nullif(regexp_instr(page.text, $32, 1, 1, 0, 'i'), 0), regexp_instr(page.text, $20, 1, 1, 0, 'i'))
          END AS first
      ) AS place
    ) AS page ON true
    ORDER BY page.score DESC, page.stars DESC, page.id DESC
    """,
    account_id=UUID,
    words=array_of(TEXT),
    numbers=array_of(INT4),
    titled=array_of(INT4),
    phrases=array_of(TEXT),
    unwanted=array_of(TEXT),
    unwanted_numbers=array_of(INT4),
    unwanted_phrases=array_of(TEXT),
    reads_all=BOOL,
    reader_id=UUID,
    kind=TEXT,
    since=TIMESTAMPTZ,
    until=TIMESTAMPTZ,
    status=TEXT,
    assignee_id=UUID,
    client_name=TEXT,
    after_score=INT4,
    after_id=UUID,
    most=INT4,
    shown=TEXT,
    most_candidates=INT4,
    most_hits=INT4,
    plain=array_of(INT4),
    before=INT4,
    longest=INT4,
    counted=INT4,
    prior_stars=FLOAT8,
    prior_votes=INT4,
    after_stars=FLOAT8,
    most_read=INT4,
    most_text=INT4,
    runs=TEXT,
)


def alike_call(account_id: AccountId, query: Query) -> Call | None:
    """What finds words of titles that words of the query may stand for; None where none may."""
    spelt = sorted({spelling for word in query.single if len(found := spellings(word)) > 1 for spelling in found})
    beginning = query.beginning
    if not (spelt or beginning):
        return None
    ending = None if beginning is None else beginning + "\U0010ffff"
    return ALIKE(account_id=account_id, spellings=spelt, beginning=beginning, ending=ending, most=MOST_SPELT)


def find_calls(
    account_id: AccountId,
    query: Query,
    alike: Sequence[str],
    within: Within,
    reads: Mapping[str, Any],
    *,
    after: Place | None,
    limit: int,
) -> Iterator[Call]:
    """What finds a page: one after the other, each of more candidates."""
    wanted: list[tuple[str, int, int, int | None]] = []
    for number, token in enumerate(query.tokens):
        wanted.append((token, number, IN_TITLE, IN_TEXT))
        wanted += [(other, number, ALIKE_IN_TITLE, None) for other in query.alike(token, alike)]
    for number, headings in enumerate(within.headings, len(query.tokens)):
        # The newest first, as candidates are wanted.
        wanted += [(heading, number, 0, 0) for heading in reversed(headings)]
    unwanted = [(token, number) for number, term in enumerate(query.without, 1) for token in term.tokens]
    phrases = [pattern(term) for term in query.terms if term.is_phrase]
    unwanted_phrases = [pattern(term) if term.is_phrase else "" for term in query.without]
    numbers = looks(len(wanted) + len(unwanted))
    given = dict(
        account_id=account_id,
        words=[word for word, _, _, _ in wanted],
        numbers=[number for _, number, _, _ in wanted],
        titled=[worth for _, _, worth, _ in wanted],
        plain=[worth for _, _, _, worth in wanted],
        phrases=phrases,
        unwanted=[token for token, _ in unwanted],
        unwanted_numbers=[number for _, number in unwanted],
        unwanted_phrases=unwanted_phrases,
        kind=within.kind,
        since=within.start,
        until=within.end,
        status=within.status,
        assignee_id=within.assignee_id,
        client_name=within.client_name,
        after_score=after and after.score,
        after_id=after and after.id,
        after_stars=after and after.stars,
        most=limit,
        shown=any_word(query.shown),
        runs=any_run(query.runs),
        most_read=MOST_READ,
        most_text=MOST_TEXT // max(len(phrases) + len([*filter(None, unwanted_phrases)]), 1),
        most_hits=MOST_HITS,
        before=2 * AROUND,
        counted=numbers[0],
        prior_stars=PRIOR_VOTES * PRIOR_STARS,
        prior_votes=PRIOR_VOTES,
        longest=2 * (AROUND + LONGEST_SNIPPET),
        **reads,
    )
    for candidates in numbers:
        yield FIND(**given, most_candidates=candidates)


def is_over(result: Result) -> bool:
    """Whether more candidates would find no more, or take too long."""
    return all(row.is_over for row in result.rows)


def found(result: Result, query: Query) -> Found:
    """What the result of one of `find_calls` says; it has one row where nothing was found."""
    hits = tuple(
        Hit(
            kind=HitKind(row.kind),
            id=row.id,
            session_id=row.session_id,
            title=row.title,
            snippet=snippet(row.excerpt, query),
            at=row.at,
            score=row.score,
            stars=row.stars,
        )
        for row in result.rows
        if row.id is not None
    )
    return Found(hits=hits, looked_at=result.rows[0].looked_at)
