"""Steps that share one PostgreSQL transaction: what they ask goes out together, and one COMMIT is for all of them.

Rules of this room:
1. Steps take turns. Each runs until it needs an answer; then what all of them need goes out in one trip. So a batch
   makes as many trips as its longest step would alone.
2. A lock does not keep the steps of one transaction apart. So what locks rows (`Sql.holds`) is not sent while another
   step of the batch holds one of them: it goes out when that step has ended, behind all that it wrote, and finds what
   it would have found had it waited for another transaction's commit. Only a few wait so for a row; others, and whoever
   wants a row of another batch in this loop, leave and come again when that batch is over, if all they did is look.
   So nobody's batch grows long by a row that is not theirs, and batches do not wait for each other's locks.
3. A step sees what the others wrote so far, and is answered together with them or not at all.
4. Whatever goes wrong, the batch is lost without a trace, and its steps run again: who lost it alone, the others with the
   next batch, and alone after that. Only where COMMIT was sent and nobody said what became of it they do not: that is not
   known (rule 4 of `postgres`).
5. What nobody asks for again (`Tx.append`), and rows in which everybody counts (`Tx.add_up`), come last and together.
"""

import time
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import psycopg
from greenlet import GreenletExit, getcurrent, greenlet

from ostiary.server.storage.fibers import Asked
from ostiary.server.storage.jobs import BatchLostError
from ostiary.server.storage.last import Key
from ostiary.server.storage.libpq import Answer, Statement, Wire
from ostiary.server.storage.postgres_last import InFlight, statements
from ostiary.server.storage.postgres_tx import BEGIN_WRITE, PostgresTx, look_at
from ostiary.server.storage.runners import Runner, Runners
from ostiary.server.storage.tx import Sql

LOCK_LIMIT = 50
"""Milliseconds that a batch waits for another transaction's lock: one step's wait is everybody's. Alone, they wait longer."""
MOST_WAITING = 4
"""Steps of one batch that wait for one row of another of its steps."""

_BEGIN: tuple[Statement, ...] = ((BEGIN_WRITE, ()), (f"SET LOCAL lock_timeout = {LOCK_LIMIT}", ()))
_COMMIT: Statement = ("COMMIT", ())


