//! Files of `serve`: nothing of somebody's is written over, and what is secret is private.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{refused, serve};

/// Every file below a folder by its name, with its mode and content.
fn files(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            let content = std::fs::read(&path).expect("readable");
            found.insert(path, (mode & 0o777, content));
        }
    }
    found
}

#[test]
fn a_second_service_at_a_taken_address_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (service, url) = serve(&["--key-file", &path("key")]);
    let address = url.trim_start_matches("http://");
    let before = files(folder.path());
    assert_eq!(before[&folder.path().join("key")].0, 0o600);
    for more in [
        &[][..],
        &["--state", &path("state"), "--tls-self-signed", &path("tls")],
    ] {
        for key in [path("key"), path("another")] {
            let flags = [&["--listen", address, "--key-file", &key], more].concat();
            let told = refused(&flags);
            assert!(
                told.contains(&format!("cannot listen on {address}\n")),
                "{told}"
            );
            assert!(told.contains("\nhint: stop what listens there"), "{told}");
        }
    }
    assert_eq!(files(folder.path()), before);
    assert_eq!(service.end().0, Some(0));
}

#[test]
fn a_key_file_that_is_there_is_read_or_refused_and_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (key, state) = (path("key"), path("state"));
    let account = |flags: &[&str]| {
        let (mut service, _) = serve(&[&["--key-file", &key], flags].concat());
        let account = service.wait_for("account_id");
        assert_eq!(service.end().0, Some(0));
        (account, std::fs::read_to_string(&key).expect("a key"))
    };
    let first = account(&[]);
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("set");
    assert_eq!(account(&[]), first);
    let mode = std::fs::metadata(&key).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        account(&["--state", &state]),
        first,
        "a new state takes it over"
    );
    std::fs::remove_file(&key).expect("removed");
    assert_eq!(
        account(&["--state", &state]),
        first,
        "and has it from then on"
    );

    std::fs::write(path("diary"), "today\n").expect("written");
    std::os::unix::fs::symlink(&key, path("link")).expect("linked");
    let (service, _) = serve(&["--key-file", &path("other")]);
    assert_eq!(service.end().0, Some(0));
    let before = files(folder.path());
    let listen = ["--listen", "127.0.0.1:0"];
    for (flags, told) in [
        (
            vec!["--key-file", &path("diary")],
            "holds something other than a key that was made here, and was left as it is\n\
             hint: give another --key-file",
        ),
        (
            vec!["--key-file", &path("other"), "--state", &state],
            "holds another account's key, and was left as it is\nhint: give another --key-file",
        ),
        (
            vec!["--key-file", &path("link")],
            "caused by: it is a symbolic link",
        ),
    ] {
        let said = refused(&[&listen, flags.as_slice()].concat());
        assert!(said.contains(told), "{flags:?}: {said}");
    }
    let without_state = |found: BTreeMap<PathBuf, (u32, Vec<u8>)>| {
        let mut found = found;
        found.retain(|path, _| !path.display().to_string().contains("/state"));
        found
    };
    assert_eq!(without_state(files(folder.path())), without_state(before));
}

#[test]
fn a_state_is_private_and_nothing_else_is_taken_for_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let key = path("key");
    let (service, _) = serve(&["--state", &path("state"), "--key-file", &key]);
    assert_eq!(service.end().0, Some(0));
    let wide = Permissions::from_mode(0o664);
    std::fs::set_permissions(path("state"), wide.clone()).expect("set");
    let (service, _) = serve(&["--state", &path("state"), "--key-file", &key]);
    for (file, (mode, _)) in files(folder.path()) {
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    assert_eq!(service.end().0, Some(0));

    std::fs::write(path("diary"), "today").expect("written");
    std::fs::set_permissions(path("diary"), wide).expect("set");
    std::os::unix::fs::symlink(path("state"), path("link")).expect("linked");
    std::fs::write(path("new.lock"), "a diary too").expect("written");
    let before = files(folder.path());
    for (state, told) in [
        (
            "diary",
            "is not the state of a session service and was left as it is",
        ),
        ("link", "caused by: it is a symbolic link"),
        ("new", "caused by: it holds something else"),
    ] {
        let flags = [
            "--listen",
            "127.0.0.1:0",
            "--key-file",
            &key,
            "--state",
            &path(state),
        ];
        let said = refused(&flags);
        assert!(said.contains(told), "{state}: {said}");
    }
    std::fs::remove_file(path("new")).expect("an empty file that was made for the state");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_certificate_of_somebodys_own_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (key, tls) = (folder.path().join("key"), folder.path().join("tls"));
    std::fs::create_dir(&tls).expect("made");
    std::fs::write(tls.join("key.pem"), "a key of my own").expect("written");
    let before = files(&tls);
    let (key, tls) = (key.display().to_string(), tls.display().to_string());
    let flags = [
        "--listen",
        "127.0.0.1:0",
        "--key-file",
        &key,
        "--tls-self-signed",
        &tls,
    ];
    let told = refused(&flags);
    assert!(
        told.contains("was not made here; they were left as they are"),
        "{told}"
    );
    assert_eq!(files(Path::new(&tls)), before);
}
