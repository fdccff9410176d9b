//! Rules on how an engine connects, each on or off in the settings: what poolers between client and server ask for.

use crate::config::EngineRule;
use crate::facts::World;
use crate::language::Model;
use crate::language::expression::{Argument, Expression};
use crate::project::{FileId, ParsedFile};
use crate::source::Span;
use crate::sql::Part;

/// How many names an argument is followed through.
const DEPTH: usize = 3;

/// The rules that the engine made by the call at `site` breaks, in words.
pub fn broken(world: World<'_>, id: FileId, site: Span) -> Vec<String> {
    let rules = &world.config.engine_rules;
    if rules.is_empty() {
        return Vec::new();
    }
    let file = world.project.file(id);
    let Expression::Call { arguments, .. } = file.expression(site) else {
        return Vec::new();
    };
    let engine = Engine::of(file, &arguments);
    let broken = rules.iter().filter(|rule| !engine.keeps(**rule));
    broken.map(|rule| said(*rule).to_owned()).collect()
}

/// What is seen of how an engine connects.
struct Engine {
    /// The code of its options, with that of the variables in them.
    options: String,
    /// The known parts of its address.
    address: String,
}

impl Engine {
    fn of(file: &ParsedFile, arguments: &[Argument]) -> Self {
        let mut engine = Self {
            options: String::new(),
            address: String::new(),
        };
        for argument in arguments {
            match argument {
                Argument::Positional(value) => engine.address.push_str(&known(file, *value)),
                Argument::Keyword { name, value } => {
                    engine.options.push_str(name);
                    engine.options.push('=');
                    engine.options.push_str(&code_of(file, *value, DEPTH));
                    engine.options.push('\n');
                }
                Argument::Spread(value) | Argument::KeywordSpread(value) => {
                    engine.options.push_str(&code_of(file, *value, DEPTH));
                }
            }
        }
        engine
    }

    fn keeps(&self, rule: EngineRule) -> bool {
        let option = |name: &str, value: &str| {
            let plain: String = self
                .options
                .chars()
                .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\''))
                .collect();
            [':', '='].iter().any(|sign| {
                let text = format!("{name}{sign}{value}");
                plain.match_indices(&text).any(|(at, _)| {
                    let behind = plain[at + text.len()..].chars().next();
                    !behind.is_some_and(|c| c.is_ascii_digit())
                })
            })
        };
        match rule {
            EngineRule::StatementCacheOff => option("statement_cache_size", "0"),
            EngineRule::ProjectUser => self.address.contains("postgres."),
            EngineRule::PoolerHost => self.address.contains("pooler"),
            EngineRule::Ssl => {
                let named = ["ssl", "sslmode"];
                named.iter().any(|name| option(name, "")) || self.address.contains("ssl")
            }
        }
    }
}

/// The known parts of the texts that an expression can be.
fn known(file: &ParsedFile, span: Span) -> String {
    let texts = file.language.texts(file.code(), span);
    let parts = texts.iter().flat_map(|text| &text.parts);
    let literals = parts.map(|part| match part {
        Part::Literal(text) => text.as_str(),
        Part::Hole => " ",
    });
    literals.collect()
}

/// The code of an expression, or of what a variable of the module holds.
fn code_of(file: &ParsedFile, span: Span, depth: usize) -> String {
    let text = span.text(file.text());
    let Some(depth) = depth.checked_sub(1) else {
        return text.to_owned();
    };
    let Expression::Name(name) = file.expression(span) else {
        return text.to_owned();
    };
    let scope = file.model.scope_at(span.start);
    let owner = file.model.resolve(scope, &name).unwrap_or(Model::MODULE);
    let values = file.model.bindings_of(owner, &name);
    values
        .filter_map(|binding| binding.value)
        .map(|value| code_of(file, value, depth))
        .collect()
}

fn said(rule: EngineRule) -> &'static str {
    match rule {
        EngineRule::StatementCacheOff => {
            "the cache of prepared statements is not seen to be off (`statement_cache_size`: 0), which a pooler in transaction mode asks for"
        }
        EngineRule::ProjectUser => {
            "the address is not seen to name its user as `postgres.<project>`, by which the pooler finds the project"
        }
        EngineRule::PoolerHost => "the address is not seen to be that of the pooler",
        EngineRule::Ssl => "no setting of SSL is seen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;
    use crate::source::SourceFile;

    fn engine(text: &str) -> Engine {
        let python: &'static dyn language::Language = &language::python::Python;
        let parsed = language::parse(python, text).expect("it parses");
        let file = ParsedFile::new(SourceFile::new("a.py", text), parsed, python);
        let calls = file.outline.calls.iter();
        let call = calls
            .filter(|call| call.name == "create_async_engine")
            .map(|call| call.span)
            .next()
            .expect("the engine is made");
        let Expression::Call { arguments, .. } = file.expression(call) else {
            panic!("a call is one");
        };
        Engine::of(&file, &arguments)
    }

    #[test]
    fn options_are_followed_through_variables() {
        let kept = engine(
            "args = {'statement_cache_size': 0, \"ssl\": context}\n\
             url = 'postgresql+asyncpg://postgres.ref:x@pooler.example.org/postgres'\n\
             e = create_async_engine(url, connect_args=args)\n",
        );
        let all = [
            EngineRule::StatementCacheOff,
            EngineRule::ProjectUser,
            EngineRule::PoolerHost,
            EngineRule::Ssl,
        ];
        assert!(all.iter().all(|rule| kept.keeps(*rule)));
        let broken = engine(
            "e = create_async_engine('postgresql+asyncpg://app@db/app', connect_args={'statement_cache_size': 05})\n"
                .replace("05", "50")
                .as_str(),
        );
        assert!(all.iter().all(|rule| !broken.keeps(*rule)));
    }
}
