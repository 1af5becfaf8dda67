//! Every step of the ladder, with a plugin that fails it: most are the coin in C of `toy.c`, with
//! one thing made wrong.

#![expect(clippy::unwrap_used, reason = "test support")]

mod behaviour;
mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use electrode_loader::{Plugin, PluginFile, Reason};

use support::{Toy, WANTED, ask};

/// Checks the whole message, and so its file, expected, found and mend.
fn check(toy: &Toy, expected: &str) {
    let error = toy.load().unwrap_err();
    let path = toy.path().display().to_string();
    assert_eq!(error.to_string(), format!("plugin {path}: {expected}"));
}

#[test]
fn loads_a_plugin_written_in_c() {
    let toy = Toy::new(&[]);
    let plugin = Plugin::open(&toy.file()).unwrap();
    let info = plugin.info();
    assert_eq!(
        (info.name.as_str(), info.version.as_str(), info.abi),
        ("toy", "0.1", (1, 0))
    );
    toy.load().unwrap();
}

#[test]
fn refuses_a_path_that_depends_on_the_folder() {
    let error = ask(Path::new("toy.so"), None, WANTED).unwrap_err();
    assert_eq!(
        error.to_string(),
        "plugin toy.so: expected an absolute path, so that no other file can take its place"
    );
}

#[test]
fn refuses_what_is_no_file() {
    let missing = ask(Path::new("/nowhere/toy.so"), None, WANTED).unwrap_err();
    assert!(matches!(missing.reason, Reason::Unreadable(_)), "{missing}");
    let folder = ask(Path::new("/"), None, WANTED).unwrap_err();
    assert!(matches!(folder.reason, Reason::NotAFile), "{folder}");
}

#[test]
fn refuses_a_file_that_anybody_can_write() {
    let toy = Toy::new(&[]);
    fs::set_permissions(toy.path(), fs::Permissions::from_mode(0o666)).unwrap();
    check(
        &toy,
        "refused: it is writable by others (mode 0666); chmod o-w it",
    );
}

#[test]
fn refuses_a_file_that_differs_from_its_pin() {
    let toy = Toy::new(&[]);
    let pin = "00".repeat(32);
    let error = ask(toy.path(), Some(&pin), WANTED).unwrap_err();
    let Reason::Sha256 { found, .. } = &error.reason else {
        panic!("{error}");
    };
    ask(toy.path(), Some(&found.to_string()), WANTED).unwrap();
    let text = error.to_string();
    assert!(text.contains(&format!(
        "its SHA-256 is {found}, [plugins.sha256] expects {pin}"
    )));
}

#[test]
fn refuses_a_text_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.so");
    fs::write(
        &path,
        "no library at all, but text that is long enough for a header of one",
    )
    .unwrap();
    let error = ask(&path, None, WANTED).unwrap_err();
    let expected = format!(
        "plugin {}: cannot be loaded: invalid ELF header; expected a shared library for this system",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn refuses_another_library() {
    check(
        &Toy::new(&["NO_SYMBOL"]),
        "not a coin plugin: it has no symbol electrode_coin_plugin; does it call export_coin!, \
         and is its crate-type cdylib?",
    );
}

#[test]
fn refuses_another_magic() {
    check(
        &Toy::new(&["MAGIC={'E','L','F'}"]),
        "not a coin plugin: its header starts with [45, 4c, 46, 00, 00, 00, 00, 00], expected \
         ELECTROD",
    );
}

#[test]
fn refuses_another_major_version() {
    check(
        &Toy::new(&["MAJOR=2"]),
        "it speaks version 2.0 of the border, this server 1.x; build it with electrode-plugin of \
         this server",
    );
}

#[test]
fn refuses_a_short_header() {
    check(
        &Toy::new(&["HEADER_SIZE=40"]),
        "its header has 40 bytes, expected 64; build it anew",
    );
}

#[test]
fn refuses_features_it_lacks() {
    check(
        &Toy::new(&["FEATURES=4"]),
        "it needs features 0x4 that this server lacks (it has 0x0); update the server",
    );
}

#[test]
fn refuses_a_short_table() {
    check(
        &Toy::new(&["VTABLE_SIZE=56"]),
        "its table has 56 bytes, expected 96: slot parse_block is missing; build it anew",
    );
}

#[test]
fn refuses_a_null_slot() {
    check(
        &Toy::new(&["PARSE_BLOCK=NULL"]),
        "slot parse_block of its table is null, expected a function; fill it",
    );
}

#[test]
fn refuses_a_net_that_the_plugin_does_not_know() {
    let toy = Toy::new(&[]);
    let error = toy.load_for("Toy", "mainnet").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it refuses to make the coin: toy has regtest only")
    );
}

#[test]
fn refuses_another_coin() {
    let error = Toy::new(&[]).load_for("Play", "regtest").unwrap_err();
    assert!(
        error.to_string().ends_with(
            "it makes Toy regtest, the configuration asks for Play regtest; check coin, net and \
             the file"
        ),
        "{error}"
    );
}

#[test]
fn refuses_a_descriptor_that_is_none() {
    let error = Toy::new(&["COIN=\"Toy\\\"\\ncolour = \\\"red\""])
        .load()
        .unwrap_err();
    assert!(matches!(error.reason, Reason::Descriptor(_)), "{error}");
}

#[test]
fn refuses_another_genesis() {
    let toy = Toy::new(&[&format!("GENESIS=\"{}\"", "11".repeat(32))]);
    check(
        &toy,
        &format!(
            "its descriptor cannot be used: line 14: genesis mismatch: expected genesis_hash, {}, \
             as hash of the header at height 0, got {}: one of the two is of another chain",
            "11".repeat(32),
            "ff".repeat(32)
        ),
    );
}

#[test]
fn refuses_a_plugin_that_gets_its_examples_wrong() {
    let wrong = "12".repeat(32);
    let toy = Toy::new(&[
        &format!("GENESIS=\"{wrong}\""),
        &format!("EXAMPLE=\"{wrong}\""),
    ]);
    check(
        &toy,
        &format!(
            "it gets an example of its descriptor wrong: the header at height 0 should have hash \
             {wrong}, but gets {}",
            "ff".repeat(32)
        ),
    );
}

/// The loader knows libraries by name, and all are opened by number: one must not be taken for
/// another.
#[test]
fn tells_plugins_apart() {
    let (one, two) = (Toy::new(&[]), Toy::new(&["COIN=\"Play\""]));
    one.load().unwrap();
    two.load_for("Play", "regtest").unwrap();
    let _pin: PluginFile = one.file();
    one.load().unwrap();
}
