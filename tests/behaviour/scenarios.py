"""Runs the sample application and prints what it answers, so that two versions of it can be compared.

    scenarios.py --dsn DSN --app-root tests/fixtures/ledger [--owner DSN] [--only NAME …]
    scenarios.py --expectations

Prints one JSON object {scenario: {"result": …} or {"error": …}}. The database must be fresh from `prepare.py`: the
scenarios write, and they run in a fixed order. Whatever the database invents (ids, tokens, times) is masked. With
`--owner`, an address at which all rows can be read, each scenario also has "rows": {table: {"added": …, "gone": …}}.

A step that fails is part of the result: {"error": "TypeName"} in its place. What to compare is in `--expectations`:

* ``same``       the application answers alike before and after a migration, as any role;
* ``user_rows``  reads or writes user data without saying who asks. A role that is bound by the policies gets nothing
                 (or a refusal) before; after the migration it gets what a role that bypasses them gets;
* ``either``     a person decides about these sites, so a role that is bound gets either of the two;
* ``private``    asks for what belongs to somebody else. A role that bypasses the policies gets it, which is the leak; a
                 role that is bound never does.

As a role that bypasses the policies (the superuser that ran `prepare.py` will do), every scenario must answer alike before and after, whatever its
class: there the two kinds of connection differ in nothing but transactions. `compare.py` applies these rules.
"""
from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, List, Sequence, Tuple
from uuid import UUID

import asyncpg

MAY = date(2024, 5, 1)
TODAY = date(2024, 6, 15)
PATIENCE = 20.0


@dataclass(frozen=True)
class Person:
    name: str
    id: UUID
    token: str
    household: UUID
    account: UUID
    empty: UUID
    entry: int
    attachment: UUID
    goal: UUID


def _person(name: str, empty: str, entry: int) -> Person:
    def seeded(prefix: str) -> UUID:
        return UUID(prefix + "-0000-4000-8000-000000000000")

    return Person(
        name=name,
        id=seeded(f"0000000{name}"),
        token=f"token-{name}",
        household=seeded(f"000000{name}0"),
        account=seeded(f"00000{name}01"),
        empty=seeded(f"00000{empty}"),
        entry=entry,
        attachment=seeded(f"0000{name}001"),
        goal=seeded(f"0000{name}c01"),
    )


PEOPLE = [_person("a", empty="a03", entry=3), _person("b", empty="b02", entry=6)]
STRANGERS_TOKEN = "token-old"

SCENARIOS: Dict[str, Callable[["App"], Awaitable[Any]]] = {}
EXPECTATIONS: Dict[str, str] = {}


def scenario(expect: str):
    def register(function):
        name = function.__name__.removeprefix("scenario_")
        SCENARIOS[name] = function
        EXPECTATIONS[name] = expect
        return function

    return register


class App:
    """The application under test, started, with short ways to ask it things."""

    def __init__(self, dsn: str) -> None:
        from app.api.server import Server

        self.dsn = dsn
        self.server = Server()
        self.agents: Dict[str, Any] = {}

    async def start(self) -> None:
        from app.services.container import build_agents

        await self.server.start(self.dsn)
        self.agents = build_agents(self.server.services)

    async def stop(self) -> None:
        # Some of the sample's routes leak connections, so a polite close would wait for ever.
        from app.db.connection import get_db_pool

        get_db_pool().terminate()

    def service(self, name: str) -> Any:
        return self.server.services[name]

    async def request(self, person: Person | None, method: str, path: str, **values: Any) -> Any:
        from app.web import Request

        headers = {"authorization": f"Bearer {person.token}"} if person else {}
        query, body = (values, None) if method == "GET" else ({}, values)
        return await step(self.server.handle(method, path, Request(headers=headers, query=query, json=body)))

    async def ask(self, person: Person, capability: str, *, household: UUID | None = None, **arguments: Any) -> Any:
        from app.context import RequestCtx

        agents = {"flow": "cash_flow", "worth": "net_worth", "coach": "budget_coach", "clerk": "document_clerk",
                  "goal": "goal_planner"}
        ctx = RequestCtx(user_id=person.id, as_of=TODAY, household_id=household or person.household)
        agent = self.agents[agents[capability.partition(".")[0]]]
        return await step(agent.execute(capability, ctx, **arguments))


