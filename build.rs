//! Lists the recipe files for embedding, so that adding a recipe is adding one file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=recipes");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    collect(&root.join("recipes"), "recipes", &mut files)?;
    files.sort();

    let mut table = String::from("&[\n");
    for file in &files {
        let source = root.join(file);
        // `Debug` of a string is a Rust string literal.
        writeln!(
            table,
            "    ({file:?}, include_str!({:?})),",
            source.display().to_string()
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    fs::write(
        PathBuf::from(variable("OUT_DIR")?).join("recipes.rs"),
        table,
    )
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// Adds the `.yaml` files under `folder`, by their path with `/` between its parts.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}/{name}");
        if entry.file_type()?.is_dir() {
            println!("cargo::rerun-if-changed={path}");
            collect(&entry.path(), &path, files)?;
        } else if Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            files.push(path);
        }
    }
    Ok(())
}
