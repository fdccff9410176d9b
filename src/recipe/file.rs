//! The recipe as it is written: its sections, in the order in which they stand.
//!
//! Only the shape; what the words mean is checked by `load`. Every value that can be wrong keeps its position.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_yaml::{Location, Spanned};

use super::model::{IdentityClass, Pattern, PoolClass, Role, Severity, TablesClass, Warning};
use crate::config::ContextKind;

/// One recipe.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "connmod recipe")]
pub(super) struct RecipeFile {
    /// `<migration>/<name of the file>`.
    #[schemars(with = "String")]
    pub(super) id: Spanned<String>,
    /// What inventories call it.
    #[schemars(with = "String")]
    pub(super) title: Spanned<String>,
    /// The pattern that its sites show.
    #[schemars(with = "Pattern")]
    pub(super) pattern: Spanned<Pattern>,
    /// Why the pattern should go, or stay.
    #[schemars(with = "String")]
    pub(super) why: Spanned<String>,
    /// The language of the files that it looks at: `python`.
    #[schemars(with = "String")]
    pub(super) language: Spanned<String>,
    /// The stages of a migration in which it runs: dual, cutover, cleanup, or `at-once` for where there are no stages; without this it
    /// always runs.
    #[serde(default)]
    pub(super) stages: Vec<RecipeStage>,
    /// A broad tree-sitter query: every hit, captured as `@site`, becomes a site and gets a verdict.
    #[schemars(with = "String")]
    pub(super) locate: Spanned<String>,
    /// What captures of `locate` have to denote for a hit to be a site.
    #[serde(default, rename = "where")]
    #[schemars(with = "BTreeMap<String, Role>")]
    pub(super) roles: Option<Spanned<Entries<Role>>>,
    /// A narrow tree-sitter query: what the rewrites can handle. A site that is located but not shaped is for a person.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) shape: Option<Spanned<String>>,
    /// The decision table: the first row that holds decides; the last row is `else`.
    #[schemars(with = "Vec<RowFile>")]
    pub(super) decide: Spanned<Vec<Spanned<RowFile>>>,
    /// The rewrites that rows name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RewriteFile>")]
    pub(super) rewrite: Option<Spanned<Entries<Spanned<RewriteFile>>>>,
    /// Examples: the tests of the recipe and its pages in the manual.
    #[schemars(with = "Vec<ExampleFile>")]
    pub(super) examples: Spanned<Vec<Spanned<ExampleFile>>>,
}

/// The stage that a recipe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RecipeStage {
    /// Where there are no stages.
    AtOnce,
    /// Both ways, by a flag.
    Dual,
    /// The new way only.
    Cutover,
    /// What is left of the steps becomes the standard form.
    Cleanup,
}

/// One row: `if` and `then`, or `else`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RowFile {
    /// What must hold; every part that is given, each by one of its values.
    #[serde(default, rename = "if")]
    #[schemars(with = "Option<ConditionFile>")]
    pub(super) condition: Option<Spanned<ConditionFile>>,
    /// `keep`, `review`, `standard`, or the rewrites to try, in order.
    #[serde(default)]
    #[schemars(with = "Option<WordsSchema<String>>")]
    pub(super) then: Option<Spanned<Words>>,
    /// What the last row decides.
    #[serde(default, rename = "else")]
    #[schemars(with = "Option<WordsSchema<String>>")]
    pub(super) otherwise: Option<Spanned<Words>>,
    /// Why, in words for the person who reads the report.
    #[serde(default)]
    pub(super) because: Option<String>,
    /// A remark to add to the site.
    #[serde(default)]
    pub(super) warn: Option<Warning>,
    /// How much it matters, where the verdict alone does not say.
    #[serde(default)]
    pub(super) severity: Option<Severity>,
}

/// A condition: each part is a word or a list of words.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionFile {
    /// The kind of context: user, system, script, standard, test, root, unknown.
    #[serde(default)]
    #[schemars(with = "Option<WordsSchema<ContextKind>>")]
    pub(super) context: Option<Spanned<Words>>,
    /// The tables: rls, plain, unknown.
    #[serde(default)]
    #[schemars(with = "Option<WordsSchema<TablesClass>>")]
    pub(super) tables: Option<Spanned<Words>>,
    /// The user: bound, optional, none.
    #[serde(default)]
    #[schemars(with = "Option<WordsSchema<IdentityClass>>")]
    pub(super) identity: Option<Spanned<Words>>,
    /// The pool: shared, own, unknown.
    #[serde(default)]
    #[schemars(with = "Option<WordsSchema<PoolClass>>")]
    pub(super) pool: Option<Spanned<Words>>,
}

