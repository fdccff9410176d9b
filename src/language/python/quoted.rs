//! Names that a text has in quotes: `patch("app.prices.get_db_pool")`, `monkeypatch.setattr(prices, "get_db_pool", …)`, `getattr(prices, "pool")`.
//! Read from the text alone, since a file that does so is seldom worth a parse.

/// Words of a file that puts others in the place of names; without one of them only dotted names count.
const REPLACING: [&str; 2] = ["patch", "setattr"];

/// What begins a call that puts something in the place of the attribute that it names.
const REPLACERS: [&str; 4] = ["setattr(", "patch(", "patch.object(", "delattr("];

/// Words of a file that reads attributes by their names in texts.
const READING: [&str; 7] = [
    "getattr",
    "hasattr",
    "attrgetter",
    "__dict__",
    "__match_args__",
    "vars(",
    "__getattribute__",
];

/// How far behind the beginning of a call the name that it replaces is looked for.
const REACH: usize = 300;

/// The dotted names in quotes; and single names, in a file that replaces names.
pub(super) fn quoted(text: &str) -> Vec<&str> {
    let singles = REPLACING.iter().any(|word| text.contains(word));
    pieces(text)
        .filter(|name| singles || name.contains('.'))
        // `f"{MODULE}.get_db_pool"`: the last part is what counts.
        .map(|name| name.rsplit('}').next().unwrap_or(name))
        .map(|name| name.trim_start_matches('.'))
        .filter(|name| is_dotted(name) && (singles || name.contains('.')))
        .collect()
}

/// The attributes that calls put something in the place of: the last part of the first name in quotes behind `setattr(`, `patch.object(`.
pub(super) fn replaced(text: &str) -> Vec<&str> {
    let calls = REPLACERS.iter().flat_map(|call| {
        let found = text.match_indices(call);
        found.map(|(at, call)| at + call.len())
    });
    calls
        .filter_map(|start| {
            let end = (start + REACH).min(text.len());
            let end = (start..=end).rev().find(|at| text.is_char_boundary(*at))?;
            let name = text[start..end].split(['"', '\'']).nth(1)?;
            let name = name.rsplit(['.', '}']).next().unwrap_or(name);
            is_name(name).then_some(name)
        })
        .collect()
}

/// The names that may be read as attributes though no code says so: those in quotes in a file that reads attributes by name, fields of
/// formats (`%(pool)s`, `{0.pool}`), keywords of class patterns (`case Store(pool=p)`).
pub(super) fn read_by_name(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    if READING.iter().any(|word| text.contains(word)) {
        // Only `attrgetter` takes a way of several names; other dotted texts name what is in modules: `patch("app.x.pool")`.
        let ways = text.contains("attrgetter");
        let parts = pieces(text).filter(|piece| is_dotted(piece) && (ways || !piece.contains('.')));
        found.extend(parts.flat_map(|piece| piece.split('.')));
        let fields = text.split("%(").skip(1);
        found.extend(fields.filter_map(|field| field.split(')').next()));
    }
    if text.contains(".format") {
        let fields = text.split('{').skip(1);
        let fields = fields.filter_map(|field| field.split(['}', '!', ':']).next());
        found.extend(fields.flat_map(|field| field.split('.').skip(1)));
    }
    for line in text.lines() {
        let Some(pattern) = line.trim_start().strip_prefix("case ") else {
            continue;
        };
        let keywords = pattern.split(['(', ',', '|']).skip(1);
        found.extend(keywords.filter_map(|part| Some(part.split_once('=')?.0.trim())));
    }
    found.retain(|name| is_name(name));
    found
}

/// Each piece between two quotes of a line, which may be a string: which one is, is not worth finding out.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        ['"', '\'']
            .into_iter()
            .flat_map(move |quote| line.split(quote).skip(1))
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn is_dotted(name: &str) -> bool {
    name.split('.').all(is_name)
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

    #[test]
    fn attributes_that_a_test_replaces_are_found() {
        assert_eq!(replaced("m.setattr(x, \"pool\", y)"), ["pool"]);
        assert_eq!(replaced("patch.object(\n    x,\n    'pool',\n)"), ["pool"]);
        assert_eq!(replaced("patch(f'{M}.S.pool')"), ["pool"]);
        assert_eq!(replaced("d = {'pool': 1}\npatch(target)\n"), [""; 0]);
    }

    #[test]
    fn attributes_that_are_read_by_name_are_found() {
        assert_eq!(read_by_name("getattr(t, \"pool\")"), ["pool"]);
        assert_eq!(read_by_name("attrgetter('a.pool')"), ["a", "pool"]);
        assert_eq!(read_by_name("'%(pool)s' % x.__dict__"), ["pool"]);
        assert_eq!(read_by_name("'{0.pool!r}'.format(x)"), ["pool"]);
        assert_eq!(
            read_by_name("        case X(pool=p, other = 2):\n"),
            ["pool", "other"]
        );
        assert_eq!(read_by_name("x = 'pool'\n"), [""; 0]);
        assert_eq!(
            read_by_name("hasattr(x, 'a')\npatch('app.x.pool')\n"),
            ["a"]
        );
        assert_eq!(read_by_name("attrgetter('x.pool')(y)\n"), ["x", "pool"]);
    }
}
