use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;

struct Folder {
    folder: TempDir,
    root: Root,
}

impl Folder {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let root = Root::new(folder.path()).unwrap();
        Self { folder, root }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn put(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap().mode() & 0o7777
    }

    /// Everything in the folder itself; a temporary file left behind would be among it.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Why `write` refuses; the file must hold what it held, and `check` must say the same.
    fn refusal(&self, planned: &Planned) -> Cause {
        let path = self.path(&planned.path);
        let (held, names) = (fs::read(&path).ok(), self.names());
        assert!(self.root.check(planned).is_err());
        let error = self.root.write(planned).unwrap_err();
        assert!(error.to_string().starts_with(&planned.path), "{error}");
        assert_eq!((fs::read(&path).ok(), self.names()), (held, names));
        error.cause
    }
}

fn planned(path: &str, before: &str, after: &str) -> Planned {
    Planned {
        path: path.to_owned(),
        before: before.as_bytes().to_vec(),
        after: after.as_bytes().to_vec(),
    }
}

#[test]
fn a_file_is_replaced_and_keeps_its_permissions() {
    let folder = Folder::new();
    for mode in [0o644, 0o755, 0o600, 0o664] {
        folder.put("a.py", "old\n");
        folder.set_mode("a.py", mode);
        let planned = planned("a.py", "old\n", "new\r\n");
        folder.root.check(&planned).unwrap();
        folder.root.write(&planned).unwrap();
        assert_eq!(folder.text("a.py"), "new\r\n");
        assert_eq!(folder.mode("a.py"), mode);
    }
    assert_eq!(folder.names(), ["a.py"]);
}

#[test]
fn the_owner_is_kept() {
    use std::os::unix::fs::chown;
    let folder = Folder::new();
    folder.put("a.py", "old");
    if chown(folder.path("a.py"), Some(65534), Some(65534)).is_err() {
        // Only the superuser can give a file away.
        return;
    }
    folder.set_mode("a.py", 0o4755);
    folder.root.write(&planned("a.py", "old", "new")).unwrap();
    let metadata = fs::metadata(folder.path("a.py")).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (65534, 65534));
    assert_eq!(folder.mode("a.py"), 0o4755);
}

#[test]
fn a_file_that_changed_or_went_is_left_alone() {
    let folder = Folder::new();
    folder.put("a.py", "edited by hand");
    let outdated = planned("a.py", "what was read", "new");
    assert!(matches!(folder.refusal(&outdated), Cause::Changed));
    let same_length = planned("a.py", "edited by HAND", "new");
    assert!(matches!(folder.refusal(&same_length), Cause::Changed));
    let gone = planned("b.py", "x", "y");
    assert!(matches!(folder.refusal(&gone), Cause::Gone));
}

#[test]
fn a_link_stays_a_link_and_its_target_is_written() {
    let folder = Folder::new();
    folder.put("real/a.py", "old");
    symlink("real/a.py", folder.path("link.py")).unwrap();
    symlink("real", folder.path("alias")).unwrap();
    folder
        .root
        .write(&planned("link.py", "old", "new"))
        .unwrap();
    assert!(folder.path("link.py").is_symlink());
    assert_eq!(folder.text("real/a.py"), "new");
    folder
        .root
        .write(&planned("alias/a.py", "new", "newer"))
        .unwrap();
    assert!(folder.path("alias").is_symlink());
    assert_eq!(folder.text("real/a.py"), "newer");
}

#[test]
fn nothing_outside_of_the_root_is_written() {
    let outside = Folder::new();
    outside.put("a.py", "old");
    let folder = Folder::new();
    folder.put("inside.py", "old");
    symlink(outside.path("a.py"), folder.path("link.py")).unwrap();
    symlink(outside.folder.path(), folder.path("away")).unwrap();
    let absolute = outside.path("a.py");
    let climbing = format!(
        "../{}/a.py",
        outside.folder.path().file_name().unwrap().to_str().unwrap()
    );
    for path in [
        "link.py",
        "away/a.py",
        absolute.to_str().unwrap(),
        climbing.as_str(),
    ] {
        let cause = folder.refusal(&planned(path, "old", "new"));
        assert!(matches!(cause, Cause::Outside), "{path}: {cause}");
    }
    assert_eq!(outside.text("a.py"), "old");
    for path in ["away/new.py", "../new.py", "sub/../../new.py"] {
        let error = folder.root.create(path, b"x").unwrap_err();
        assert!(matches!(error.cause, Cause::Outside), "{error}");
    }
    assert_eq!(outside.names(), ["a.py"]);
}

#[test]
fn hard_links_and_read_only_files_are_refused() {
    let folder = Folder::new();
    folder.put("a.py", "old");
    fs::hard_link(folder.path("a.py"), folder.path("b.py")).unwrap();
    let cause = folder.refusal(&planned("a.py", "old", "new"));
    assert!(matches!(cause, Cause::HardLinked { links: 2 }));
    folder.put("c.py", "old");
    folder.set_mode("c.py", 0o444);
    let cause = folder.refusal(&planned("c.py", "old", "new"));
    assert!(matches!(cause, Cause::ReadOnly));
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.path("a.py")).unwrap();
    let cause = folder.refusal(&planned("a.py", "", "new"));
    assert!(matches!(cause, Cause::NotRegular));
}

#[test]
fn a_folder_that_takes_no_new_file_loses_nothing() {
    let folder = Folder::new();
    folder.put("sub/a.py", "old");
    folder.set_mode("sub", 0o555);
    let result = folder.root.write(&planned("sub/a.py", "old", "new"));
    folder.set_mode("sub", 0o755);
    let held = folder.text("sub/a.py");
    match result {
        Err(error) => {
            assert!(matches!(error.cause, Cause::Io { .. }), "{error}");
            assert_eq!(held, "old");
        }
        // The superuser may write there.
        Ok(()) => assert_eq!(held, "new"),
    }
}

#[test]
fn a_new_file_has_the_permissions_of_any_new_file() {
    let folder = Folder::new();
    folder.root.create("pkg/db/new.py", b"x = 1\n").unwrap();
    assert_eq!(folder.text("pkg/db/new.py"), "x = 1\n");
    fs::write(folder.path("other.py"), "").unwrap();
    assert_eq!(folder.mode("pkg/db/new.py"), folder.mode("other.py"));
    let error = folder.root.create("pkg/db/new.py", b"y").unwrap_err();
    assert!(matches!(error.cause, Cause::Exists));
    symlink("nowhere", folder.path("dangling.py")).unwrap();
    let error = folder.root.create("dangling.py", b"y").unwrap_err();
    assert!(matches!(error.cause, Cause::Exists));
    assert_eq!(folder.text("pkg/db/new.py"), "x = 1\n");
    assert_eq!(folder.names(), ["dangling.py", "other.py", "pkg"]);
}
