//! Whether output is coloured.
//!
//! The choice is made once per stream, from the option, the environment and the terminal. Whoever writes asks for it and styles, or
//! does not: output is never filtered afterwards, because a filter that strips escape sequences would strip those of a patch too.

use std::env;
use std::ffi::OsString;
use std::io::IsTerminal;

/// What the person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// As the environment and the terminal say.
    #[default]
    Auto,
    /// Coloured, also into a file or a pipe.
    Always,
    /// Never coloured.
    Never,
}

/// Whether what is written to `stream` is coloured. The option wins over the environment, and that over the terminal.
pub fn coloured(when: When, stream: &impl IsTerminal) -> bool {
    decide(when, |name| env::var_os(name), || stream.is_terminal())
}

fn decide(
    when: When,
    variable: impl Fn(&str) -> Option<OsString>,
    is_terminal: impl Fn() -> bool,
) -> bool {
    let when = if when == When::Auto {
        wish(variable)
    } else {
        when
    };
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => is_terminal(),
    }
}

/// What the environment asks for; a variable that is set to nothing says nothing, and `NO_COLOR` wins over `CLICOLOR_FORCE`.
fn wish(variable: impl Fn(&str) -> Option<OsString>) -> When {
    let said = |name| variable(name).filter(|value| !value.is_empty());
    if said("NO_COLOR").is_some() {
        When::Never
    } else if said("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        When::Always
    } else if said("CLICOLOR").is_some_and(|value| value == "0")
        || said("TERM").is_some_and(|value| value == "dumb")
    {
        When::Never
    } else {
        When::Auto
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], when: When, is_terminal: bool) -> bool {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(found.1))
        };
        decide(when, variable, || is_terminal)
    }

    #[test]
    fn the_terminal_decides_when_nothing_is_said() {
        assert!(with(&[], When::Auto, true));
        assert!(!with(&[], When::Auto, false));
        let empty = [("NO_COLOR", ""), ("CLICOLOR_FORCE", ""), ("CLICOLOR", "")];
        assert!(with(&empty, When::Auto, true));
        assert!(!with(&empty, When::Auto, false));
    }

    #[test]
    fn the_option_wins_over_the_environment() {
        assert!(with(&[("NO_COLOR", "1")], When::Always, false));
        assert!(!with(&[("CLICOLOR_FORCE", "1")], When::Never, true));
    }

    #[test]
    fn the_environment_wins_over_the_terminal() {
        assert!(with(&[("CLICOLOR_FORCE", "1")], When::Auto, false));
        assert!(!with(&[("CLICOLOR_FORCE", "0")], When::Auto, false));
        assert!(!with(&[("NO_COLOR", "1")], When::Auto, true));
        assert!(!with(&[("CLICOLOR", "0")], When::Auto, true));
        assert!(!with(&[("TERM", "dumb")], When::Auto, true));
        let both = [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")];
        assert!(!with(&both, When::Auto, true));
    }
}
