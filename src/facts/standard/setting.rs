//! The setting that a query of a scope sets for the user of row-level security.

use crate::language::expression::{Argument, CallSite, Expression};
use crate::project::ParsedFile;
use crate::source::Span;
use crate::sql::Part;

/// A setting of the application that a query sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name in small letters, where it is known.
    pub name: Option<String>,
    /// Whether it ends with the transaction.
    pub local: bool,
}

/// The setting that the query of a call sets, if it sets one with a dot in its name.
pub fn set_by(file: &ParsedFile, call: &CallSite) -> Option<Setting> {
    let Expression::Call { arguments, .. } = file.expression(call.span) else {
        return None;
    };
    let query = arguments.first()?.value();
    let given: Vec<Span> = arguments[1..].iter().map(Argument::value).collect();
    texts(file, query)
        .iter()
        .find_map(|query| of_query(file, query, &given))
}

/// The setting that a query of this text sets with these parameters, if it sets one with a dot in its name.
pub fn set_in(file: &ParsedFile, query: Span, given: &[Span]) -> Option<Setting> {
    texts(file, query)
        .iter()
        .find_map(|query| of_query(file, query, given))
}

fn of_query(file: &ParsedFile, query: &str, given: &[Span]) -> Option<Setting> {
    let query = query.trim();
    let lower = query.to_ascii_lowercase();
    if let Some((_, call)) = lower.split_once("set_config(") {
        let mut parts = call.split(',').map(str::trim);
        let written = parts.next().unwrap_or_default();
        let local = parts.next_back().unwrap_or_default();
        let local = local.split([')', ':']).next().unwrap_or_default().trim();
        let argument = |text: &str| {
            let number: usize = text.strip_prefix('$')?.split("::").next()?.parse().ok()?;
            given.get(number.checked_sub(1)?).copied()
        };
        let name = match argument(written) {
            Some(name) => texts(file, name)
                .into_iter()
                .find(|text| text.contains('.')),
            None if written.starts_with('$') => None,
            None => Some(written.trim_matches('\'').to_owned()),
        };
        if name.as_ref().is_some_and(|name| !name.contains('.')) {
            return None;
        }
        let is_local = match argument(local) {
            Some(value) => value.text(file.text()).eq_ignore_ascii_case("true"),
            None => matches!(local, "true" | "'true'" | "'t'"),
        };
        return Some(Setting {
            name: name.map(|name| plain(&name)),
            local: is_local,
        });
    }
    let rest = lower.strip_prefix("set ")?.trim_start();
    let (local, rest) = match rest.strip_prefix("local ") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("session ").unwrap_or(rest)),
    };
    let name = rest
        .trim_start()
        .split(['=', ' '])
        .next()
        .unwrap_or_default();
    name.contains('.').then(|| Setting {
        name: Some(plain(name)),
        local,
    })
}

/// A name of a setting as it is compared: without case and quotes.
pub fn plain(name: &str) -> String {
    name.replace(['"', '\''], "").trim().to_ascii_lowercase()
}

/// The texts that an expression may be, with a space for each unknown part.
pub fn texts(file: &ParsedFile, span: Span) -> Vec<String> {
    let texts = file.language.texts(file.code(), span);
    let known = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Hole => " ".to_owned(),
    };
    let known = texts
        .iter()
        .map(|text| text.parts.iter().map(known).collect());
    known.collect()
}