async def step(work: Awaitable[Any]) -> Any:
    """The answer, or the type of the error with the status of the HTTP ones."""
    try:
        return await asyncio.wait_for(work, PATIENCE)
    except Exception as error:
        status = getattr(error, "status_code", None)
        return {"error": f"{type(error).__name__} {status}" if status else type(error).__name__}


def part(answer: Any, key: str) -> Any:
    """One part of an answer whose parts come from different places."""
    return answer if not isinstance(answer, dict) or "error" in answer else answer[key]


async def interrupted(app: App, work: Awaitable[Any], table: str) -> Any:
    """How `work` ends when the server cancels its statement, which waits for `table`."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    other = await asyncpg.connect(app.dsn)
    try:
        async with other.transaction():
            await other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            task = asyncio.ensure_future(step(work))
            while (pid := await other.fetchval(waiting)) is None and not task.done():
                await asyncio.sleep(0.01)
            await other.execute("SELECT pg_cancel_backend($1)", pid)
            return await task
    finally:
        await other.close()


async def for_each(question: Callable[[Person], Awaitable[Any]]) -> Dict[str, Any]:
    return {person.name: await question(person) for person in PEOPLE}


# Already right, or without any user data: nothing may change.


@scenario("same")
async def scenario_signing_in(app: App) -> Any:
    good = await app.request(None, "POST", "/auth/login", email="a@example.org", password="secret-a")
    return {
        "good": sorted(good),
        "wrong": await app.request(None, "POST", "/auth/login", email="a@example.org", password="nonsense"),
        "unknown": await app.request(None, "POST", "/auth/login", email="x@example.org", password="secret-a"),
        "locked": await app.request(None, "POST", "/auth/login", email="c@example.org", password="secret-c"),
        "failures": await app.request(None, "GET", "/auth/failures", email="a@example.org"),
        "me": await for_each(lambda person: app.request(person, "GET", "/auth/me")),
        "expired": await app.request(
            Person(**{**PEOPLE[0].__dict__, "token": STRANGERS_TOKEN}), "GET", "/auth/me"
        ),
        "logout": await app.request(None, "POST", "/auth/logout", token="token-old"),
    }


@scenario("same")
async def scenario_standard_routes(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "accounts": await app.request(person, "GET", "/accounts"),
            "kinds": await app.request(person, "GET", "/accounts/kinds"),
            "created": await app.request(person, "POST", "/accounts", name="New", kind="cash", currency="EUR"),
            "accounts_then": await app.request(person, "GET", "/accounts"),
            "budget_set": await app.request(
                person, "PUT", "/budgets/fun", month="2024-05-01", limit_amount="15.00"
            ),
            "uploaded": await app.request(
                person, "POST", "/attachments", file_name="née.txt", media_type="text/plain", content="Grüße"
            ),
            "wealth_signed_out": await app.request(None, "GET", "/reports/wealth"),
            "goals": await app.request(person, "GET", "/reports/goals"),
            "goals_signed_out": await app.request(None, "GET", "/reports/goals"),
            "sources": await app.request(person, "GET", "/rates/sources"),
        }

    return await for_each(one)


@scenario("same")
async def scenario_standard_agents(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "top": await app.ask(person, "flow.top_payees", limit=2),
            "holdings": await app.ask(person, "worth.holdings"),
            "categories": await app.ask(person, "coach.categories"),
        }

    return await for_each(one)


@scenario("same")
async def scenario_shared_data_routes(app: App) -> Any:
    return {
        "rates": await app.request(None, "GET", "/rates", base="EUR", as_of="2024-05-01"),
        "converted": await app.request(
            None, "GET", "/rates/convert", amount="10", base="EUR", quote="USD", as_of="2024-05-20"
        ),
        "inverse": await app.request(
            None, "GET", "/rates/convert", amount="11", base="USD", quote="EUR", as_of="2024-05-20"
        ),
        "no_rate": await app.request(
            None, "GET", "/rates/convert", amount="11", base="USD", quote="XXX", as_of="2024-05-20"
        ),
        "calendar": await app.request(None, "GET", "/rates/calendar", year=2024),
        "newest": await app.request(None, "GET", "/rates/newest"),
        "currencies": await app.request(None, "GET", "/rates/currencies"),
        "categories": await app.request(None, "GET", "/categories"),
        "ping": await app.request(None, "GET", "/statements/ping"),
        "size_is_known": app.server.pool_size() > 0,
        "started_with": sorted(app.server.known_currencies),
    }


@scenario("same")
async def scenario_rate_services(app: App) -> Any:
    from app.services import importer
    from app.services.exchange_rates import ExchangeRates
    from app.services.ratebook import DoubleBook, default_book
    from app.services.replica import Replica
    from app.services.search import RateSearch
    from app.db.connection import get_db_pool

    rates = app.service("rates")
    search = RateSearch()
    replica = Replica()
    os.environ["LEDGER_REPLICA_URL"] = app.dsn
    result = {
        "sources": await step(rates.sources()),
        "rate": await step(rates.rate("EUR", "USD", date(2024, 5, 20))),
        "rate_again": await step(rates.rate("EUR", "USD", date(2024, 5, 20))),
        "no_rate": await step(rates.rate("EUR", "XXX", MAY)),
        "rate_first": await step(ExchangeRates().rate("EUR", "USD", date(2024, 5, 20))),
        "stored_first": await step(ExchangeRates().store([("EUR", "CZK", MAY, Decimal(25))], "ecb")),
        "stored": await step(
            rates.store([("EUR", "SEK", MAY, Decimal(11)), ("EUR", "NOK", MAY, Decimal(-1))], "ecb")
        ),
        "stored_bad_source": await step(rates.store([("EUR", "DKK", MAY, Decimal(7))], "nobody")),
        "found": await step(search.find(base="EUR", order="rate")),
        "found_all": await step(search.find()),
        "count": await step(search.count("exchange_rates")),
        "refused": await step(search.count("entries")),
        "column": await step(search.column_and_count("exchange_rates", "base")),
        "latest": await step(search.latest("EUR")),
        "latest_one": await step(search.latest("EUR", "USD")),
        "book": await step(app.service("ratebook").rates("EUR", TODAY)),
        "default_book": await step(default_book().total([("USD", Decimal(5))], "EUR", TODAY)),
        "double": await step(DoubleBook(get_db_pool(), get_db_pool()).difference("EUR", "USD", MAY)),
        "curve": await step(replica.rate_curve("EUR", "USD")),
        "age_is_known": isinstance(await step(replica.age()), float),
        "loaded": await step(importer.load_rates([("GBP", "USD", date(2024, 5, 2), Decimal("1.3"))])),
        "not_loaded": await step(importer.load_rates([("EUR", "USD", MAY, Decimal(1)), ("EUR", "USD", MAY, Decimal(2))])),
        "days": await step(importer.rate_days()),
    }
    await step(replica.close())
    return result


@scenario("same")
async def scenario_price_services(app: App) -> Any:
    from app.services import importer, pricing

    prices = app.service("prices")
    return {
        "close": await step(prices.close_of("ACME", TODAY)),
        "security": await step(prices.security("ZINC")),
        "unknown": await step(prices.security("NOPE")),
        "recorded": await step(prices.record("ZINC", MAY, Decimal("3.5"))),
        "not_recorded": await step(prices.record("NOPE", MAY, Decimal("3.5"))),
        "merged": await step(importer.merge_prices([("ZINC", date(2024, 5, 3), Decimal(4)), ("NOPE", MAY, Decimal(1))])),
        "merged_again": await step(importer.merge_prices([("ZINC", date(2024, 5, 3), Decimal(5))])),
        "stale": await step(prices.stale(date(2024, 5, 10))),
        "tickers": await step(prices.tickers()),
        "held": await step(prices.held_by_anyone()),
        "history": await step(pricing.history("ACME")),
        "history_between": await step(pricing.history("ACME", MAY, date(2024, 5, 15))),
    }


@scenario("same")
async def scenario_categorizer(app: App) -> Any:
    from app.services.categorizer import borrowed

    guesser = app.service("categorizer")

    async def through_borrowed() -> int:
        async with borrowed() as conn:
            return await conn.fetchval("SELECT count(*) FROM category_hints")

    return {
        "guess": await step(guesser.guess("The Grocer's")),
        "guess_sql": await step(guesser.guess_by_database("Landlord & Sons")),
        "guess_none": await step(guesser.guess("Zoo")),
        "guess_many": await step(guesser.guess_many(["cinema", "nothing"])),
        "learn": await step(guesser.learn("Zoo", "fun")),
        "learn_again": await step(guesser.learn("Zoo", "fun")),
        "guess_learned": await step(guesser.guess("zoo")),
        "exists": await step(guesser.exists("food", "no such")),
        "weights": await step(guesser.weights()),
        "retry": await step(guesser.retry("cinema")),
        "census": await step(guesser.census()),
        "forget": await step(guesser.forget("Zoo")),
        "forget_again": await step(guesser.forget("Zoo")),
        "borrowed": await step(through_borrowed()),
    }


@scenario("same")
async def scenario_messages(app: App) -> Any:
    from app.services import notifications

    mailer = app.service("mailer")
    return {
        "send": await step(mailer.send("a@example.org", "hello")),
        "send_all": await step(mailer.send_all(["a@example.org", "b@example.org"], "news")),
        "waiting": await step(mailer.waiting()),
        "sent": await step(mailer.mark_sent()),
        "channels": await for_each(lambda person: step(notifications.channels(person.id))),
        "set": await step(notifications.set_channel(PEOPLE[0].id, "mail", False)),
        "recipients": await step(notifications.recipients("news")),
        "recipients_one": await step(notifications.recipients("news", limit=1)),
    }


@scenario("same")
async def scenario_audit_trail(app: App) -> Any:
    trail = app.service("audit")
    return {
        "logged": await step(trail.log_event(PEOPLE[1].id, "tested", {"n": 1})),
        "history_without_user": await for_each(lambda person: step(trail.history(person.id, 2))),
        "days": await step(trail.market_days(MAY)),
    }


@scenario("same")
async def scenario_snapshots(app: App) -> Any:
    from app.services import importer, snapshot

    return {
        "taken": await step(snapshot.take_snapshot(MAY, Decimal("12.5"))),
        "read": await step(snapshot.read_snapshot(MAY)),
        "reset": await step(importer.reset_scratch()),
        "read_none": await step(snapshot.read_snapshot(MAY)),
    }


@scenario("same")
async def scenario_nightly_close(app: App) -> Any:
    from jobs.nightly_close import NightlyClose

    return {
        "first": await step(NightlyClose().run(date(2024, 5, 31))),
        "second": await step(NightlyClose().run(date(2024, 5, 31))),
    }


@scenario("same")
async def scenario_fetch_rates(app: App) -> Any:
    from jobs import fetch_rates

    async def fetch(url: str) -> List[Any]:
        return [("EUR", "PLN", Decimal(4))] if url.endswith("ecb") else []

    return {
        "fetched": await step(fetch_rates.fetch_all(date(2024, 6, 2), fetch, app.dsn)),
        "newest": await step(fetch_rates.newest(app.dsn)),
    }


@scenario("same")
async def scenario_queue(app: App) -> Any:
    from jobs.queue_worker import QueueWorker

    done: List[Any] = []

    async def good(payload: Dict[str, Any]) -> None:
        done.append(payload)

    async def bad(payload: Dict[str, Any]) -> None:
        raise ValueError("no")

    async def work() -> str:
        return "worked"

    worker = QueueWorker({"good": good, "bad": bad})

    async def three_at_once() -> List[str]:
        return sorted(str(each) for each in await asyncio.gather(*(step(worker.work_once()) for _ in range(3))))

    async def one_item_for_three(n: int) -> List[str]:
        await worker.put("good", {"round": n})
        return await three_at_once()

    return {
        "put": [isinstance(await step(worker.put("good", {"n": n})), int) for n in range(3)],
        "peeked": isinstance(await step(worker.peek()), int),
        "worked": [await step(worker.work_once()) for _ in range(2)],
        "at_once": await three_at_once(),
        "once_each": [await one_item_for_three(n) for n in range(5)],
        "put_bad": isinstance(await step(worker.put("bad", {})), int),
        "worked_bad": [await step(worker.work_once()) for _ in range(4)],
        "alone": await step(worker.alone(work)),
        "not_alone": await step(worker.alone(lambda: worker.alone(work))),
        "done": done,
    }


@scenario("same")
async def scenario_archive_and_listen(app: App) -> Any:
    from jobs import archive, listener

    async def later() -> None:
        await asyncio.sleep(0.3)
        await listener.announce("EUR")

    heard, _ = await asyncio.gather(step(listener.listen(1, 5.0)), step(later()))
    return {
        "archived": await step(archive.archive_rates(date(2024, 5, 2))),
        "slow_count": await step(archive.slow_count()),
        "queued": isinstance(await step(archive.queue_entry("nothing")), int),
        "by_hand": await step(archive.by_hand()),
        "by_hand_cancelled": await interrupted(app, archive.by_hand(), "dead_letters"),
        "trim": await step(archive.trim(1000)),
        "compact": await step(archive.compact()),
        "heard": heard,
        "heard_nothing": await step(listener.listen(1, 0.05)),
        "deaf": await step(listener.deaf()),
    }


@scenario("same")
async def scenario_look_alikes(app: App) -> Any:
    from app.ratelimit import Gate, RateLimiter
    from app.services.mailbox import BankClient, NoticeCache

    class Session:
        async def get(self, path: str) -> str:
            return path

    async def work() -> int:
        return 7

    cache = NoticeCache()
    gate = Gate(1)
    async with RateLimiter(rate=1000, capacity=2).slot():
        pass
    return {
        "cache": [cache.add("1"), cache.add("1"), cache.count()],
        "gate": [await gate.run(work), gate.passed],
        "bank": await step(BankClient(Session).balance("DE00")),
    }


# User data without a user: the migration gives them one.


@scenario("user_rows")
async def scenario_account_routes(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "closed": await app.request(person, "GET", "/accounts/closed"),
            "balance": await app.request(person, "GET", f"/accounts/{person.account}/balance"),
            "not_mine": await app.request(
                person, "GET", f"/accounts/{PEOPLE[1 - PEOPLE.index(person)].account}/balance"
            ),
            "not_empty": await app.request(person, "POST", f"/accounts/{person.account}/close"),
            "no_account": await app.request(person, "POST", f"/accounts/{UUID(int=1)}/close"),
            "empty": await app.request(person, "POST", f"/accounts/{person.empty}/close", on="2024-06-14"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_entry_routes(app: App) -> Any:
    async def one(person: Person) -> Any:
        added = await app.request(
            person, "POST", "/entries",
            account_id=str(person.account), booked_on="2024-06-01", amount="-1.50", payee="Kiosk",
        )
        return {
            "added": added,
            "not_added": await app.request(
                person, "POST", "/entries", account_id=str(PEOPLE[1 - PEOPLE.index(person)].account),
                booked_on="2024-06-01", amount="-1.50", payee="Kiosk",
            ),
            "recent": await app.request(person, "GET", "/entries/recent", limit=3),
            "categorised": await app.request(
                person, "POST", f"/entries/{person.entry}/categorise", category="fun"
            ),
            "used": await app.request(person, "GET", "/categories/used"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_budget_routes(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "listed": await app.request(person, "GET", "/budgets", month="2024-05-01"),
            "total": await app.request(person, "GET", "/budgets/total", month="2024-05-01"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_document_routes(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "latest": await app.request(person, "GET", "/statements/latest", account_id=str(person.account)),
            "made": await app.request(
                person, "POST", "/statements", account_id=str(person.account), month="2024-05-01"
            ),
            "attachments": await app.request(person, "GET", "/attachments"),
            "found": await app.request(person, "GET", "/attachments", text="über"),
            "largest": await app.request(person, "GET", "/attachments/largest"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_goal_routes(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "listed": await app.request(person, "GET", "/goals"),
            "bad": await app.request(person, "POST", "/goals", name="zero", target="0"),
            "added": await app.request(person, "POST", "/goals", name="kite", target="12"),
            "saved": await app.request(person, "POST", f"/goals/{person.goal}/save", amount="5"),
            "wealth": await app.request(person, "GET", "/reports/wealth"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_household_routes(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "household": await app.request(person, "GET", f"/households/{person.household}"),
            "not_mine": await app.request(
                person, "GET", f"/households/{PEOPLE[1 - PEOPLE.index(person)].household}"
            ),
            "created": await app.request(person, "POST", "/households", name="Shed"),
            "renamed": await app.request(
                person, "POST", f"/households/{person.household}/rename", name=f"House of {person.name}"
            ),
            "category": await app.request(person, "POST", "/categories", code=f"own-{person.name}", label="Own"),
            "relabelled": await app.request(person, "PUT", f"/categories/own-{person.name}", label="My own"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_cash_flow_agent(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "monthly": await app.ask(person, "flow.monthly", year=2024),
            "gap": await app.ask(person, "flow.first_gap", months=[MAY, date(2024, 6, 1), date(2024, 8, 1)]),
            "converted": await app.ask(person, "flow.converted"),
            "uncleared": await app.ask(person, "flow.uncleared"),
            "export": await app.ask(person, "flow.export"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_other_agents(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "accounts": await app.ask(person, "worth.accounts"),
            "price_age": await app.ask(person, "worth.price_age"),
            "compare": await app.ask(person, "coach.compare", month=MAY),
            "advice": await app.ask(person, "coach.advice", month=MAY),
            "rates": await app.ask(person, "coach.rates"),
            "progress": await app.ask(person, "goal.progress"),
            "months": await app.ask(person, "goal.months_left", name="tree", monthly=Decimal(7)),
            "never": await app.ask(person, "goal.months_left", name="tree", monthly=Decimal(0)),
            "shifted": await app.ask(person, "goal.shift", source="boat", target="hat", amount=Decimal(20)),
            "shifted_nowhere": await app.ask(person, "goal.shift", source="boat", target="?", amount=Decimal(20)),
            "progress_then": await app.ask(person, "goal.progress"),
            "unknown": await app.ask(person, "goal.unknown"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_document_clerk(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "all": await app.ask(person, "clerk.list"),
            "images": await app.ask(person, "clerk.list", kind="image/png"),
            "sizes": await app.ask(person, "clerk.sizes", bounds=[100, 1000, 10000]),
            "renamed": await app.ask(person, "clerk.rename", old="receipt.png", new="bill.png"),
            "digest": await app.ask(person, "clerk.digest"),
        }

    return await for_each(one)


@scenario("user_rows")
async def scenario_crowd(app: App) -> Any:
    """Many requests of both people at once: each answer belongs to who asked."""
    async def one(person: Person) -> Any:
        return await app.request(person, "GET", "/goals"), await app.ask(person, "flow.export")

    answers = await asyncio.gather(*(one(PEOPLE[n % 2]) for n in range(24)))
    return {
        person.name: sorted({json.dumps(masked(answers[n]), sort_keys=True) for n in range(index, 24, 2)})
        for index, person in enumerate(PEOPLE)
    }


# What belongs to somebody else.


@scenario("private")
async def scenario_others(app: App) -> Any:
    async def one(person: Person) -> Any:
        other = PEOPLE[1 - PEOPLE.index(person)]
        return {
            "summary": await app.request(person, "GET", f"/households/{other.household}/summary"),
            "household": await app.ask(person, "flow.household", household=other.household),
        }

    return await for_each(one)


# Left to a person, by one rule or another.


@scenario("either")
async def scenario_reports_for_review(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "cash": await app.request(person, "GET", "/reports/cash", month="2024-05-01"),
            "payees": await app.request(person, "GET", "/reports/custom", kind="payees"),
            "kinds": await app.request(person, "GET", "/reports/custom", kind="kinds"),
            "empty": await app.request(person, "GET", "/reports/custom", kind="?"),
            "rates": await app.request(person, "GET", "/reports/table", table="exchange_rates"),
            "refused": await app.request(person, "GET", "/reports/table", table="users"),
            "maintenance": await app.request(person, "POST", "/reports/maintenance"),
        }

    return await for_each(one)


async def overspent_often(app: App, person: Person) -> Any:
    for n in range(12):
        await app.request(person, "PUT", f"/budgets/never-{n:02}", month="2024-07-01", limit_amount="-1")
    return await app.request(person, "GET", "/budgets/overspent", month="2024-07-01")


@scenario("either")
async def scenario_guards_and_leaks(app: App) -> Any:
    async def one(person: Person) -> Any:
        warm = await app.request(person, "POST", "/statements/warm")
        return {
            "names": await app.request(person, "GET", "/accounts/names"),
            "overspent": await app.request(person, "GET", "/budgets/overspent", month="2024-05-01"),
            "overspent_often": await overspent_often(app, person),
            "statements": await app.request(person, "GET", "/statements/page", account_id=str(person.account)),
            "statement_count": await app.request(person, "GET", "/statements/count"),
            "warm_first": part(warm, "first"),
            "warm_last": part(warm, "last"),
            "notes": await app.request(person, "GET", "/budgets/notes"),
            "stats": await app.request(person, "GET", "/entries/stats"),
            "limits": await app.ask(person, "coach.limits"),
            "alarm": await app.ask(person, "coach.alarm"),
            "alarm_for_nobody": await step(app.agents["budget_coach"].coach_alarm()),
            "goals_of": await step(app.agents["goal_planner"].goal_of(person.id)),
            "goals_of_nobody": await step(app.agents["goal_planner"].goal_of()),
            "by_category": await app.ask(person, "flow.by_category"),
            "orphans": await app.ask(person, "clerk.orphans"),
            "linked": await app.request(
                person, "POST", f"/attachments/{person.attachment}/link", entry_id=person.entry
            ),
            "summary": await app.request(person, "GET", f"/households/{person.household}/summary"),
        }

    return await for_each(one)


@scenario("either")
async def scenario_assembled_and_passed_on(app: App) -> Any:
    """Queries with parts that are known only at run time, and connections that go elsewhere."""
    async def one(person: Person) -> Any:
        return {
            "listed": await app.request(person, "GET", "/entries", order="amount", limit=5),
            "searched": await app.request(person, "GET", "/entries/search", text="grocer"),
            "searched_more": await app.request(
                person, "GET", "/entries/search", since="2024-05-04", at_least="10"
            ),
            "copied": await app.request(
                person, "POST", "/budgets/copy", source="2024-05-01", target="2024-06-01"
            ),
            "copied_nothing": await app.request(
                person, "POST", "/budgets/copy", source="2024-05-01", target="2024-05-01"
            ),
            "streamed": await app.request(person, "GET", "/attachments/stream"),
            "household": await app.ask(person, "flow.household"),
        }

    return await for_each(one)


@scenario("either")
async def scenario_errors_in_between(app: App) -> Any:
    """An error that is swallowed, and an error after a write: in a transaction both would undo work."""
    async def one(person: Person) -> Any:
        from app.db.connection import get_db_connection_with_rls

        async def trail() -> int:
            async with get_db_connection_with_rls(str(person.id)) as conn:
                return await conn.fetchval(
                    "SELECT count(*) FROM audit.events WHERE user_id = $1 AND action = 'entry.unlock'", person.id
                )

        before = await step(trail())
        refused = await app.request(person, "POST", f"/entries/{person.entry}/unlock", pin="1234")
        after = await step(trail())
        return {
            "refused": refused,
            "traces_left": after - before if isinstance(after, int) and isinstance(before, int) else None,
            "unlocked": await app.request(person, "POST", f"/entries/{person.entry}/unlock", pin="0000"),
            "refreshed": await app.ask(person, "worth.refresh", ticker="ACME", quantity=Decimal(8)),
        }

    return await for_each(one)


@scenario("either")
async def scenario_cleaning_up(app: App) -> Any:
    async def one(person: Person) -> Any:
        return {
            "deleted": await app.request(person, "DELETE", f"/entries/{person.entry}"),
            "deleted_again": await app.request(person, "DELETE", f"/entries/{person.entry}"),
            "dropped": await app.request(person, "DELETE", f"/goals/{person.goal}"),
            "renamed": await app.request(person, "POST", f"/accounts/{person.account}/rename", name=f"{person.name} one"),
        }

    return await for_each(one)


@scenario("same")
async def scenario_everyone_at_once(app: App) -> Any:
    """What no identity can be found for stays as it is."""
    return {"volume": await app.request(None, "GET", "/reports/volume")}


@scenario("same")
async def scenario_reminders_job(app: App) -> Any:
    """The job takes each person's identity itself, except where it forgot to."""
    from app.services import importer
    from jobs import reminders

    return {
        "due": await step(reminders.due(TODAY)),
        "sent": await step(reminders.send_due(date(2024, 5, 25))),
        "sent_again": await step(reminders.send_due(date(2024, 5, 25))),
        "purged": await step(reminders.purge(date(2024, 1, 1))),
        "pruned": await step(reminders.prune_outbox(1)),
        "imported": await for_each(
            lambda person: step(
                importer.import_entries(person.id, person.account, "2024-06-03;-4.20;Café\n2024-06-04;-1;Kiosk\n")
            )
        ),
        "import_undone": await step(
            importer.import_entries(PEOPLE[0].id, UUID(int=1), "2024-06-03;-4.20;Nowhere\n")
        ),
        "import_refused": await step(importer.import_entries(PEOPLE[0].id, PEOPLE[0].account, "not a date;1;x\n")),
    }