class Batch:
    """One transaction of several steps. Made and run in the greenlet that its steps come back to."""

    def __init__(
        self,
        wire: Wire,
        asked: Sequence[Asked],
        listeners: Container[str],
        neighbours: "Neighbours",
    ) -> None:
        self.home = getcurrent()
        self.listeners = listeners
        self.part = neighbours.in_flight.part()
        self._runners = neighbours.runners
        self.steps = [_Step(one, self, self._runners.take()) for one in asked]
        """Those that are still in it."""
        self._left: list[_Step] = []
        self.later: list[Asked] = []
        """Steps of this or another batch that wait for its end."""
        self._wire = wire
        self._waiting = list(self.steps)
        """Whose asks were not sent yet, first come, first served."""
        self._sent: list[_Step] = []
        """Whose asks stand in `_statements`."""
        self._rows: dict[str, _Step] = {}
        """Name of a row → the step of this batch that holds it."""
        self._holders = neighbours.holders
        self._statements: list[Statement] = list(_BEGIN)
        """What goes out with the next trip."""
        self.culprit: _Step | None = None
        """The step by which the batch was lost; None: it was nobody's fault, or nobody knows whose."""
        self.unknown = False
        """Whether COMMIT was sent, and its answer is not there."""
        self._of_all = 0
        """Statements that its steps had in common."""
        self.committed = False
        """Whether anything was."""
        self.commit_seconds = 0.0
        """From COMMIT, and what went out with it, to its answer."""
        self._begun = False
        """Whether the server answered anything yet."""

    def run(self) -> None:
        """Run all steps, and commit what they did. Raises what went wrong: nothing of it is stored then, or `unknown`."""
        try:
            for step in self.steps:
                self.culprit = step
                step.begin()
            self.culprit = None
            while self._waiting:
                self._turn()
            self._commit()
        finally:
            self.part.end(maybe_stored=self.committed or self.unknown)
            for step in (*self.steps, *self._left):
                step.give_up()
                self._runners.give_back(step.runner)
            for row in self._rows:
                if self._holders.get(row) is self:
                    del self._holders[row]

    @property
    def statements(self) -> int:
        """How many its steps ran."""
        return sum(step.tx.statements for step in (*self.steps, *self._left)) + self._of_all

    def _turn(self) -> None:
        """One trip for everybody who may go on."""
        sent = self._sent = self._admitted()
        if not sent:
            self._break_circle()
            return
        if not self._waiting and all(step.ended and not step.expected for step in sent):
            return  # the rest goes out with COMMIT
        answers = self._trip()
        for step in sent:
            self.culprit = step
            its = answers[step.place : step.place + len(step.asks)]
            if step.ended:
                look_at(step.expected, step.asks, its)
            else:
                step.go_on(its)
                self._waiting.append(step)
        self.culprit = None

    def _admitted(self) -> list["_Step"]:
        """Queue what those ask for who need not wait; a step that has ended leaves its rows to the next."""
        # Two batches that lock the same rows do it in the same order. Whoever waited for a row stays the first for it.
        self._waiting.sort(key=lambda step: step.tx.wants)
        sent: list[_Step] = []
        again = True
        while again:
            again = False
            held_up: list[_Step] = []
            for step in self._waiting:
                holder, elsewhere = self._holder(step), self._elsewhere(step)
                if holder is not None and not (step.may_leave and _is_crowded(holder, held_up)):
                    step.waits_for = holder
                    held_up.append(step)
                elif step.may_leave and (holder is not None or elsewhere is not None):
                    self._dismiss(step, elsewhere or self)
                else:
                    self._send(step)
                    sent.append(step)
                    again = again or (step.ended and bool(held_up))
            self._waiting = held_up
        return sent

    def _holder(self, step: "_Step") -> "_Step | None":
        """Who else of this batch holds a row that it wants; who is through holds nothing any more, for us."""
        for row in step.tx.wants:
            holder = self._rows.get(row)
            if holder is not None and holder is not step and not holder.is_through:
                return holder
        return None

    def _elsewhere(self, step: "_Step") -> "Batch | None":
        """Which other batch holds a row that it wants."""
        for row in step.tx.wants:
            batch = self._holders.get(row, self)
            if batch is not self:
                return batch
        return None

    def _send(self, step: "_Step") -> None:
        for row in step.tx.wants:
            self._rows[row] = step
            self._holders.setdefault(row, self)
        step.tx.wants = []
        step.place = len(self._statements)
        self._statements.extend(step.asks)
        step.is_through = step.ended

    def _dismiss(self, step: "_Step", until: "Batch") -> None:
        """Have a step begin anew once a batch is over. Rows that it locked stay locked as long as ours lasts."""
        self.steps.remove(step)
        self._left.append(step)
        step.leave()
        until.later.append(step.asked)

    def _break_circle(self) -> None:
        """Where all wait for one another's rows, one leaves. Nobody waits: all have left."""
        if self._waiting:
            leaver = next((step for step in self._waiting if step.may_leave), None)
            if leaver is None:
                raise BatchLostError("The steps wait for one another's rows")
            self._waiting.remove(leaver)
            self._dismiss(leaver, self)

    def _commit(self) -> None:
        of_all = statements(self.part.last)
        self._statements += of_all
        self._of_all = len(of_all)
        if not self._begun and len(self._statements) == len(_BEGIN):
            return  # nobody asked the database anything
        self._statements.append(_COMMIT)
        sent_at = time.perf_counter()
        self.unknown = True
        try:
            tag = self._trip()[-1].tag
        except ValueError:  # nothing was sent
            self.unknown = False
            raise
        except psycopg.Error as error:
            # What the server calls an error, and nothing worse, ended the transaction before its COMMIT.
            self.unknown = error.diag.severity_nonlocalized != "ERROR"
            raise
        self.unknown = False
        self.commit_seconds = time.perf_counter() - sent_at
        if tag != "COMMIT":
            raise BatchLostError(f"COMMIT was answered with {tag}")
        self.committed = True

    def _trip(self) -> list[Answer]:
        statements, self._statements = self._statements, []
        self.part.looks()
        try:
            answers = self._wire.trip(*statements)
        except psycopg.Error:
            at = self._wire.failed_at
            asked = (step for step in self._sent if step.place <= at < step.place + len(step.asks))
            self.culprit = next(asked, None)
            raise
        self._begun, self._sent = True, []
        return answers


