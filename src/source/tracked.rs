//! Which files git tracks, read from the bytes of its index.
//!
//! git goes on tracking a file that a later `.gitignore` matches, so the rules alone do not say what belongs to a project. The index is read
//! here and not asked of the `git` program, because that runs what the repository's own configuration names. Everything in an index is
//! taken as hostile: one that is not understood gives `None`, and the rules alone decide.

/// The paths of the index's entries, relative to the repository's root, in the order of the index.
pub(super) fn tracked_paths(index: &[u8]) -> Option<Vec<Vec<u8>>> {
    // Object names are SHA-1, or SHA-256 in repositories that say so elsewhere; only one length makes sense of the entries.
    read_index(index, 20).or_else(|| read_index(index, 32))
}

/// The bytes before an entry's object name: times, device, inode, mode, owner, size.
const STAT_BYTES: usize = 40;
/// Set in an entry's flags when a second pair of flags follows.
const EXTENDED: u16 = 0x4000;
/// The bits of an entry's flags that hold the length of its name; all set for a longer one.
const NAME_LENGTH: u16 = 0x0fff;

fn read_index(index: &[u8], hash_bytes: usize) -> Option<Vec<Vec<u8>>> {
    let mut rest = index.strip_prefix(b"DIRC")?;
    let version = take_number(&mut rest)?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let count = take_number(&mut rest)?;
    let mut paths: Vec<Vec<u8>> = Vec::new();
    for _ in 0..count {
        let entry = rest;
        take(&mut rest, STAT_BYTES + hash_bytes)?;
        let flags = u16::from_be_bytes(take(&mut rest, 2)?.try_into().ok()?);
        if flags & EXTENDED != 0 {
            take(&mut rest, 2)?;
        }
        let path = if version == 4 {
            let previous = paths.last().map_or(&[][..], Vec::as_slice);
            let kept = previous.len().checked_sub(take_offset(&mut rest)?)?;
            let mut path = previous[..kept].to_vec();
            path.extend_from_slice(take_name(&mut rest)?);
            path
        } else {
            let path = take_name(&mut rest)?.to_vec();
            // The name's NUL is the first of up to eight that fill the entry up.
            let used = entry.len() - rest.len();
            take(&mut rest, used.next_multiple_of(8) - used)?;
            path
        };
        let length = flags & NAME_LENGTH;
        if path.is_empty() || (length != NAME_LENGTH && usize::from(length) != path.len()) {
            return None;
        }
        paths.push(path);
    }
    Some(paths)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn take_number(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(take(rest, 4)?.try_into().ok()?))
}

/// The bytes up to a NUL, which is taken as well.
fn take_name<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = rest.iter().position(|byte| *byte == 0)?;
    let name = take(rest, length)?;
    take(rest, 1)?;
    Some(name)
}

/// A number in git's encoding of offsets: seven bits a byte, and one more for each byte that follows.
fn take_offset(rest: &mut &[u8]) -> Option<usize> {
    let mut byte = take(rest, 1)?[0];
    let mut number = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = take(rest, 1)?[0];
        number = number
            .checked_add(1)?
            .checked_mul(128)?
            .checked_add(usize::from(byte & 0x7f))?;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    /// A repository in which `init` was given `arguments`, with files whose names are short, long, nested and strange.
    fn repository(arguments: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::TempDir::new().unwrap();
        git(folder.path(), &[&["init", "-q"], arguments].concat());
        let long = format!("{}/{}/x.py", "d".repeat(200), "e".repeat(200));
        for path in [
            "a.py",
            "a",
            "ab.py",
            "pkg/café.py",
            "pkg/sub/with space.py",
            "z/1234567.py",
            &long,
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        git(folder.path(), &["add", "-A"]);
        folder
    }

    fn check(folder: &Path) {
        let index = fs::read(folder.join(".git/index")).unwrap();
        let listed = git(folder, &["ls-files", "-z"]);
        let expected: Vec<Vec<u8>> = listed
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        assert_eq!(tracked_paths(&index).unwrap(), expected);
    }

    #[test]
    fn every_version_of_the_index_is_read_as_git_lists_it() {
        for format in ["sha1", "sha256"] {
            let folder = repository(&["--object-format", format]);
            check(folder.path());
            // An intent to add sets the extended flags of version 3.
            fs::write(folder.path().join("b.py"), "x").unwrap();
            git(folder.path(), &["add", "-N", "b.py"]);
            check(folder.path());
            git(folder.path(), &["update-index", "--index-version", "4"]);
            check(folder.path());
        }
    }

    #[test]
    fn what_is_no_index_is_not_understood() {
        for bytes in [
            &b""[..],
            b"DIRC",
            b"DIRC\0\0\0\x05\0\0\0\0",
            b"DIRC\0\0\0\x02\xff\xff\xff\xff",
        ] {
            assert_eq!(tracked_paths(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn a_damaged_index_never_panics(
            cut in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            version in 2_u8..5,
        ) {
            static INDEX: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
                fs::read(repository(&[]).path().join(".git/index")).unwrap()
            });
            let mut index = INDEX.clone();
            index[7] = version;
            let at = at.index(index.len());
            index[at] = byte;
            index.truncate(cut.index(index.len()) + 1);
            let _ = tracked_paths(&index);
        }
    }
}