INVENTED = {
    "<new>": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-(?!0{12}$)[0-9a-f]{12}"),
    "<token>": re.compile(r"[\w-]{32}"),
    "<time>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*"),
}


def masked(value: Any, key: str = "") -> Any:
    """`value` in JSON's types, without what the database made up."""
    if isinstance(value, dict):
        return {str(name): masked(item, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [masked(item) for item in value]
    if value is None or isinstance(value, (bool, float, str)):
        text = value if isinstance(value, str) else ""
        return next((mask for mask, pattern in INVENTED.items() if pattern.fullmatch(text)), value)
    if isinstance(value, int):
        return "<id>" if key == "id" else value
    if isinstance(value, (Decimal, date, UUID, bytes)):
        return masked(str(value))
    return f"<{type(value).__name__}>"


async def query_of_all_rows(owner: asyncpg.Connection) -> str:
    """Asks for each row of each table, with the table's name."""
    tables = await owner.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname !~ '^pg_|^information_schema$' ORDER BY 1"
    )
    return " UNION ALL ".join(f"SELECT '{table}', to_jsonb(t)::text FROM {table} t" for (table,) in tables)


async def all_rows(owner: asyncpg.Connection, query: str) -> Counter[Tuple[str, str]]:
    """How often each row is there."""
    return Counter(
        (table, json.dumps(masked(json.loads(row)), sort_keys=True, ensure_ascii=False))
        for table, row in await owner.fetch(query)
    )


def changes(before: Counter[Tuple[str, str]], after: Counter[Tuple[str, str]]) -> Dict[str, Dict[str, List[str]]]:
    found: Dict[str, Dict[str, List[str]]] = {}
    for kind, difference in (("added", after - before), ("gone", before - after)):
        for table, row in sorted(difference.elements()):
            found.setdefault(table, {}).setdefault(kind, []).append(row)
    return found


async def answer(app: App, function: Callable[[App], Awaitable[Any]]) -> Dict[str, Any]:
    try:
        return {"result": masked(await asyncio.wait_for(function(app), 5 * PATIENCE))}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


async def run(dsn: str, owner_dsn: str | None = None, only: Sequence[str] = ()) -> Dict[str, Any]:
    app = App(dsn)
    await app.start()
    try:
        chosen = {name: function for name, function in SCENARIOS.items() if not only or name in only}
        if owner_dsn is None:
            return {name: await answer(app, function) for name, function in chosen.items()}
        async with asyncpg.create_pool(owner_dsn, min_size=1, max_size=1) as pool, pool.acquire() as owner:
            return await run_with_rows(app, chosen, owner)
    finally:
        await app.stop()


async def run_with_rows(app: App, chosen: Dict[str, Any], owner: asyncpg.Connection) -> Dict[str, Any]:
    query = await query_of_all_rows(owner)
    after = await all_rows(owner, query)
    results: Dict[str, Any] = {}
    for name, function in chosen.items():
        results[name] = await answer(app, function)
        before, after = after, await all_rows(owner, query)
        if changed := changes(before, after):
            results[name]["rows"] = changed
    return results


def enter(root: Path, dsn: str) -> None:
    """Lets this process import the application in `root`, to be run on the database at `dsn`."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(root), str(root / "backend")]
    os.environ["LEDGER_DATABASE_URL"] = dsn
    os.environ["LEDGER_POOL_MAX"] = "12"
    logging.disable(logging.CRITICAL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn")
    parser.add_argument("--owner", metavar="DSN")
    parser.add_argument("--app-root", type=Path)
    parser.add_argument("--only", nargs="*", default=[], choices=sorted(SCENARIOS), metavar="NAME")
    parser.add_argument("--expectations", action="store_true", help="print {scenario: class} and stop")
    options = parser.parse_args()
    if options.expectations:
        print(json.dumps(EXPECTATIONS, indent=1))
        return
    if not options.dsn or not options.app_root:
        parser.error("--dsn and --app-root are needed")

    enter(options.app_root.resolve(), options.dsn)
    print(json.dumps(asyncio.run(run(options.dsn, options.owner, options.only)), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
