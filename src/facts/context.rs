//! Which part of the codebase a place belongs to.

use globset::GlobSet;

use crate::config::{self, Config, Context, ContextKind};
use crate::finding::ContextRef;
use crate::language::{Scope, ScopeId};
use crate::project::ParsedFile;
use crate::source::Span;

/// The name that reports give to places that no context covers.
pub const OTHER: &str = "other";

/// The contexts of the settings, ready to be asked.
pub struct Contexts<'a> {
    rules: Vec<(&'a Context, GlobSet)>,
    standard: Option<&'a str>,
}

impl<'a> Contexts<'a> {
    /// Compiles the globs of `config`.
    pub fn new(config: &'a Config) -> Self {
        let rules = config
            .contexts
            .iter()
            .map(|context| (context, config::globs(&context.paths)));
        Self {
            rules: rules.collect(),
            standard: config.standard.file.as_deref(),
        }
    }

    /// The context of the place `at` in `file`, which stands in `scope`.
    ///
    /// A test is a test wherever it lies, and the standard's module is the standard's. What a function is (its decorators, its class's
    /// bases) says more than where it lies; then the first context whose paths cover the file decides.
    pub fn at(&self, file: &ParsedFile, scope: ScopeId, at: Span) -> ContextRef {
        let path = file.source.path();
        let covers = |kind: Option<ContextKind>| {
            let mut rules = self
                .rules
                .iter()
                .filter(move |(rule, _)| kind.is_none_or(|kind| rule.kind == kind));
            rules
                .find(|(_, globs)| globs.is_match(path))
                .map(|(rule, _)| named(rule))
        };
        covers(Some(ContextKind::Test))
            .or_else(|| self.marked_test(file, at))
            .or_else(|| self.standard_at(path))
            .or_else(|| covers(Some(ContextKind::Standard)))
            .or_else(|| self.by_definition(file, scope))
            .or_else(|| covers(None))
            .unwrap_or_else(|| ContextRef {
                name: OTHER.to_owned(),
                kind: ContextKind::Unknown,
            })
    }

    /// The tests, for code that says of itself that it is for tests only.
    fn marked_test(&self, file: &ParsedFile, at: Span) -> Option<ContextRef> {
        if !file.language.is_for_tests(file.code(), at) {
            return None;
        }
        let mut rules = self.rules.iter();
        let own = rules.find(|(rule, _)| rule.kind == ContextKind::Test);
        let tests = || ContextRef {
            name: "tests".to_owned(),
            kind: ContextKind::Test,
        };
        Some(own.map_or_else(tests, |(rule, _)| named(rule)))
    }

    fn standard_at(&self, path: &str) -> Option<ContextRef> {
        if self.standard != Some(path) {
            return None;
        }
        let rule = self
            .rules
            .iter()
            .find(|(rule, _)| rule.kind == ContextKind::Standard);
        Some(rule.map_or_else(
            || ContextRef {
                name: "standard".to_owned(),
                kind: ContextKind::Standard,
            },
            |(rule, _)| named(rule),
        ))
    }

    fn by_definition(&self, file: &ParsedFile, scope: ScopeId) -> Option<ContextRef> {
        file.model.ancestors(scope).find_map(|scope| {
            let scope = file.model.scope(scope);
            let text = |span: &Span| dotted(&span.text(file.text()).replace("::", "."));
            let decorators: Vec<String> = scope.decorators.iter().map(text).collect();
            let bases: Vec<String> = scope.bases.iter().map(text).collect();
            let rule = self.rules.iter().find(|(rule, _)| {
                any_matches(&rule.decorators, &decorators)
                    || any_matches(&rule.bases, &bases)
                    || takes(file, scope, &rule.parameters)
            });
            rule.map(|(rule, _)| named(rule))
        })
    }
}

/// Whether a function has a parameter of one of these types.
pub fn takes(file: &ParsedFile, scope: &Scope, types: &[String]) -> bool {
    let annotations = scope.parameters.iter().filter_map(|own| own.annotation);
    let mut written = annotations.map(|span| span.text(file.text()));
    !types.is_empty()
        && written.any(|text| {
            let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.any(|word| types.iter().any(|name| name == word))
        })
}

fn named(context: &Context) -> ContextRef {
    ContextRef {
        name: context.name.clone(),
        kind: context.kind,
    }
}

/// The dotted name that an expression begins with: `router.get` of `router.get("/x")`.
fn dotted(text: &str) -> String {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(text.len());
    text[..end].to_owned()
}

fn any_matches(patterns: &[String], names: &[String]) -> bool {
    patterns
        .iter()
        .any(|pattern| names.iter().any(|name| ends_with(name, pattern)))
}

/// Whether the last parts of `name` are those of `pattern`, where `*` stands for any one part.
fn ends_with(name: &str, pattern: &str) -> bool {
    let mut parts = name.rsplit('.');
    pattern.rsplit('.').all(|wanted| {
        parts
            .next()
            .is_some_and(|part| wanted == "*" || wanted == part)
    })
}

#[cfg(test)]
mod tests {
    use super::ends_with;

    #[test]
    fn a_pattern_fits_the_end_of_a_dotted_name() {
        assert!(ends_with("router.get", "router.get"));
        assert!(ends_with("api.router.get", "router.get"));
        assert!(ends_with("app.get", "*.get"));
        assert!(!ends_with("get", "*.get"));
        assert!(!ends_with("router.getter", "router.get"));
    }
}