class _Step:
    """One step of a batch: where it stands, and what it asks for."""

    def __init__(self, asked: Asked, batch: Batch, runner: Runner) -> None:
        self.job, self._context = asked
        self.tx = _BatchTx(batch)
        self.asked = asked
        self.runner = runner
        self._left = False
        self.ended = False
        self.asks: Sequence[Statement] = ()
        """What it waits to have sent."""
        self.place = 0
        """Where that stands in the trip."""
        self.is_through = False
        """Whether all that it wrote is on its way."""
        self.waits_for: _Step | None = None
        """Who had a row that it wanted, when it was last looked."""
        self.expected: dict[int, int] = {}
        """Of one that has ended: rows that are still to be looked at."""

    @property
    def may_leave(self) -> bool:
        """Whether nothing is stored of it, here or by its survivors, so that it can begin anew."""
        return not (self.tx.wrote or self.tx.facts)

    def begin(self) -> None:
        """Run it until it needs an answer."""
        self.job.begun = time.perf_counter()
        self._said(self.runner.begin(self._run, self._context))

    def go_on(self, answers: list[Answer]) -> None:
        """The same, with the answers that it waited for."""
        self._said(self.runner.go_on(answers))

    def _said(self, said: Any) -> None:
        """What it asks for, or what came of it."""
        if not self.runner.done:
            self.asks = said
            return
        if self.tx.failure is not None:  # the step caught it
            raise self.tx.failure
        self.job.value, self.job.ended = said, time.perf_counter()
        self.asks, self.expected, self.ended = self.tx.deferred, self.tx.expected, True

    def leave(self) -> None:
        """Forget what it did so far, which is nothing."""
        self.give_up()
        self.is_through = True
        self.job.begun = self.job.ended = 0.0

    def give_up(self) -> None:
        """Leave it where it is."""
        self._left = True
        self.runner.give_up()

    def _run(self) -> object:
        try:
            return self.job.step(self.tx)
        except GreenletExit as error:  # which a greenlet would give back like a value
            if self._left:
                raise
            raise BatchLostError("A step raised GreenletExit") from error


class Neighbours:
    """What the batches of one event loop have in common."""

    def __init__(self) -> None:
        self.in_flight = InFlight()
        self.holders: dict[str, Batch] = {}
        """Name of a row → the first batch that holds it, or wants it first."""
        self.runners = Runners()


def _is_crowded(holder: _Step, held_up: list[_Step]) -> bool:
    """Whether enough wait for it already."""
    return sum(step.waits_for is holder for step in held_up) >= MOST_WAITING


class _BatchTx(PostgresTx):
    """A step's view of a transaction that it shares."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(_Asking(batch.home), begin=None, listeners=batch.listeners)
        self.last = batch.part.last
        self._part = batch.part

    def append(self, sqls: tuple[Sql, ...], *rows: tuple[Any, ...]) -> None:
        """See `Tx.append`."""
        self.wrote = True
        super().append(sqls, *rows)

    def add_up(self, sqls: tuple[Sql, ...], amounts: Mapping[Key, int]) -> None:
        """See `Tx.add_up`."""
        self.wrote = True
        super().add_up(sqls, amounts)

    def adding(self, sqls: tuple[Sql, ...], about: Callable[[Key], bool]) -> int:
        """See `Tx.adding`."""
        return self._part.unseen(sqls, about)


class _Asking:
    """Stands in a step's transaction for the connection: asks, and leaves the others their turn."""

    def __init__(self, home: greenlet) -> None:
        self._home = home

    def trip(self, *statements: Statement) -> list[Answer]:
        """See `Line.trip`."""
        answers: list[Answer] = self._home.switch(statements)
        return answers
