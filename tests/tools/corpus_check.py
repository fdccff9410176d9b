#!/usr/bin/env python3
"""Runs connmod over a copy of a checkout, as its maintainer would, and reports what is wrong with the outcome.

    tests/tools/corpus_check.py PATH --binary target/release/connmod

It learns the settings, scans, shows the diff and applies it, once with the safe edits and once with the unsafe ones too, and checks that

- nothing crashes, the diff is one that `git apply` takes and that gives what `apply` writes, and a second diff is empty;
- every file that compiled before compiles, and pyflakes finds nothing new;
- every comment is still there, no string is new, and strings are gone only where a file has a site that is removed;
- line ends, byte order mark and final line break are what they were, and only files with sites changed;
- no name is gone from a module that another module imports it from;
- every place that a plain text search finds (`.acquire(`, `connect(`, `create_pool`, the names of the standard) is a site, or dismissed with
  a reason, or no code: a comment, a string, an import, a definition; `connect(` counts where the file names the driver.

The report goes to standard output; the exit code is 1 when something is wrong. Needs pyflakes; nothing of the checkout is run.
"""

import argparse
import ast
import collections
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize

from pyflakes import checker

# What a person would search for, by migration; the driver whose name a file must have for `connect(` to count.
SEARCHES = {
    "asyncpg": [r"\.acquire\(", r"\basyncpg\.connect\b", r"\bconnect\(", r"\bcreate_pool\b"],
    "sqlalchemy": [r"\bsessionmaker\(", r"\basync_sessionmaker\(", r"\bcreate_(?:async_)?engine\(", r"\b\w*SessionLocal\("],
    "connection-service": [r"\.getconn\(", r"\.get_db_connection\(", r"\bpsycopg2?\.connect\(", r"\bThreadedConnectionPool\("],
}
DRIVERS = {"asyncpg": "asyncpg", "sqlalchemy": "sqlalchemy", "connection-service": "psycopg"}
STRINGS = {
    getattr(tokenize, name) for name in ("STRING", "FSTRING_MIDDLE") if hasattr(tokenize, name)
}


class Report:
    """What is wrong, by kind; and figures that are worth knowing."""

    def __init__(self):
        self.problems = collections.defaultdict(list)

    def problem(self, kind, text):
        self.problems[kind].append(text)

    def print(self, shown):
        for kind, texts in sorted(self.problems.items()):
            print(f"\n{kind}: {len(texts)}")
            for text in texts[:shown]:
                print("  " + text.replace("\n", "\n  "))
            if len(texts) > shown:
                print(f"  … and {len(texts) - shown} more (--all shows them)")
        if not self.problems:
            print("nothing is wrong")


def connmod(binary, folder, *line, report=None):
    """Runs a command; returns its standard output. A signal or the exit code of a panic is a problem."""
    started = time.monotonic()
    quiet = {**os.environ, "RUST_BACKTRACE": "0"}
    done = subprocess.run([binary, *line, "--root", "."], cwd=folder, capture_output=True, env=quiet)
    error = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1) or "panicked" in error:
        report.problem("crash", f"connmod {' '.join(line)}: exit code {done.returncode}\n{error[:2000]}")
    return done.stdout.decode(), error, time.monotonic() - started


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return None


def python_files(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if path.is_file() and not path.is_symlink()
    }


def listed_files(checkout):
    """The files that git tracks or does not ignore; of a folder without git, all."""
    command = ["git", "-C", str(checkout), "ls-files", "-co", "--exclude-standard", "-z", "--", "."]
    done = subprocess.run(command, capture_output=True)
    if done.returncode != 0:
        return {path.relative_to(checkout).as_posix() for path in checkout.rglob("*") if path.is_file()}
    return set(filter(None, done.stdout.decode(errors="replace").split("\0")))


