//! Rewrites that change what the sample does, put into a copy of it after the right ones: each must be found by calling its function.

use std::fs;
use std::path::Path;

/// A wrong rewrite, as another text in the place of one that must be in the function once.
#[derive(Debug)]
pub(crate) struct Wrong {
    file: &'static str,
    pub(crate) function: &'static str,
    right: &'static str,
    instead: &'static str,
}

impl Wrong {
    /// Puts it into the sample's package in this folder.
    pub(crate) fn put_into(&self, package: &Path) {
        let path = package.join(self.file);
        let text = fs::read_to_string(&path).unwrap();
        let start = text.find(&format!("def {}(", self.function)).unwrap();
        let end = text[start..]
            .find("\n\n\n")
            .map_or(text.len(), |length| start + length);
        let function = &text[start..end];
        assert_eq!(
            function.matches(self.right).count(),
            1,
            "{self:?}: {function}"
        );
        let function = function.replace(self.right, self.instead);
        fs::write(
            path,
            format!("{}{function}{}", &text[..start], &text[end..]),
        )
        .unwrap();
    }
}

const BLOCK: &str = "with connection_service.connection(purpose=\"papers\") as conn:";
const BY_HAND: &str = "if conn := connection_service.acquire_connection(purpose=\"papers\"):";

pub(crate) const WRONGS: &[Wrong] = &[
    // Nothing gives the connection back.
    Wrong {
        file: "safe.py",
        function: "count",
        right: BLOCK,
        instead: BY_HAND,
    },
    // The scope does not reach to the last use of the connection.
    Wrong {
        file: "safe.py",
        function: "passed",
        right: "        conn.commit()",
        instead: "    conn.commit()",
    },
    // What was not committed is.
    Wrong {
        file: "safe.py",
        function: "add_and_forget",
        right: "        return cur.rowcount",
        instead: "        conn.commit()\n        return cur.rowcount",
    },
    // A handler went with the `try`.
    Wrong {
        file: "safe.py",
        function: "refused_and_raised",
        right: "            raise\n",
        instead: "            return \"refused\"\n",
    },
    // The lines of a loop went one level too far out.
    Wrong {
        file: "safe.py",
        function: "nested",
        right: "        conn.commit()",
        instead: "            conn.commit()",
    },
    // What the connection was told to do is gone.
    Wrong {
        file: "safe.py",
        function: "commits_by_itself",
        right: "        conn.autocommit = True\n",
        instead: "",
    },
    // So are the arguments by which it was opened.
    Wrong {
        file: "left.py",
        function: "direct_that_commits",
        right: ", options=\"-c search_path=archive,public\"",
        instead: "",
    },
    // The release stays where an error misses it.
    Wrong {
        file: "doubtful.py",
        function: "fails_between",
        right: BLOCK,
        instead: BY_HAND,
    },
];
