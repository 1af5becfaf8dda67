//! Certificates: made once, named by the operator, and changed while wallets are connected.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use bitcoin::hashes::{Hash as _, sha256};
use electrode_tests::{
    Bitcoind, Branch, Electrode, LineClient, Settings, Wire, certificate, tls_over, wait_until,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

/// What the server shows to who connects now, as its fingerprint.
fn fingerprint(server: &Electrode, wire: Wire) -> String {
    let stream = tls_over(server.connect(wire), rustls::ALL_VERSIONS).unwrap();
    sha256::Hash::hash(&certificate(&stream)).to_string()
}

/// Has another program work in a folder.
fn openssl(folder: &Path, args: &[&str]) {
    let mut openssl = Command::new("openssl");
    let output = openssl.args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// Makes a certificate and a key.
fn make(folder: &Path, name: &str, kind: &[&str]) {
    let [cert, key] = ["crt", "key"].map(|end| format!("{name}.{end}"));
    let files = ["-out", &cert, "-keyout", &key, "-newkey"];
    let made = ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=x"];
    openssl(folder, &[&made[..], &files, kind].concat());
}

fn named(node: &Bitcoind, folder: &Path) -> Settings {
    Settings::of(node)
        .set("tls.cert", format_args!("{:?}", folder.join("used.crt")))
        .set("tls.key", format_args!("{:?}", folder.join("used.key")))
}

/// Puts files in the place of those in use, as certbot does: each at once.
fn put(folder: &Path, name: &str, kind: &str) {
    let unfinished = folder.join("unfinished");
    fs::copy(folder.join(format!("{name}.{kind}")), &unfinished).unwrap();
    fs::rename(unfinished, folder.join(format!("used.{kind}"))).unwrap();
}

#[test]
fn makes_a_certificate_once_and_keeps_it() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let mut server = Electrode::serve(&node);
    let shown = fingerprint(&server, Wire::Ssl);
    assert_eq!(fingerprint(&server, Wire::Wss), shown);
    assert!(
        server.logged().contains(&shown),
        "the fingerprint is logged"
    );
    server.stop();
    server.start();
    server.wait_ready();
    assert_eq!(fingerprint(&server, Wire::Ssl), shown);
}

#[test]
fn says_what_is_wrong_with_the_files_before_anything_else() {
    let node = Bitcoind::start();
    let folder = tempfile::tempdir().unwrap();
    make(
        folder.path(),
        "used",
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    );
    make(
        folder.path(),
        "other",
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    );
    put(folder.path(), "other", "key");
    let mut server = Electrode::configured(&named(&node, folder.path()));
    for args in [&["serve"][..], &["config", "check"]] {
        let output = server.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(
            said.contains("expected a certificate and its own key"),
            "{said}"
        );
        assert!(
            said.contains("used.crt") && said.contains("used.key"),
            "{said}"
        );
    }
    assert!(!server.data_dir().exists(), "nothing is written");
    put(folder.path(), "used", "crt");
    fs::remove_file(folder.path().join("used.key")).unwrap();
    server.start();
    assert_eq!(server.wait_exit(PATIENCE).code(), Some(64));
}

/// A certificate of version 1, as the HOWTO of `ElectrumX` has operators make one, is shown to a
/// client that remembers it and takes no other.
#[test]
fn serves_who_remembers_a_certificate_of_electrumx() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let folder = tempfile::tempdir().unwrap();
    openssl(folder.path(), &["genrsa", "-out", "used.key", "2048"]);
    let ask = [
        "req", "-new", "-key", "used.key", "-subj", "/CN=x", "-out", "x.csr",
    ];
    openssl(folder.path(), &ask);
    let sign = [
        "x509", "-req", "-days", "1825", "-in", "x.csr", "-signkey", "used.key",
    ];
    openssl(folder.path(), &[&sign[..], &["-out", "used.crt"]].concat());
    let settings = named(&node, folder.path());
    let mut server = Electrode::configured(&settings);
    assert!(server.run(&["config", "check"]).status.success());
    server.start();
    server.wait_ready();
    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", version])
            .args(["-CAfile", "used.crt", "-connect"])
            .arg(format!("127.0.0.1:{}", server.port_of(Wire::Ssl)))
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut asked = client.stdin.take().unwrap();
        asked
            .write_all(b"{\"id\":7,\"method\":\"server.ping\"}\n")
            .unwrap();
        let mut answer = String::new();
        BufReader::new(client.stdout.take().unwrap())
            .read_line(&mut answer)
            .unwrap();
        assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":null}\n");
        // It would wait for more, whatever becomes of its input.
        client.kill().unwrap();
        client.wait().unwrap();
    }
}

