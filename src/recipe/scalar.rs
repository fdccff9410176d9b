//! From a place in a YAML value back to the place in the file.

use serde_yaml::Spanned;

use crate::fault::{Fault, span_of};
use crate::source::Span;

/// A string of a recipe file, with the way back to where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scalar<'a> {
    /// The whole file.
    file: &'a str,
    /// The value.
    pub(super) value: &'a str,
    /// Where the value stands, as YAML writes it.
    pub(super) span: Span,
}

impl<'a> Scalar<'a> {
    pub(super) fn new(file: &'a str, spanned: &'a Spanned<String>) -> Self {
        Self {
            file,
            value: &spanned.value,
            span: span_of(file, spanned.defined),
        }
    }

    /// A fault at `within`, a range of the value.
    pub(super) fn fault(&self, within: Span, problem: impl Into<String>) -> Fault {
        let span = match (self.offset(within.start), self.offset(within.end)) {
            (Some(start), Some(end)) if start <= end => Span::new(start, end),
            (Some(start), _) => Span::at(start),
            (None, _) => self.span,
        };
        Fault::new(span, problem)
    }

    /// A fault of the whole value.
    pub(super) fn fault_whole(&self, problem: impl Into<String>) -> Fault {
        Fault::new(self.span, problem)
    }

    /// The offset in the file of the byte at `offset` of the value; `None` where YAML has rewritten it (escapes, folding).
    fn offset(&self, offset: usize) -> Option<usize> {
        let offset = offset.min(self.value.len());
        let written = self.file.get(self.span.start..)?;
        if written.starts_with(self.value) {
            return Some(self.span.start + offset);
        }
        let quoted = written
            .get(1..)
            .filter(|_| written.starts_with(['"', '\'']));
        if quoted.is_some_and(|text| text.starts_with(self.value)) {
            return Some(self.span.start + 1 + offset);
        }
        self.offset_in_block(offset)
    }

    /// In a literal block each line of the value stands on a line of its own, behind the block's indentation.
    fn offset_in_block(&self, offset: usize) -> Option<usize> {
        let before = self.value.get(..offset)?;
        let row = before.matches('\n').count();
        let column = offset - before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.value.split('\n').nth(row)?;

        // The position of a block is that of its first line with text.
        let first_row = self.value.len() - self.value.trim_start_matches('\n').len();
        let start = self.file[..self.span.start].rfind('\n')? + 1;
        let mut lines = self.file[start..].split_inclusive('\n');
        let skipped = row.checked_sub(first_row)?;
        let line_start = start + lines.by_ref().take(skipped).map(str::len).sum::<usize>();
        let written = lines.next().unwrap_or("").trim_end_matches(['\r', '\n']);
        let indent = written.strip_suffix(line)?;
        let is_blank = indent.bytes().all(|byte| byte == b' ');
        is_blank.then_some(line_start + indent.len() + column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file's text from where `needle` of the value stands.
    fn found(file: &str, needle: &str) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct File {
            q: Spanned<String>,
        }
        let parsed: File = serde_yaml::from_str(file).expect("YAML");
        let scalar = Scalar::new(file, &parsed.q);
        let at = scalar.value.find(needle).expect("the needle");
        scalar
            .offset(at)
            .map(|offset| file[offset..].chars().take(needle.len()).collect())
    }

    #[test]
    fn a_place_in_a_value_is_found_in_the_file() {
        for file in [
            "q: a needle b\n",
            "q: 'a needle b'\n",
            "q: \"a needle b\"\n",
            "q: |\n  needle\n",
            "q: |\n  ü\n    needle\n  end\n",
            "q: |\n\n  ü\n\n    needle\n",
            "q: |-\n  a\r\n  needle\r\n",
            "q: |2\n    a\n  needle\n",
        ] {
            assert_eq!(found(file, "needle").as_deref(), Some("needle"), "{file}");
        }
    }

    #[test]
    fn a_rewritten_value_has_no_places() {
        assert_eq!(found("q: \"\\n needle\"\n", "needle"), None);
        assert_eq!(found("q: >\n  a\n  b\n\n  needle\n", "needle"), None);
    }
}
