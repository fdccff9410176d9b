//! Python modules around connection sites, made of a string of choices.
//!
//! A choice that is missing is the simplest one, so that taking bytes away or making them smaller makes a simpler module: that is how
//! proptest shrinks a failure.

/// Choices, one byte each.
struct Choices<'b> {
    bytes: &'b [u8],
}

impl Choices<'_> {
    /// One of `n`.
    fn of(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        usize::from(*first) % n
    }

    fn one<'o>(&mut self, options: &[&'o str]) -> &'o str {
        options[self.of(options.len())]
    }

    /// Once in `n` times; never when the choices are at their end.
    fn rarely(&mut self, n: usize) -> bool {
        self.of(n) == n - 1
    }

    fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A generated module.
#[derive(Debug, Clone)]
pub(super) struct Module {
    /// Where it lies in its project.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// The module that `bytes` choose, the `index`th of its project.
pub(super) fn module(bytes: &[u8], index: usize) -> Module {
    let mut choices = Choices { bytes };
    let folder = choices.one(&["app/services", "app/agents", "jobs"]);
    let unit = choices.one(&["    ", "\t", "  "]);
    let is_dos = choices.rarely(4);
    let has_mark = choices.rarely(6);
    let is_open = choices.rarely(4);
    let mut writer = Writer {
        choices,
        text: String::new(),
        unit,
        depth: 0,
        count: 0,
        connections: Vec::new(),
        pools: Vec::new(),
        is_async: false,
        loops: 0,
        may_yield: false,
    };
    writer.top();
    let mut text = writer.text;
    if is_open {
        text.truncate(text.trim_end().len());
    }
    if has_mark {
        text.insert(0, '\u{feff}');
    }
    if is_dos {
        text = text.replace('\n', "\r\n");
    }
    let path = format!("{folder}/made{index}.py");
    Module { path, text }
}

/// How deep statements may nest.
const MAX_DEPTH: usize = 7;

struct Writer<'b> {
    choices: Choices<'b>,
    text: String,
    unit: &'static str,
    depth: usize,
    /// Makes names, texts and comments different from each other.
    count: usize,
    /// The connections in scope.
    connections: Vec<String>,
    /// The expressions in scope that give a pool.
    pools: Vec<String>,
    is_async: bool,
    /// The loops around, inside of the function.
    loops: usize,
    may_yield: bool,
}