def copy_of(checkout, folder, files):
    """A copy in a repository of its own, which tracks the same files, also those that a rule of git would ignore."""
    shutil.copytree(checkout, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    present = [name for name in sorted(files) if (folder / name).exists()]
    add = ["git", "add", "-f", "--pathspec-from-file=-", "--pathspec-file-nul"]
    subprocess.run(add, cwd=folder, input="\0".join(present).encode(), check=True)


def hidden(name):
    return any(part.startswith(".") for part in name.split("/"))


def compiled(source, name):
    """The tree, or None if CPython refuses the source."""
    try:
        tree = ast.parse(source, name)
        compile(source, name, "exec", dont_inherit=True)
        return tree
    except (SyntaxError, ValueError, RecursionError):
        return None


def complaints(tree, name):
    """What pyflakes says, without positions: lines move."""
    found = checker.Checker(tree, filename=name).messages
    return collections.Counter(
        type(message).__name__ + " " + message.message % message.message_args for message in found
    )


def without_lines(counter):
    """Complaints whose text names a line number of the file, with the number left out."""
    neutral = collections.Counter()
    for text, count in counter.items():
        neutral[re.sub(r"\bline \d+", "line", text)] += count
    return neutral


def tokens(source):
    try:
        return list(tokenize.tokenize(io.BytesIO(source).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return []


def texts(source, kinds):
    return collections.Counter(token.string for token in tokens(source) if token.type in kinds)


def layout(source):
    """What no edit may change of a whole file."""
    return {
        "byte order mark": source.startswith(b"\xef\xbb\xbf"),
        "final line break": source.endswith(b"\n"),
        "CRLF": b"\r\n" in source,
        "lone LF": re.search(rb"(?<!\r)\n", source) is not None,
    }


def module_names(tree):
    """The names that a module binds at its top level."""
    names = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def check_text(report, what, name, before, after, sites):
    """One file that was changed."""
    old, new = compiled(before, name), compiled(after, name)
    if old and not new:
        report.problem(f"{what}: does not compile", name)
        return
    if old:
        fresh = without_lines(complaints(new, name)) - without_lines(complaints(old, name))
        for text in sorted(fresh):
            report.problem(f"{what}: new to pyflakes", f"{name}: {text}")
    for text in sorted(texts(before, {tokenize.COMMENT}) - texts(after, {tokenize.COMMENT})):
        report.problem(f"{what}: comment lost", f"{name}: {text}")
    identities = collections.Counter()
    for site in sites:
        # A rewrite names the user, perhaps by a key.
        identities += texts((site["identity"] or "").encode(), STRINGS)
        # What a connection of the service is for is the name of the context.
        identities += collections.Counter([f'"{site["context"]}"'] if site["form"] == "block" else [])
    for text in sorted(texts(after, STRINGS) - texts(before, STRINGS) - identities):
        report.problem(f"{what}: new string", f"{name}: {text[:100]}")
    # The parameters of a direct connection go with it.
    removes = any(site["form"] in ("remove", "block") and site["verdict"] == "rewrite" for site in sites)
    for text in sorted(texts(before, STRINGS) - texts(after, STRINGS)):
        if not removes:
            report.problem(f"{what}: string lost", f"{name}: {text[:100]}")
    for key, value in layout(before).items():
        if layout(after)[key] != value:
            report.problem(f"{what}: layout changed", f"{name}: {key}")


def check_imports(report, what, folder, changed):
    """Names that are gone from a changed module although another module imports them from there."""
    gone = {}
    for name, (before, after) in changed.items():
        lost = module_names(compiled(before, name)) - module_names(compiled(after, name))
        if lost:
            gone[name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")] = lost
    if not gone:
        return
    for name in sorted(python_files(folder)):
        tree = compiled(read(folder / name) or b"", name)
        for node in ast.walk(tree) if tree else ():
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            for module, lost in gone.items():
                if module == node.module or module.endswith("." + node.module):
                    for alias in node.names:
                        if alias.name in lost:
                            report.problem(
                                f"{what}: import broken",
                                f"{name}:{node.lineno}: {alias.name} is gone from {module}",
                            )


def check_apply(report, binary, original, sites, *options):
    """Applies the edits to a fresh copy, and looks at all that changed."""
    what = " ".join(["apply", *options])
    by_file = collections.defaultdict(list)
    for site in sites:
        by_file[site["file"]].append(site)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "copy"
        shutil.copytree(original, folder, symlinks=True)
        diff, _, _ = connmod(binary, folder, "diff", *options, report=report)
        by_git = pathlib.Path(scratch) / "by-git"
        shutil.copytree(original, by_git, symlinks=True)
        if diff:
            done = subprocess.run(
                ["git", "apply", "--whitespace=nowarn", "-"],
                cwd=by_git,
                input=diff.encode(),
                capture_output=True,
            )
            if done.returncode:
                report.problem(f"{what}: git apply refuses the diff", done.stderr.decode()[:2000])
        # The copy tracks its files, but has no commit.
        _, said, _ = connmod(binary, folder, "apply", "--allow-dirty", *options, report=report)
        changed = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if not path.is_file() or path.is_symlink() or name.startswith((".git/", ".connmod/journal/")):
                continue
            if name == ".connmod/.gitignore":
                continue
            before, after = read(original / name), read(path)
            if after != read(by_git / name):
                report.problem(f"{what}: not what the diff gives", name)
            if before == after:
                continue
            if before is None or not name.endswith(".py"):
                report.problem(f"{what}: unexpected file", name)
                continue
            if name not in by_file:
                report.problem(f"{what}: changed without a site", name)
            changed[name] = (before, after)
            check_text(report, what, name, before, after, by_file[name])
        check_imports(report, what, folder, changed)
        again, _, _ = connmod(binary, folder, "diff", *options, report=report)
        if again:
            report.problem(f"{what}: a second diff is not empty", again[:4000])
        connmod(binary, folder, "scan", report=report)
    account = [line for line in said.splitlines() if "changed" in line]
    print(f"{what}: {len(changed)} files changed; {' '.join(account)}")


def standard_names(settings):
    """The names under `standard:` in settings, each with its key, read without a YAML parser."""
    names = {}
    section = re.search(r"^standard:\n((?:[ #].*\n|\n)*)", settings, re.M)
    for key, value in re.findall(r"^ +(\w+): *([\w.]+) *(?:#.*)?$", section[1] if section else "", re.M):
        if key not in ("module", "file"):
            names[value] = key
    return names


def spans_of_no_code(source):
    """Line → columns of comments and strings; and the lines of imports and definitions."""
    hidden_columns = collections.defaultdict(list)
    for token in tokens(source):
        name = tokenize.tok_name[token.type]
        if name in ("COMMENT", "STRING", "FSTRING_MIDDLE"):
            (first, start), (last, end) = token.start, token.end
            for line in range(first, last + 1):
                left = start if line == first else 0
                hidden_columns[line].append((left, end if line == last else 10**9))
    statements = set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return hidden_columns, statements
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            statements.update(range(node.lineno, node.end_lineno + 1))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            statements.add(node.lineno)
    return hidden_columns, statements


def check_search(report, folder, files, scan, names, migrations):
    """Compares the sites with what a plain text search finds."""
    searches = [search for migration in migrations for search in SEARCHES[migration]]
    drivers = [DRIVERS[migration] for migration in migrations]
    explained = collections.defaultdict(set)
    for site in scan["sites"]:
        explained[site["file"]].update(range(site["line"], site["end_line"] + 1))
    for hit in scan.get("dismissed", ()):
        explained[hit["file"]].add(hit["line"])
    unparsed = {entry["file"] for entry in scan["unparsed"]}
    words = [rf"(?<![\w])(?:{'|'.join(map(re.escape, sorted(names)))})\b"] if names else []
    search = re.compile("|".join(searches + words))
    found = 0
    for name in sorted(files):
        source = read(folder / name)
        if source is None or name in unparsed:
            continue
        text = source.decode("utf-8", "replace")
        if not search.search(text):
            continue
        hidden_columns, statements = spans_of_no_code(source)
        names_driver = any(driver in text for driver in drivers)
        for number, line in enumerate(text.split("\n"), 1):
            for match in search.finditer(line):
                found += 1
                place = match.start()
                no_code = any(left <= place < right for left, right in hidden_columns[number])
                # Much else connects; without the driver's name in the file it is not the driver's.
                other = match[0] == "connect(" and not names_driver
                # A helper that is not called is handed on; its calls are found wherever they stand.
                handed_on = names.get(match[0], "pool") not in ("pool", "scope", "rls")
                handed_on = handed_on and not line[match.end() :].lstrip().startswith("(")
                if not (no_code or other or handed_on or number in statements or number in explained[name]):
                    report.problem("unexplained", f"{name}:{number}: {line.strip()[:120]}")
    print(f"text search: {found} hits")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("path", type=pathlib.Path, help="the checkout; it is only read")
    arguments.add_argument("--binary", type=pathlib.Path, required=True, help="the connmod to run")
    arguments.add_argument("--all", action="store_true", help="show every problem, not the first of each kind")
    options = arguments.parse_args()
    binary = str(options.binary.resolve())
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "checkout"
        files = listed_files(options.path)
        copy_of(options.path, folder, files)
        settings, _, _ = connmod(binary, folder, "init", "--print", report=report)
        names = standard_names(settings)
        listed = re.search(r"^migrations:\n((?:  - .*\n)+)", settings, re.M)
        migrations = re.findall(r"^  - ([\w-]+)", listed[1], re.M) if listed else ["asyncpg"]
        print(f"standard: {', '.join(sorted(names)) or 'none found'}")
        text, _, seconds = connmod(binary, folder, "scan", "--format", "json", report=report)
        if not text:
            report.print(10**9)
            return 1
        scan = json.loads(text)
        summary = scan["summary"]
        print(f"scan: {summary['files']} files, {summary['sites']} sites in {seconds:.2f} s: {summary['by_verdict']}")
        if sum(summary["by_verdict"].values()) != summary["sites"] or len(scan["sites"]) != summary["sites"]:
            report.problem("totals do not add up", json.dumps(summary))
        again, _, _ = connmod(binary, folder, "scan", "--format", "json", "--threads", "1", report=report)
        if again != text:
            report.problem("not the same on one thread", "scan --format json")
        connmod(binary, folder, "inventory", report=report)
        code = {name for name in files if name.endswith(".py") and not hidden(name)}
        check_search(report, folder, code, scan, names, migrations)
        check_apply(report, binary, folder, scan["sites"])
        check_apply(report, binary, folder, scan["sites"], "--unsafe")
    report.print(10**9 if options.all else 25)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