/// One rewrite: a verb of the engine with its arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum RewriteFile {
    /// The block goes; each call on the connection becomes a call of the helper for its method.
    BlockToCalls {},
    /// The expression that a capture marks becomes another.
    Replace {
        /// The capture.
        #[schemars(with = "String")]
        at: Spanned<String>,
        /// What it becomes.
        #[schemars(with = "String")]
        with: Spanned<String>,
    },
    /// A call on a pool becomes a call of the helper for its method.
    CallToHelper {},
    /// A call on a pool becomes the same call inside a scope.
    CallToBlock {
        /// The scope.
        #[schemars(with = "String")]
        with: Spanned<String>,
    },
    /// An acquire and its release become a scope.
    PairToBlock {
        /// The scope.
        #[schemars(with = "String")]
        with: Spanned<String>,
    },
    /// What nothing reads any more goes.
    Remove {},
    /// The block goes; its connection becomes a parameter that the framework fills.
    BlockToParameter {
        /// What fills it.
        #[schemars(with = "String")]
        with: Spanned<String>,
        /// What fills it where the standard's dependency is no coroutine; without this the same.
        #[serde(default)]
        #[schemars(with = "Option<String>")]
        sync: Option<Spanned<String>>,
    },
    /// A name that nothing reads goes from its import.
    RemoveImport {},
    /// An acquire and its releases go both ways, by the flag of the settings.
    BothWays {
        /// The new way to acquire.
        #[schemars(with = "String")]
        acquire: Spanned<String>,
        /// The new way to release.
        #[schemars(with = "String")]
        release: Spanned<String>,
    },
    /// A definition that nothing uses goes.
    RemoveDefinition {},
    /// An acquire, its releases and all that stands between them become a scope.
    RegionToBlock {
        /// The scope.
        #[schemars(with = "String")]
        with: Spanned<String>,
    },
}

/// One example: `before`, and exactly one of `after`, `review`, `keep`, `standard`, `no-site`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ExampleFile {
    /// What it shows.
    pub(super) title: String,
    /// Where in a project the code stands; decides the context.
    #[schemars(with = "String")]
    pub(super) path: Spanned<String>,
    /// The code.
    pub(super) before: String,
    /// The whole text afterwards.
    #[serde(default)]
    pub(super) after: Option<String>,
    /// A part of the reason for which a person decides.
    #[serde(default)]
    pub(super) review: Option<String>,
    /// A part of the reason for which the form stays.
    #[serde(default)]
    pub(super) keep: Option<String>,
    /// `true`: it is already right.
    #[serde(default)]
    pub(super) standard: Option<bool>,
    /// `true`: nothing here is a site of this recipe.
    #[serde(default)]
    pub(super) no_site: Option<bool>,
    /// With `after`: the rewrite is only proposed as unsafe, for a reason that contains this.
    #[serde(default, rename = "unsafe")]
    #[schemars(with = "Option<String>")]
    pub(super) unsafe_because: Option<Spanned<String>>,
    /// Further files of the project, by path.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) files: Option<Entries<String>>,
}

/// A map whose keys keep their order and position.
#[derive(Debug)]
pub(super) struct Entries<V>(pub(super) Vec<(Spanned<String>, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<V>(std::marker::PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V> {
            type Value = Entries<V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}

/// A word, or a list of words.
#[derive(Debug)]
pub(super) struct Words(pub(super) Vec<Word>);

/// One word; a word that stands alone has the position of the value that it is.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) location: Option<Location>,
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordsVisitor;

        impl<'de> Visitor<'de> for WordsVisitor {
            type Value = Words;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a word or a list of words")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                let text = text.to_owned();
                Ok(Words(vec![Word {
                    text,
                    location: None,
                }]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = sequence.next_element::<Spanned<String>>()? {
                    words.push(Word {
                        text: word.value,
                        location: Some(word.referenced),
                    });
                }
                Ok(Words(words))
            }
        }

        deserializer.deserialize_any(WordsVisitor)
    }
}

/// [`Words`] as the schema describes it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(
    dead_code,
    reason = "only its shape is used, for the schema of the format"
)]
pub(super) enum WordsSchema<T> {
    One(T),
    Several(Vec<T>),
}
