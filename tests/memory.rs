//! What a scan of a large tree takes: the memory of a million lines, of which one file in twenty reaches the database, and of fewer lines
//! that all have to be looked at.
#![cfg(unix)]

#[path = "support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

const FILES: usize = 1_000;
const LINES: usize = 1_000;

/// The promise: the most that a scan may hold, in KiB.
const PROMISE: usize = 300 * 1024;

/// What the trees here take at most, in KiB; the room up to the promise is for other machines and more threads.
const LIMIT: usize = 250 * 1024;

/// Runs a command and prints the most memory that it held, in KiB.
const MEASURE: &str = "import resource, subprocess, sys\n\
    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n";

/// A module of [`LINES`] lines.
fn module(number: usize, reaches_database: bool) -> String {
    let mut text = String::from("import asyncio\nfrom db import get_pool\n\n\n");
    if !reaches_database {
        text = String::from("import asyncio\nfrom collections import Counter\n\n\n");
    }
    let mut function = 0;
    while text.matches('\n').count() < LINES {
        let body = if reaches_database {
            "    async with get_pool().acquire() as conn:\n        found = await conn.fetch('SELECT a, b FROM t WHERE a > $1', items)\n    return found\n"
        } else {
            "    counts = Counter(item.name for item in items if item.size > 10)\n    for name, count in counts.items():\n        await asyncio.sleep(count / 1000)\n    return {name: count * 2 for name, count in counts.items()}\n"
        };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "async def work_{number}_{function}(items):\n{body}\n\n"
        );
        function += 1;
    }
    text
}

/// A module of [`LINES`] lines that takes locks and keeps pools of threads, as much of a standard library does.
fn module_of_locks(number: usize) -> String {
    let mut text =
        String::from("import threading\nfrom concurrent.futures import ThreadPoolExecutor\n\n\n");
    let mut class = 0;
    while text.matches('\n').count() < LINES {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "class Worker{number}_{class}:\n    def __init__(self, size):\n        self._lock = threading.Lock()\n        \
             self._executor = ThreadPoolExecutor(size)\n        self._done = []\n\n    def work(self, items):\n        \
             self._lock.acquire()\n        try:\n            for item in items:\n                \
             self._done.append(self._executor.submit(item.run, item.size * 2))\n        finally:\n            \
             self._lock.release()\n\n\n"
        );
        class += 1;
    }
    text
}

/// A module of [`LINES`] lines with services that keep the pool, and are made by functions of the next module.
fn module_of_services(number: usize) -> String {
    let next = number + 1;
    let mut text = format!(
        "import asyncio\nfrom db import get_pool\nfrom part{}.m{next} import Service{next}\n\n\n\
         class Service{number}:\n    def __init__(self, pool):\n        self._pool = pool\n\n    async def load(self, items):\n        \
         async with self._pool.acquire() as conn:\n            \
         return await conn.fetch('SELECT a, b FROM t WHERE a > $1', items)\n\n\n\
         def service():\n    return Service{next}(get_pool())\n\n\n",
        next / 100
    );
    let mut function = 0;
    while text.matches('\n').count() < LINES {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "async def work_{number}_{function}(items):\n    counts = Counter(item.name for item in items if item.size > 10)\n    \
             for name, count in counts.items():\n        await asyncio.sleep(count / 1000)\n    \
             return {{name: count * 2 for name, count in counts.items()}}\n\n\n"
        );
        function += 1;
    }
    text
}

/// The most that a scan of `folder` holds, in KiB.
fn most_held(python: &OsStr, folder: &Path) -> usize {
    let output = Command::new(python)
        .args(["-c", MEASURE])
        .arg(assert_cmd::cargo::cargo_bin!("connmod"))
        .args(["scan", "--format", "json", "--root"])
        .args([folder, folder])
        .output()
        .unwrap();
    assert!(output.status.success());
    let most = String::from_utf8(output.stdout).unwrap();
    most.trim().parse().unwrap()
}

/// A tree of [`FILES`] modules beside one that opens the pool.
fn tree(module: impl Fn(usize) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("db.py"),
        "import asyncpg\n\n_pool = None\n\nasync def start(dsn):\n    global _pool\n    _pool = await asyncpg.create_pool(dsn)\n\n\
         def get_pool():\n    return _pool\n",
    )
    .unwrap();
    for number in 0..FILES {
        let part = folder.path().join(format!("part{}", number / 100));
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join(format!("m{number}.py")), module(number)).unwrap();
    }
    folder
}

#[test]
fn a_million_lines_are_scanned_in_300_mb() {
    let Some(python) = support::python() else {
        return;
    };
    let folder = tree(|number| module(number, number % 20 == 0));
    let most = most_held(&python, folder.path());
    assert!(most < LIMIT, "{most} KiB");
    assert!(
        most > 10 * 1024,
        "{most} KiB is too little for having read the files"
    );
}

#[test]
fn a_quarter_of_a_million_lines_full_of_locks_too() {
    let Some(python) = support::python() else {
        return;
    };
    let folder = tree(|number| match number % 4 {
        0 => module_of_locks(number),
        _ => String::new(),
    });
    let most = most_held(&python, folder.path());
    assert!(most < LIMIT, "{most} KiB");
}

#[test]
fn services_that_share_a_pool_across_150_files_too() {
    let Some(python) = support::python() else {
        return;
    };
    let folder = tree(|number| match number {
        0..150 => module_of_services(number),
        _ => String::new(),
    });
    let most = most_held(&python, folder.path());
    assert!(most < PROMISE, "{most} KiB");
}
