//! Every plugin that must be refused, through the program: its message, exit code 69, and nothing
//! written.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use crate::{
    operator::{Operator, compile_toy, dogecoin},
    program::stderr,
};

/// Installs a plugin as `toy.so` and checks that a server with it does not start.
fn check(install: impl FnOnce(&Path), more: &str, expected: &str) {
    let operator = Operator::new();
    let plugin = operator.plugins().join("toy.so");
    install(&plugin);
    let output = operator.run(&["serve"], "Toy", more);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(69), "{said}");
    let line = said.lines().last().unwrap();
    assert!(
        line.starts_with("electrode: plugin ") && line.contains(expected),
        "expected {expected:?}: {line}"
    );
    assert!(!operator.data_dir().exists(), "{expected}");
}

#[test]
fn refuses_files_that_cannot_be_trusted() {
    let mode = |path: &Path| {
        compile_toy(path, &[]);
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    };
    check(mode, "", "writable by others (mode 0666)");
    let pin = format!("sha256 = {{ \"toy.so\" = \"{}\" }}", "00".repeat(32));
    check(
        |path| compile_toy(path, &[]),
        &pin,
        "[plugins.sha256] expects 0000",
    );
    check(
        |path| fs::create_dir(path).unwrap(),
        "",
        "expected a regular file",
    );
    check(
        |path| symlink("/nowhere", path).unwrap(),
        "",
        "cannot be read",
    );
}

#[test]
fn refuses_what_is_no_plugin_of_this_border() {
    check(
        |path| fs::write(path, "a text file").unwrap(),
        "",
        "cannot be loaded",
    );
    for (define, expected) in [
        ("NO_SYMBOL", "it has no symbol electrode_coin_plugin"),
        ("MAGIC={'E'}", "its header starts with [45, 00"),
        ("MAJOR=2", "it speaks version 2.0 of the border"),
        ("HEADER_SIZE=40", "its header has 40 bytes"),
        ("FEATURES=4", "it needs features 0x4"),
        ("VTABLE_SIZE=56", "slot parse_block is missing"),
        ("PARSE_BLOCK=NULL", "slot parse_block of its table is null"),
    ] {
        check(|path| compile_toy(path, &[define]), "", expected);
    }
}

#[test]
fn refuses_a_coin_that_is_not_what_was_asked_for_or_not_what_it_says() {
    let wrong = "12".repeat(32);
    let genesis = format!("GENESIS=\"{wrong}\"");
    let example = format!("EXAMPLE=\"{wrong}\"");
    for (defines, expected) in [
        (&["COIN=\"Play\""][..], "it makes Play regtest"),
        (&["NET=\"mainnet\""], "it makes Toy mainnet"),
        (
            &["COIN=\"Toy\\\"\\ncolour = \\\"red\""],
            "its descriptor cannot be used: line 3: unknown field `colour`",
        ),
        (&[&genesis], "genesis mismatch"),
        (
            &[&genesis, &example],
            "it gets an example of its descriptor wrong",
        ),
        (
            &["HEADER_HASH=panics"],
            "it broke down: header_hash panicked: ouch",
        ),
    ] {
        check(|path| compile_toy(path, defines), "", expected);
    }
    let dogecoin = |path: &Path| {
        fs::copy(dogecoin(), path).unwrap();
    };
    check(dogecoin, "", "it makes Dogecoin regtest");
}

#[test]
fn refuses_options_that_the_plugin_refuses() {
    let options = "options = { colour = \"red\" }";
    let refused = |path: &Path| compile_toy(path, &["REFUSE_OPTIONS"]);
    check(
        refused,
        options,
        "it refuses to make the coin: toy takes no options",
    );
}