fn ask_on(client: &mut LineClient, is_over: &AtomicBool, calls: &AtomicU64) {
    while !is_over.load(Ordering::Relaxed) {
        client.call("blockchain.block.header", &json!([1]));
        calls.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn changes_its_certificate_without_dropping_a_session() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let folder = tempfile::tempdir().unwrap();
    make(
        folder.path(),
        "first",
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    );
    make(folder.path(), "second", &["rsa:2048"]);
    for kind in ["crt", "key"] {
        put(folder.path(), "first", kind);
    }
    let mut server = Electrode::configured(&named(&node, folder.path()));
    server.start();
    server.wait_ready();
    let first = fingerprint(&server, Wire::Ssl);

    let is_over = AtomicBool::new(false);
    let calls = AtomicU64::new(0);
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(server.client_over(Wire::Ssl));
        clients.push(server.client_over(Wire::Wss));
    }
    thread::scope(|scope| {
        for mut client in clients {
            let (is_over, calls) = (&is_over, &calls);
            scope.spawn(move || ask_on(&mut client, is_over, calls));
        }
        // Half of a pair changes nothing, whole pairs do.
        put(folder.path(), "second", "crt");
        wait_until("half a pair is refused", PATIENCE, || {
            server
                .logged()
                .contains("the certificate in use stays")
                .then_some(())
        });
        assert_eq!(fingerprint(&server, Wire::Ssl), first);
        put(folder.path(), "second", "key");
        wait_until("the second certificate is shown", PATIENCE, || {
            (fingerprint(&server, Wire::Wss) != first).then_some(())
        });
        let so_far = calls.load(Ordering::Relaxed);
        wait_until("all go on", PATIENCE, || {
            (calls.load(Ordering::Relaxed) > so_far + 1000).then_some(())
        });
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(server.status().unwrap()["errors"], 0);
}

/// Gives a file the length and the date of another, as far as the server looks at it from time to
/// time: only who is told to reads it again.
fn disguise(path: &Path, original: &fs::File) {
    let wanted = original.metadata().unwrap();
    let mut text = fs::read(path).unwrap();
    text.resize(usize::try_from(wanted.len()).unwrap(), b'\n');
    fs::write(path, text).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(wanted.modified().unwrap()).unwrap();
}

#[test]
fn reads_the_certificate_again_when_told_to() {
    let node = Bitcoind::start();
    Branch::genesis().mine(&node, []);
    let folder = tempfile::tempdir().unwrap();
    // The longer pair comes first, so that the others can be made as long.
    make(folder.path(), "first", &["rsa:2048"]);
    make(
        folder.path(),
        "second",
        &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    );
    let originals = ["crt", "key"].map(|kind| {
        put(folder.path(), "first", kind);
        fs::File::open(folder.path().join(format!("first.{kind}"))).unwrap()
    });
    for (kind, original) in ["crt", "key"].into_iter().zip(&originals) {
        disguise(&folder.path().join(format!("used.{kind}")), original);
        disguise(&folder.path().join(format!("second.{kind}")), original);
    }
    let mut server = Electrode::configured(&named(&node, folder.path()));
    server.start();
    server.wait_ready();
    let first = fingerprint(&server, Wire::Ssl);
    let mut session = server.client_over(Wire::Ssl);
    let mut operator = server.operator();

    // Half of a pair cannot be used: nothing changes, and the operator hears why.
    put(folder.path(), "second", "key");
    disguise(&folder.path().join("used.key"), &originals[1]);
    server.configure(&named(&node, folder.path()).set("limits.max_subscriptions", 1));
    let error = operator.try_call("reload", &json!([])).unwrap_err();
    let told = error["message"].as_str().unwrap();
    assert!(
        told.contains("used.crt") && told.contains("expected a certificate and its own key"),
        "{told}"
    );
    assert_eq!(fingerprint(&server, Wire::Ssl), first);
    for script in ["1", "2"] {
        let script = json!([script.repeat(64)]);
        session.call("blockchain.scripthash.subscribe", &script);
    }

    put(folder.path(), "second", "crt");
    disguise(&folder.path().join("used.crt"), &originals[0]);
    let told = operator.call("reload", &json!([]));
    let second = fingerprint(&server, Wire::Ssl);
    assert_ne!(second, first);
    assert_eq!(
        told,
        json!(format!(
            "reloaded: limits.max_subscriptions; the certificate is now {second}"
        ))
    );
    assert_eq!(fingerprint(&server, Wire::Wss), second);
    session.call("server.ping", &json!([]));
}
