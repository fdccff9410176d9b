use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const NO_WORDS: &Annotate<'static> = &|_| None;

/// Runs git as on a machine without settings of its own, with `input` on its standard input.
fn git(folder: &Path, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Lets git apply the diff of two texts, and compares what it made with the second.
fn check(path: &str, before: &str, after: &str, annotate: &Annotate<'_>) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, before).unwrap();
    let diff = unified(path, before, after, annotate);
    if before == after {
        assert_eq!(diff, "");
        return;
    }
    for arguments in [&["apply", "--check", "-"][..], &["apply", "-"]] {
        let output = git(folder.path(), arguments, &diff);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{message}\n{diff:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), after, "{diff:?}");
}

fn check_texts(before: &str, after: &str) {
    check("a.py", before, after, NO_WORDS);
}

#[test]
fn a_diff_reads_as_git_writes_it() {
    let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
    assert_eq!(
        unified("pkg/a.py", before, after, &|_| Some("why".to_owned())),
        "diff --git a/pkg/a.py b/pkg/a.py\n--- a/pkg/a.py\n+++ b/pkg/a.py\n\
         @@ -2,7 +2,7 @@ why\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
    );
    assert_eq!(unified("a.py", before, before, NO_WORDS), "");
}

#[test]
fn line_breaks_of_every_kind_survive() {
    check_texts("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n");
    check_texts("a\r\nb\n", "a\nb\r\n");
    check_texts("a\rb\nc\n", "a\rB\nc\n");
    check_texts("a\r", "b\r");
    check_texts("a\u{c}b\nc\u{2028}d\n", "a\u{c}b\nC\u{2028}d\n");
}

#[test]
fn a_missing_final_line_break_survives_on_either_side() {
    check_texts("a\nb", "a\nB");
    check_texts("a\nb", "a\nb\n");
    check_texts("a\nb\n", "a\nb");
    check_texts("1\n2\n3\n4\nb", "one\n2\n3\n4\nb");
    check_texts("a", "a\nb");
}

#[test]
fn empty_files_and_byte_order_marks_survive() {
    check_texts("", "a\n");
    check_texts("", "a");
    check_texts("a\n", "");
    check_texts("\u{feff}a\n", "\u{feff}b\n");
    check_texts("\u{feff}a\n", "a\n");
    check_texts("\n", "\n\n");
}

#[test]
fn lines_that_look_like_a_diff_survive() {
    check_texts(
        "-- note\n++ x\n@@ -1 +1 @@\n\\ No newline at end of file\n",
        "- note\n+ x\n@@ -2 +2 @@\ndiff --git a/x b/x\n",
    );
    check_texts("a\n-- \n", "a\n--- a/x\n+++ b/x\n");
    check_texts("trailing \t\n", "trailing  \n\t \n");
}

#[test]
fn paths_are_quoted_as_git_reads_them() {
    for path in [
        "with space.py",
        "two  spaces /a b.py",
        "caf\u{e9}/\u{1f40d}.py",
        "quo\"te.py",
        "back\\slash.py",
        "it's.py",
        "tab\there.py",
        "new\nline.py",
        "\u{7}bell\u{1b}[31m.py",
        "-dash.py",
        "a b/b a b.py",
    ] {
        check(path, "a\nb\n", "a\nc\n", NO_WORDS);
        check(path, "", "c", NO_WORDS);
    }
    assert_eq!(
        quoted("a/", "caf\u{e9} \"x\".py"),
        r#""a/caf\303\251 \"x\".py""#
    );
    assert_eq!(quoted("a/", "plain name.py"), "a/plain name.py");
}

#[test]
fn annotations_are_one_line_that_git_ignores() {
    let words: &Annotate<'_> =
        &|_| Some("first\n-second\r\n\u{1b}[31m@@ -1 +1 @@\u{202e}\u{2028}end ".to_owned());
    check("a.py", "a\nb\n", "a\nc\n", words);
    let diff = unified("a.py", "a\n", "b\n", words);
    assert!(
        diff.contains("@@ -1 +1 @@ first -second [31m@@ -1 +1 @@ end\n"),
        "{diff}"
    );
}

#[test]
fn an_annotation_is_asked_for_with_the_changed_lines_only() {
    let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n";
    let after = before
        .replace("2\n3\n", "2\nthree\nand\n")
        .replace("6\n", "6\nnew\n")
        .replace("19\n", "");
    let asked = std::cell::RefCell::new(Vec::new());
    let _ = unified("a.py", before, &after, &|changes| {
        asked.borrow_mut().push(changes.to_vec());
        None
    });
    let change = |before, after| Change { before, after };
    let asked = asked.into_inner();
    assert_eq!(asked[0][0], change(3..4, 3..5));
    assert_eq!(asked[0][1], change(7..7, 8..9));
    assert_eq!(asked.last().unwrap().last().unwrap().before, 19..20);
}

#[test]
fn several_files_make_one_patch() {
    let folder = TempDir::new().unwrap();
    let mut patch = String::new();
    let texts = [
        ("a.py", "a", "b"),
        ("b c.py", "a\n", ""),
        ("d.py", "", "x\n"),
    ];
    for (path, before, after) in texts {
        fs::write(folder.path().join(path), before).unwrap();
        patch.push_str(&unified(path, before, after, NO_WORDS));
    }
    let output = git(folder.path(), &["apply", "-"], &patch);
    assert!(output.status.success(), "{output:?}\n{patch}");
    for (path, _, after) in texts {
        assert_eq!(fs::read_to_string(folder.path().join(path)).unwrap(), after);
    }
}

#[test]
fn colours_follow_the_meaning_of_a_line_not_its_look() {
    let before = "-- note\nx\n";
    let after = "++ note\nx\n";
    let shown = coloured(&unified("a.py", before, after, &|_| Some("why".to_owned())));
    assert_eq!(
        shown,
        "\u{1b}[1mdiff --git a/a.py b/a.py\u{1b}[0m\n\u{1b}[1m--- a/a.py\u{1b}[0m\n\
         \u{1b}[1m+++ b/a.py\u{1b}[0m\n\u{1b}[36m@@ -1,2 +1,2 @@\u{1b}[0m\u{1b}[33m why\u{1b}[0m\n\
         \u{1b}[31m--- note\u{1b}[0m\n\u{1b}[32m+++ note\u{1b}[0m\n x\n"
    );
}

#[test]
fn a_coloured_diff_holds_no_escape_sequence_of_the_source() {
    let shown = coloured(&unified(
        "a.py",
        "\u{1b}[8mx\r\n",
        "y\r\u{1b}[2J\n",
        NO_WORDS,
    ));
    assert!(
        shown.contains("\u{1b}[31m-\\u{1b}[8mx\u{1b}[0m\r\n"),
        "{shown:?}"
    );
    assert!(shown.contains("+y\\r\\u{1b}[2J"), "{shown:?}");
}

/// Lines with every ending, few words (so that they repeat), and look-alikes of diff syntax.
fn any_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "",
        "a",
        "b",
        "c",
        "    x = 1",
        "-- a",
        "++ b",
        "\\ No newline",
        "@@ -1 +1 @@",
        "\u{feff}é",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\r", " \n"]);
    let line = (word, end).prop_map(|(word, end)| format!("{word}{end}"));
    (prop::collection::vec(line, 0..40), "[ab]?").prop_map(|(lines, tail)| lines.concat() + &tail)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn git_makes_the_second_text_of_the_first(before in any_text(), after in any_text()) {
        check_texts(&before, &after);
    }

    #[test]
    fn git_applies_a_few_changed_lines_of_a_longer_text(
        lines in prop::collection::vec("[a-c]{0,2}", 1..120),
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[x-z]{1,2}|", any::<bool>()), 1..6),
    ) {
        let before = lines.join("\n") + "\n";
        let mut changed = lines.clone();
        for (at, text, removes) in edits {
            if changed.is_empty() {
                break;
            }
            let at = at.index(changed.len());
            if removes {
                changed.remove(at);
            } else {
                changed.insert(at, text);
            }
        }
        let after = changed.join("\n");
        check("dir name/a.py", &before, &after, &|changes| Some(format!("{} changes", changes.len())));
    }
}

#[test]
fn a_terminal_without_colour_is_not_steered_and_a_pipe_gets_every_byte() {
    let diff = "+x = '\u{1b}[2J'\n";
    let (pipe, terminal) = (
        View::default(),
        View {
            colour: false,
            width: Some(80),
        },
    );
    assert_eq!(super::shown(diff, pipe), diff);
    assert_eq!(super::shown(diff, terminal), "+x = '\\u{1b}[2J'\n");
}
