//! The two streams of a command: results go to standard output, everything else to standard error.

use std::env;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use crate::report::colour::{When, coloured};
use crate::report::escape::visible_lines;
use crate::report::paint::View;

/// The streams, and how each is written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// How results are shown.
    pub(crate) results: View,
    /// Whether remarks are coloured.
    colour_remarks: bool,
    /// Whether everything that can be said is said.
    pub(crate) verbose: bool,
}

impl Terminal {
    /// Looks at the streams once.
    pub(crate) fn new(when: When, verbose: bool) -> Self {
        let (results, remarks) = (io::stdout(), io::stderr());
        Self {
            results: View {
                colour: coloured(when, &results),
                width: results.is_terminal().then(width),
            },
            colour_remarks: coloured(when, &remarks),
            verbose,
        }
    }

    /// Says something that is no result.
    pub(crate) fn remark(self, text: &str) {
        self.say("", Style::new(), text);
    }

    /// Says what the reader should know though the command goes on.
    pub(crate) fn warning(self, text: &str) {
        self.say("warning: ", AnsiColor::Yellow.on_default().bold(), text);
    }

    /// Says why the command could not do its work.
    pub(crate) fn error(self, text: &str) {
        self.say("error: ", AnsiColor::Red.on_default().bold(), text);
    }

    fn say(self, label: &str, style: Style, text: &str) {
        let label = if self.colour_remarks && !label.is_empty() {
            format!("{style}{label}{style:#}")
        } else {
            label.to_owned()
        };
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(io::stderr(), "{label}{}", visible_lines(text));
    }
}

/// Writes a result to standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stream = io::stdout().lock();
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// The width of the terminal.
fn width() -> usize {
    let named = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    named
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|width| *width >= 40)
        .unwrap_or(100)
}
