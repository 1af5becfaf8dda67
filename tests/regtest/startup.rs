//! What stops a server from starting, and how it says so.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use electrode_tests::{Bitcoind, Branch, Electrode, PluginFolder, Settings, wait_until};

/// How long the server may take to find out.
const PATIENCE: Duration = Duration::from_secs(30);

const REGTEST: &str = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206";
const TESTNET4: &str = "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043";

/// Starts a server that must give up, with this exit code and saying all of these words.
fn refuses_to_start(server: &mut Electrode, code: i32, words: &[&str]) {
    server.start();
    let status = server.wait_exit(PATIENCE);
    let said = server.logged();
    assert_eq!(status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "expected {word:?} in: {said}");
    }
}

#[test]
fn begins_no_index_for_a_daemon_of_another_chain() {
    let node = Bitcoind::start();
    let built_in = Settings {
        net: "testnet4",
        ..Settings::of(&node)
    };
    let folder = PluginFolder::with("electrode_reexport", "Bitcoin");
    let by_plugin = built_in.clone().plugins(&folder);
    for settings in [built_in, by_plugin] {
        let mut server = Electrode::configured(&settings);
        refuses_to_start(&mut server, 69, &[REGTEST, TESTNET4]);
        assert_eq!(names(&server.data_dir()), NO_INDEX);
    }
}

#[test]
fn leaves_an_index_alone_when_the_daemon_is_of_another_chain() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    server.stop();
    let before = contents(&server.data_dir());

    let other = Bitcoind::start_on("testnet4", &[]);
    server.configure(&Settings::of(&other));
    refuses_to_start(&mut server, 69, &[REGTEST, TESTNET4]);
    assert_eq!(contents(&server.data_dir()), before);
}

/// What a server makes for itself before it knows its node.
const NO_INDEX: [&str; 3] = ["admin-token", "tls-cert.pem", "tls-key.pem"];

/// Names what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Lists every file of a folder, how long it is and when it was last written.
fn contents(folder: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            let metadata = fs::metadata(&path).unwrap();
            files.push((path, metadata.len(), metadata.modified().unwrap()));
        }
    }
    files.sort();
    files
}

/// Both names are of one chain, so that neither needs an index of its own.
#[test]
fn changes_between_testnet_and_testnet_segwit_without_a_new_index() {
    let node = Bitcoind::start_on("test", &[]);
    let settings = |net| Settings {
        net,
        ..Settings::of(&node).set("daemon.wait_for_download", false)
    };
    let mut server = Electrode::configured(&settings("testnet"));
    for (net, height) in [("testnet", -1), ("testnet-segwit", 0), ("testnet", 0)] {
        server.configure(&settings(net));
        server.start();
        server.wait_ready();
        let opened = format!("net={net} data_dir={}", server.data_dir().display());
        let logged = server.logged();
        let line = logged.lines().rfind(|line| line.contains(&opened)).unwrap();
        assert!(line.ends_with(&format!("height={height}")), "{line}");
        server.stop();
    }
}

#[test]
fn refuses_an_index_of_another_chain() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    server.stop();

    let other = Bitcoind::start_on("testnet4", &[]);
    server.configure(&Settings {
        net: "testnet4",
        ..Settings::of(&other)
    });
    refuses_to_start(&mut server, 65, &[REGTEST, TESTNET4]);

    // The index is as it was.
    server.configure(&Settings::of(&node));
    server.verify();
}

#[test]
fn refuses_a_setting_it_does_not_know_and_says_which_was_meant() {
    let settings = Settings::regtest()
        .daemon("urls", &["http://127.0.0.1:1"])
        .daemon("zqm", "x");
    let mut server = Electrode::configured(&settings);
    refuses_to_start(&mut server, 64, &["zqm", "zmq"]);
}

#[test]
fn waits_for_a_daemon_that_starts_later() {
    let mut node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::configured(&Settings::of(&node));
    node.stop();
    server.start();
    let page = wait_until("the status page is there", PATIENCE, || {
        server.page("/ready")
    });
    assert_eq!(page.status, 503, "{page:?}");
    assert_eq!(names(&server.data_dir()), NO_INDEX);
    node.start_again();
    server.wait_ready();
    server.wait_caught_up(&node);
}

#[test]
fn leaves_a_data_directory_in_use_alone() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    let output = server.run(&["index", "verify"]);
    assert!(!output.status.success(), "{output:?}");
    server.assert_running();
    assert!(server.is_ready());
}
