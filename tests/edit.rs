//! Edits become text: nothing outside their spans changes, and what overlaps is refused.

use connmod::edit::{Applicability, Edit, splice};
use connmod::source::Span;
use proptest::prelude::*;

#[test]
fn edits_are_applied_whatever_their_order() {
    let source = "with pool:\r\n    run()\r\n";
    let edits = [
        Edit::insert(source.len(), "# end"),
        Edit::delete(Span::new(0, 12)),
        Edit::replace(Span::new(16, 19), "walk"),
    ];
    let text = "    walk()\r\n# end";
    assert_eq!(splice(source, &edits).unwrap(), text);
    let reversed: Vec<Edit> = edits.iter().rev().cloned().collect();
    assert_eq!(splice(source, &reversed).unwrap(), text);
    assert_eq!(splice(source, &[]).unwrap(), source);
}

#[test]
fn insertions_at_one_place_keep_their_order() {
    let edits = [
        Edit::insert(1, "1"),
        Edit::replace(Span::new(1, 2), "B"),
        Edit::insert(1, "2"),
    ];
    assert_eq!(splice("abc", &edits).unwrap(), "a12Bc");
}

#[test]
fn edits_that_touch_do_not_overlap() {
    let edits = [
        Edit::delete(Span::new(0, 1)),
        Edit::replace(Span::new(1, 2), "x"),
        Edit::insert(2, "y"),
    ];
    assert_eq!(splice("abc", &edits).unwrap(), "xyc");
}

#[test]
fn overlapping_edits_are_refused_with_the_place() {
    for edits in [
        [Edit::delete(Span::new(0, 2)), Edit::delete(Span::new(1, 3))],
        [Edit::delete(Span::new(0, 3)), Edit::insert(1, "x")],
        [
            Edit::replace(Span::new(1, 2), "x"),
            Edit::replace(Span::new(1, 2), "x"),
        ],
    ] {
        assert_eq!(splice("abc", &edits).unwrap_err().offset, 1);
    }
}

#[test]
fn safe_is_above_unsafe() {
    assert!(Applicability::Safe > Applicability::Unsafe);
    assert_eq!(
        Applicability::Safe.min(Applicability::Unsafe),
        Applicability::Unsafe
    );
}

proptest! {
    /// A text is cut into pieces of which every other one is replaced: the result is known without `splice`.
    #[test]
    fn only_the_spans_change(
        pieces in prop::collection::vec(("[a-zé\r\n\u{1f40d}]{0,6}", "[a-zé\n]{1,4}", "[A-Z\r\n]{0,5}"), 0..12),
        seed in any::<u64>(),
    ) {
        let (mut source, mut expected, mut edits) = (String::new(), String::new(), Vec::new());
        for (kept, old, new) in &pieces {
            source.push_str(kept);
            expected.push_str(kept);
            let start = source.len();
            source.push_str(old);
            expected.push_str(new);
            edits.push(Edit::replace(Span::new(start, source.len()), new.as_str()));
        }
        let shift = if edits.is_empty() { 0 } else { seed as usize % edits.len() };
        edits.rotate_left(shift);
        prop_assert_eq!(splice(&source, &edits).unwrap(), expected);
    }
}