impl Writer<'_> {
    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn indent(&self) -> String {
        self.unit.repeat(self.depth)
    }

    /// A line of its own, with what may stand around it: comments, blank lines, a form feed.
    fn line(&mut self, code: &str) {
        let indent = self.indent();
        match self.choices.of(12) {
            9 => {
                let comment = self.comment();
                self.put(&format!("{indent}{comment}\n"));
            }
            10 => self.text.push('\n'),
            11 if self.choices.rarely(3) => self.put(&format!("{indent}  \n\u{c}\n")),
            11 => {
                // A comment that keeps to no indentation.
                let comment = self.comment();
                self.put(&format!(" {comment}\n"));
            }
            _ => {}
        }
        self.put(&indent);
        self.put(code);
        if self.choices.rarely(5) {
            let comment = self.comment();
            self.put(&format!("  {comment}"));
        }
        self.text.push('\n');
    }

    fn comment(&mut self) -> String {
        let n = self.next();
        let words = self
            .choices
            .one(&["", " why", " 'it''s'", " \"\"\" (", " ünï", " \\"]);
        format!("# c{n}{words}")
    }

    /// A comment and a line break inside of brackets, or nothing.
    fn gap(&mut self) -> String {
        match self.choices.of(5) {
            3 => format!("\n{}", self.ragged()),
            4 => {
                let comment = self.comment();
                format!("  {comment}\n{}", self.ragged())
            }
            _ => String::new(),
        }
    }

    /// A line break inside of brackets, or nothing.
    fn break_(&mut self) -> String {
        if self.choices.rarely(4) {
            format!("\n{}", self.ragged())
        } else {
            String::new()
        }
    }

    /// The indentation of a continuation line.
    fn ragged(&mut self) -> String {
        let indent = self.indent();
        match self.choices.of(4) {
            0 => format!("{indent}{}", self.unit),
            1 => indent,
            2 => String::new(),
            _ => format!("{indent}{}{} ", self.unit, self.unit),
        }
    }

    fn top(&mut self) {
        if self.choices.rarely(3) {
            self.put("#!/usr/bin/env python\n");
        }
        match self.choices.of(4) {
            1 => self
                .text
                .push_str("\"\"\"A module.\n\n  With lines.\n\"\"\"\n"),
            2 => self.put("'doc'; X = 1\n"),
            3 => self
                .text
                .push_str("\"doc\"\n\nfrom __future__ import annotations\n"),
            _ => {}
        }
        self.imports();
        loop {
            self.definition();
            if self.choices.is_done() {
                break;
            }
        }
    }

    fn imports(&mut self) {
        let getter = match self.choices.of(6) {
            0 => ("from app.db.connection import get_db_pool", "get_db_pool()"),
            1 => ("from app.db.connection import get_db_pool as gp", "gp()"),
            2 => ("from app.db import connection", "connection.get_db_pool()"),
            3 => ("import app.db.connection as db", "db.get_db_pool()"),
            4 => (
                "from app.db.connection import (  # c0\n    get_db_pool,\n)",
                "get_db_pool()",
            ),
            _ => (
                "import app.db.connection",
                "app.db.connection.get_db_pool()",
            ),
        };
        if self.choices.rarely(3) {
            self.line("import asyncio, os; import json");
        }
        if self.choices.rarely(4) {
            self.line("if True:");
            self.line(&format!(
                "{}{}",
                self.unit,
                getter.0.replace('\n', &format!("\n{}", self.unit))
            ));
        } else {
            self.line(getter.0);
        }
        self.pools.push(getter.1.to_owned());
        if self.choices.rarely(4) {
            self.line(&format!("pool = {}", getter.1));
            self.pools.push("pool".to_owned());
        }
    }

    /// A function or class of the module.
    fn definition(&mut self) {
        if self.choices.rarely(4) {
            let n = self.next();
            let parameters = self.type_parameters();
            self.line(&format!("class Größe{n}{parameters}:"));
            self.depth += 1;
            let pools = self.pools.clone();
            self.init();
            for _ in 0..=self.choices.of(2) {
                self.function(true);
            }
            self.pools = pools;
            self.depth -= 1;
        } else {
            self.function(false);
        }
    }

    /// A constructor or a lazy getter that keeps the pool.
    fn init(&mut self) {
        let pool = self.pool();
        match self.choices.of(4) {
            0 => self.line(&format!("def __init__(self): self.db_pool = {pool}")),
            1 => {
                self.line("def __init__(self, db_pool=None):");
                self.depth += 1;
                self.line("\"\"\"Makes one.\"\"\"");
                self.line(&format!("self.db_pool = db_pool or {pool}"));
                self.depth -= 1;
            }
            2 => {
                self.line("def __init__(self):");
                self.depth += 1;
                self.line("self.db_pool = None");
                self.depth -= 1;
                self.text.push('\n');
                self.line("def _pool(self):");
                self.depth += 1;
                self.line("if self.db_pool is None:");
                self.depth += 1;
                self.line(&format!("self.db_pool = {pool}"));
                self.depth -= 1;
                self.line("return self.db_pool");
                self.depth -= 1;
                self.pools.push("self._pool()".to_owned());
            }
            _ => {
                self.line("kind = 'none'");
                return;
            }
        }
        self.text.push('\n');
        self.pools.push("self.db_pool".to_owned());
    }

    fn function(&mut self, method: bool) {
        let n = self.next();
        if self.choices.rarely(4) {
            self.line("@decorated(1,");
            let comment = self.comment();
            self.put(&format!("  2)  {comment}\n"));
        }
        let own = if method { "self, " } else { "" };
        let user = self
            .choices
            .one(&["user_id", "ctx", "user_id=None", "*args", "größe"]);
        let outer = (self.connections.clone(), self.pools.clone());
        let (was_async, loops, may_yield) = (self.is_async, self.loops, self.may_yield);
        self.is_async = !self.choices.rarely(8);
        self.may_yield = self.choices.rarely(5);
        self.loops = 0;
        let word = if self.is_async { "async def" } else { "def" };
        let gap = self.gap();
        let parameters = self.type_parameters();
        self.line(&format!("{word} f{n}{parameters}({own}{gap}{user}):"));
        self.suite();
        (self.connections, self.pools) = outer;
        (self.is_async, self.loops, self.may_yield) = (was_async, loops, may_yield);
    }

    /// The type parameters of Python 3.12, or none.
    fn type_parameters(&mut self) -> String {
        match self.choices.of(12) {
            9 => "[T]".to_owned(),
            10 => "[Ä: (int, str), *Ts, **P]".to_owned(),
            11 => {
                let (one, two) = (self.gap(), self.gap());
                format!("[{one}T: int,{two} U]")
            }
            _ => String::new(),
        }
    }

    fn suite(&mut self) {
        self.depth += 1;
        let (connections, pools) = (self.connections.clone(), self.pools.clone());
        let mut statements = 1 + self.choices.of(4);
        if self.choices.rarely(6) {
            self.line("'''doc\n  string'''");
        }
        while statements > 0 {
            self.statement();
            statements -= 1;
        }
        self.connections = connections;
        self.pools = pools;
        self.depth -= 1;
    }

    fn statement(&mut self) {
        let nests = self.depth < MAX_DEPTH && !self.choices.is_done();
        match self.choices.of(10) {
            0..=3 if nests && self.is_async => self.borrow(),
            0..=4 => self.query(),
            5 => self.other_site(),
            6 | 7 if nests => self.compound(),
            _ => self.filler(),
        }
    }

    fn pool(&mut self) -> String {
        let n = self.choices.of(self.pools.len());
        self.pools[self.pools.len() - 1 - n].clone()
    }

    /// `async with pool.acquire() as conn:` in all its forms.
    fn borrow(&mut self) {
        let pool = self.pool();
        let conn = match self.choices.of(4) {
            0 => "conn".to_owned(),
            1 => "c".to_owned(),
            2 => "größe_".to_owned(),
            _ => format!("conn{}", self.next()),
        };
        let (one, two, three) = (self.gap(), self.gap(), self.gap());
        let header = match self.choices.of(8) {
            0..=3 => format!("async with {pool}.acquire() as {conn}:"),
            4 => format!("async with {pool}.acquire({one}) as {conn}:"),
            5 => format!("async with ({one}{pool}.acquire() as {conn}{two},{three}):"),
            6 => format!(
                "async with {pool} \\\n{}.acquire() as {conn}:",
                self.ragged()
            ),
            _ => format!("async with lock, {pool}.acquire() as {conn}:"),
        };
        self.connections.push(conn);
        if self.choices.rarely(8) {
            let first = self.simple_query();
            let second = self.simple_query();
            self.line(&format!("{header} {first}; {second}"));
        } else {
            self.line(&header);
            self.suite();
        }
        self.connections.pop();
    }

    /// A query text, each another one.
    fn sql(&mut self) -> String {
        let n = self.next();
        let table = self
            .choices
            .one(&["securities", "lots", "prices", "portfolios"]);
        match self.choices.of(9) {
            0 | 1 => format!("\"SELECT {n} FROM {table}\""),
            2 => format!("'UPDATE {table} SET a = {n}'"),
            3 => format!("\"\"\"\n SELECT {n}\n\t  FROM {table}\n    \"\"\""),
            4 => {
                let (one, two) = (self.gap(), self.gap());
                format!("({one}'SELECT {n} '{two} 'FROM {table}')")
            }
            5 => format!("f\"SELECT {n} FROM {{table}}\""),
            6 => format!("f'''SELECT {n} FROM {table} {{\n  where\n}} -- x\n  '''"),
            7 => format!("'SELECT {n} FROM {table} \\\n  LIMIT 1'"),
            _ => format!("query{n}"),
        }
    }

    /// A call on the connection, or on a pool where there is none.
    fn call(&mut self) -> String {
        let object = match self.connections.last() {
            Some(conn) if !self.choices.rarely(8) => conn.clone(),
            _ => self.pool(),
        };
        let method = self
            .choices
            .one(&["fetch", "fetchrow", "fetchval", "execute", "executemany"]);
        let sql = self.sql();
        let (one, two) = (self.gap(), self.break_());
        let rest = self
            .choices
            .one(&["", ", 1", ", *args", ", timeout=5", ", größe, 2"]);
        match self.choices.of(6) {
            4 => format!("{object}.{method}({one}{sql}{rest},{two})"),
            5 => format!("({one}{object}{two}.{method}({sql}{rest}))"),
            _ => format!("{object}.{method}({sql}{rest})"),
        }
    }

    fn simple_query(&mut self) -> String {
        if !self.is_async {
            return "pass".to_owned();
        }
        let call = self.call();
        let n = self.next();
        match self.choices.of(12) {
            0..=2 => format!("rows{n} = await {call}"),
            3 => format!("await {call}"),
            4 if !self.may_yield => format!("return await {call}"),
            5 => format!("x = [(await {call})[0], {n}]"),
            6 => format!("f(await {call}, key=lambda größe: größe)"),
            7 => format!("a, *b = await {call}"),
            8 => format!("assert (rows := await {call}), {n}"),
            9 => format!("d[{n}] = [r async for r in {call}]"),
            10 if self.may_yield => format!("yield await {call}"),
            _ => format!("self.x = x{n} = await {call}"),
        }
    }

    fn query(&mut self) {
        let mut line = self.simple_query();
        if self.choices.rarely(6) {
            let more = self.simple_query();
            line = format!("{line}; {more}");
        }
        if self.choices.rarely(8) {
            line.push(';');
        }
        self.line(&line);
    }

    /// The other ways to come by a connection.
    fn other_site(&mut self) {
        let pool = self.pool();
        let n = self.next();
        match self.choices.of(9) {
            0 | 1 => {
                self.line(&format!("pool = {pool}"));
                self.pools.push("pool".to_owned());
            }
            2 => {
                self.line(&format!("pool{n} = {pool}"));
                self.line(&format!("if not pool{n}:"));
                self.depth += 1;
                self.line(&format!("raise RuntimeError('no pool {n}')"));
                self.depth -= 1;
                self.pools.push(format!("pool{n}"));
            }
            3 if self.is_async && self.depth < MAX_DEPTH => self.pair(&pool),
            4 if self.is_async => {
                self.line(&format!("held{n} = await {pool}.acquire()"));
            }
            5 => self.line(&format!("x{n} = {pool}; y{n} = {pool}")),
            6 => self.line(&format!("run({pool}, 1)")),
            7 if self.is_async => {
                self.line("from app.db.connection import execute_query as eq");
                let sql = self.sql();
                self.line(&format!("rows = await eq({sql})"));
            }
            _ => self.line(&format!("if {pool}: pass")),
        }
    }

    /// `conn = await pool.acquire()` and its release.
    fn pair(&mut self, pool: &str) {
        let n = self.next();
        self.line(&format!("held{n} = await {pool}.acquire()"));
        self.line("try:");
        self.connections.push(format!("held{n}"));
        self.suite();
        self.connections.pop();
        self.line("finally:");
        self.depth += 1;
        self.line(&format!("await {pool}.release(held{n})"));
        self.depth -= 1;
    }

    fn compound(&mut self) {
        let n = self.next();
        match self.choices.of(10) {
            0 => {
                self.line(&format!("if x{n}:"));
                self.suite();
                if self.choices.rarely(2) {
                    self.line(&format!("elif y{n}:"));
                    self.suite();
                }
                if self.choices.rarely(2) {
                    self.line("else:");
                    self.suite();
                }
            }
            1 => {
                let word = if self.is_async && self.choices.rarely(2) {
                    "async for"
                } else {
                    "for"
                };
                self.line(&format!("{word} x{n}, *y in z:"));
                self.loops += 1;
                self.suite();
                self.loops -= 1;
                if self.choices.rarely(3) {
                    self.line("else:");
                    self.suite();
                }
            }
            2 => {
                self.line(&format!("while (x{n} := y()):"));
                self.loops += 1;
                self.suite();
                self.loops -= 1;
            }
            3 => {
                self.line("try:");
                self.suite();
                let handler = self
                    .choices
                    .one(&["except E as e:", "except (E, F):", "except:"]);
                self.line(handler);
                self.suite();
                if self.choices.rarely(2) {
                    self.line("finally:");
                    let outer = (self.loops, self.may_yield);
                    self.depth += 1;
                    self.line("done()");
                    self.depth -= 1;
                    (self.loops, self.may_yield) = outer;
                }
            }
            4 => {
                self.line(&format!("match x{n}:"));
                self.depth += 1;
                self.line("case {'k': [1, *_]} if y:");
                self.suite();
                self.line("case _:");
                self.suite();
                self.depth -= 1;
            }
            5 => self.function(false),
            6 => {
                let parameters = self.type_parameters();
                self.line(&format!("class C{n}{parameters}(Base):"));
                self.depth += 1;
                self.function(true);
                self.depth -= 1;
            }
            7 if self.is_async && !self.connections.is_empty() => {
                let conn = self.connections[self.connections.len() - 1].clone();
                self.line(&format!("async with {conn}.transaction():"));
                self.suite();
            }
            _ => {
                let header = self.choices.one(&[
                    "with lock:",
                    "with open(p) as f, lock:",
                    "with suppress(E):",
                ]);
                self.line(header);
                self.suite();
            }
        }
    }

    fn filler(&mut self) {
        let n = self.next();
        match self.choices.of(18) {
            0 => self.line(&format!("x{n} = {n}")),
            15 => {
                let parameters = self.type_parameters();
                self.line(&format!("type Größen{n}{parameters} = list[{n}]"));
            }
            16 => self.line("type = 1; type, x = x, type"),
            1 => self.line(&format!("x = '''{n}\n  text\n\t# no comment\n'''")),
            2 => self.line("x = f'{d!r:>{w}} {\"a\"}'; y = 1"),
            3 => self.line("x = f\"{d[\"k\"]} {f'{1}'}\""),
            4 => {
                let ragged = self.ragged();
                self.line(&format!("x = 1 + \\\n{ragged}2; \\\n  y = 3"));
            }
            5 => {
                let (one, two) = (self.gap(), self.gap());
                self.line(&format!("x = [{one}1,{two} 2]"));
            }
            6 => self.line("größe: int = 1"),
            7 if self.loops > 0 => {
                let word = self.choices.one(&["break", "continue"]);
                self.line(&format!("if x: {word}"));
            }
            8 if !self.may_yield => self.line("if x: return None"),
            9 => self.line(&format!("raise E{n}")),
            10 if self.may_yield => self.line("yield"),
            11 => self.line("x = lambda a, *b: (yield_, a)"),
            12 => match self.connections.last().cloned() {
                Some(conn) => self.line(&format!("await_({conn})")),
                None => self.line("pass"),
            },
            13 => self.line("x = {**a, 'k': (y := 2)}; del x"),
            14 => self.line("from app.db import connection as shared; shared.x"),
            _ => self.line("pass"),
        }
    }
}
