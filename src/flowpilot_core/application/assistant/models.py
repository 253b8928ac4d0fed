"""Asking models, in order of preference: within an account's budget, and leaving alone who is in trouble."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import define, field, frozen

from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import Assistant, AssistantWork, NotAssessed, Opinion, Question
from flowpilot_core.ports.kernel import BeginWork, Clock

log = logging.getLogger("flowpilot.assessments")

MOST_FAILURES = 3
"""In a row, before a model is left alone for a while: of one account for that account, or of as many accounts for all."""
REST = timedelta(minutes=1)
LONG_REST = timedelta(minutes=10)
"""Where trying again is useless until somebody changes a setting."""
NOBODY = "no model is asked here"
NOTHING = "it had nothing to add"
SET_ASIDE = 60_000
"""Tokens set aside for one opinion, before it is known what it takes."""


@define(kw_only=True)
class Rested:
    """An assistant that is left alone while it is in trouble: a circuit breaker.

    When to come back, if it says so, goes for everybody. That it does not answer, or declines to, goes for the account that it was about:
    the case may be why. Where it fails several accounts and answers none, it goes for everybody.
    """

    assistant: Assistant
    clock: Clock
    _failures: Counter[AccountId] = field(factory=Counter, init=False)
    """In a row, of each account."""
    _failed: set[AccountId] = field(factory=set, init=False)
    """Whom it has failed since it last answered anybody."""
    _until: dict[AccountId | None, datetime] = field(factory=dict, init=False)
    """When its rest ends for an account, and under None for all."""

    @property
    def name(self) -> str:
        """As `Assistant.name` says."""
        return self.assistant.name

    async def assess(self, question: Question) -> Opinion:
        """As `Assistant.assess` says; while it rests, nobody is asked."""
        account_id, now = question.account_id, self.clock.now()
        self._until = {who: until for who, until in self._until.items() if now < until}
        for who in (None, account_id):
            if who in self._until:
                raise NotAssessed("it is left alone for a while after trouble", retry_after=(self._until[who] - now).total_seconds())
        try:
            opinion = await self.assistant.assess(question)
        except NotAssessed as refused:
            self._note(account_id, refused)
            raise
        del self._failures[account_id]
        self._failed.clear()
        return opinion

    def _note(self, account_id: AccountId, refused: NotAssessed) -> None:
        now = self.clock.now()
        if refused.retry_after is not None:
            self._until[None] = now + timedelta(seconds=refused.retry_after)
        else:
            rest = LONG_REST if refused.permanent else REST
            self._failures[account_id] += 1
            self._failed.add(account_id)
            if refused.permanent or self._failures[account_id] >= MOST_FAILURES:
                self._until[account_id] = now + rest
            if len(self._failed) >= MOST_FAILURES:
                self._until[None] = now + rest


@frozen(kw_only=True)
class Models:
    """Models in order of preference; the first that answers is heard."""

    begin: BeginWork[AssistantWork]
    clock: Clock
    assistants: Sequence[Assistant]
    tokens: int
    """Most that one account may use in a month."""

    async def asked(self, question: Question) -> tuple[Opinion | None, str | None]:
        """The first opinion, or else why there is none."""
        problems = []
        for assistant in self.assistants:
            month = f"{self.clock.now():%Y-%m}"
            if not await self._reserve(question, month):
                problems.append("the account's tokens for this month are used up")
                break
            used = SET_ASIDE
            try:
                opinion = await assistant.assess(question)
                used = opinion.origin.tokens_in + opinion.origin.tokens_out
            except NotAssessed as refused:
                used = refused.tokens
                problems.append(f"{assistant.name}: {refused.problem}")
                log.warning("no opinion", extra={"assistant": assistant.name, "problem": refused.problem})
            except Exception as exc:
                # An assistant that breaks its promise is as visible as one that refuses.
                problems.append(f"{assistant.name}: it failed ({type(exc).__name__})")
                log.exception("the assistant failed", extra={"assistant": assistant.name})
            else:
                return opinion, None
            finally:
                await self._settle(question, month, used)
        return None, "; ".join(problems)

    async def _reserve(self, question: Question, month: str) -> bool:
        async with self.begin(question.account_id) as work:
            reserved = await work.token_use.reserve(month, SET_ASIDE, most=self.tokens)
            await work.commit()
        return reserved

    async def _settle(self, question: Question, month: str, used: int) -> None:
        async with self.begin(question.account_id) as work:
            await work.token_use.settle(month, reserved=SET_ASIDE, used=used)
            await work.commit()
