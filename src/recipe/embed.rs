//! The recipes that the binary carries.
//!
//! `build.rs` lists `recipes/**/*.yaml`; nothing here names a recipe.

/// Path and text of every embedded file, by path.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// The embedded recipes and migrations: `(path, text)`, by path.
pub fn builtin() -> Vec<(String, String)> {
    FILES
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}
