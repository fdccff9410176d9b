//! Names that a text has in quotes: `patch("app.prices.get_db_pool")`, `monkeypatch.setattr(prices, "get_db_pool", …)`. Read from the text
//! alone, since a file that does so is seldom worth a parse.

/// Words of a file that puts others in the place of names; without one of them only dotted names count.
const REPLACING: [&str; 2] = ["patch", "setattr"];

/// The dotted names in quotes; and single names, in a file that replaces names.
pub(super) fn quoted(text: &str) -> Vec<&str> {
    let singles = REPLACING.iter().any(|word| text.contains(word));
    let is_name = |name: &str| {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        name.split('.')
            .all(|name| !name.is_empty() && name.chars().all(part))
    };
    text.lines()
        .flat_map(|line| {
            ['"', '\''].into_iter().flat_map(move |quote| {
                // Each piece between two quotes may be a string: which one is, is not worth finding out.
                line.split(quote).skip(1)
            })
        })
        .filter(|name| singles || name.contains('.'))
        // `f"{MODULE}.get_db_pool"`: the last part is what counts.
        .map(|name| name.rsplit('}').next().unwrap_or(name))
        .map(|name| name.trim_start_matches('.'))
        .filter(|name| is_name(name) && (singles || name.contains('.')))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_quotes_are_found() {
        let found = |text| quoted(text);
        assert_eq!(found("@patch('app.x.pool')\n"), ["app.x.pool"]);
        assert_eq!(found("setattr(x, \"pool\", y)"), ["pool"]);
        assert_eq!(found("patch(f\"{MODULE}.pool\")"), ["pool"]);
        assert_eq!(found("TARGET = \"app.x.pool\""), ["app.x.pool"]);
        assert_eq!(found("a = \"pool\""), [""; 0]);
        assert_eq!(found("a = \"1, 2\" + \"a b.c\""), [""; 0]);
    }
}
