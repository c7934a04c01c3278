//! What is refused, and what is left as it was.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}
fn mode(path: &Path) -> u32 {
    let found = fs::metadata(path).expect("there");
    found.permissions().mode() & 0o777
}
fn told<T: std::fmt::Debug>(refused: Result<T, FileError>) -> String {
    let (doing, _, why) = refused.expect_err("refused").into_parts();
    format!("{doing}: {why}")
}

#[test]
fn a_lock_file_that_holds_something_else_is_refused_and_left_as_it_was() {
    let folder = folder();
    let (path, lock) = (folder.path().join("a"), folder.path().join("a.lock"));
    for foreign in ["a diary", "12\n13\n", "123456789012345678901234567890"] {
        fs::write(&lock, foreign).expect("written");
        assert_eq!(
            told(Lock::take(&path)),
            "use the lock file: it holds something else"
        );
        assert_eq!(fs::read_to_string(&lock).expect("reads"), foreign);
    }
    for ours in ["", "4711\n"] {
        fs::write(&lock, ours).expect("written");
        drop(Lock::take(&path).expect("taken"));
    }
    let pid = format!("{}\n", std::process::id());
    assert_eq!(fs::read_to_string(&lock).expect("reads"), pid);
}

#[test]
fn no_symbolic_link_is_followed_to_a_file_that_is_written() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("diary"), "today").expect("written");
    for link in ["a", "b.lock", "c"] {
        symlink(at("diary"), at(link)).expect("linked");
    }
    symlink(at("nowhere"), at("d")).expect("linked");
    let link = "it is a symbolic link, which could lead anywhere";
    assert_eq!(told(refuse_link(&at("a"))), format!("use: {link}"));
    assert_eq!(told(refuse_link(&at("d"))), format!("use: {link}"));
    refuse_link(&at("diary")).expect("none");
    let lock = Lock::take(&at("b"));
    assert_eq!(told(lock), format!("open the lock file: {link}"));
    assert_eq!(told(read_private(&at("c"), 9)), format!("read: {link}"));
    assert_eq!(fs::read_to_string(at("diary")).expect("reads"), "today");
    assert!(!at("nowhere").exists());
}

#[test]
fn what_is_read_has_an_end() {
    let folder = folder();
    let path = folder.path().join("a");
    fs::write(&path, "12345").expect("written");
    assert_eq!(read_text(&path, 5).expect("reads"), "12345");
    assert_eq!(told(read_text(&path, 4)), "read: it is longer than 4 bytes");
    let zero = read_text(Path::new("/dev/zero"), 5);
    assert_eq!(told(zero), "read: it is not a regular file");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    assert_eq!(told(read_text(&pipe, 5)), "read: it is not a regular file");
    assert!(
        read_text(&folder.path().join("b"), 5)
            .expect_err("none")
            .is_missing()
    );
}

#[test]
fn what_is_not_utf8_is_refused_with_its_line_and_column() {
    let folder = folder();
    let path = folder.path().join("policy");
    for (bytes, why) in [
        (
            &b"\xff\xfeo\0"[..],
            "it is UTF-16, and must be saved as UTF-8 (line 1, column 1)",
        ),
        (
            b"a = 1\nb = \xc3\xa4 \xe4",
            "it is not text in UTF-8 (line 2, column 7)",
        ),
    ] {
        fs::write(&path, bytes).expect("written");
        assert_eq!(told(read_text(&path, 50)), format!("read: {why}"));
    }
}

#[test]
fn a_new_file_is_private_and_never_takes_the_place_of_another() {
    let folder = folder();
    let path = folder.path().join("key");
    write_new(&path, "first").expect("written");
    assert_eq!(mode(&path), 0o600);
    assert!(told(write_new(&path, "second")).starts_with("write: File exists"));
    assert_eq!(fs::read_to_string(&path).expect("reads"), "first");
    let left = fs::read_dir(folder.path()).expect("reads").count();
    assert_eq!(left, 1, "nothing is left aside");
}

#[test]
fn a_mode_is_narrowed_to_the_owner_and_never_widened() {
    let folder = folder();
    let path = folder.path().join("a");
    fs::write(&path, "").expect("written");
    for (before, after) in [
        (0o644, 0o600),
        (0o400, 0o400),
        (0o777, 0o600),
        (0o600, 0o600),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(before)).expect("set");
        narrow(&path).expect("narrowed");
        assert_eq!(mode(&path), after);
    }
}
