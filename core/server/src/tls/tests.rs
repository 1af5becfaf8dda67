//! Files that are there, that are not, and that change.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn load_error(files: &TlsFiles) -> String {
    Tls::load(files.clone()).unwrap_err().to_string()
}

#[test]
fn makes_a_certificate_once() {
    let folder = folder();
    let hosts = ["electrum.example.org".to_owned(), "192.0.2.1".to_owned()];
    let first = Tls::load_or_make(folder.path(), &hosts).unwrap();
    let text = fs::read(&first.files.cert).unwrap();
    let again = Tls::load_or_make(folder.path(), &["another.example.org".to_owned()]).unwrap();
    assert_eq!(first.fingerprint(), again.fingerprint());
    assert_eq!(fs::read(&again.files.cert).unwrap(), text);
    let mode = fs::metadata(&first.files.key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

/// As another program reads it: what it is for, how long it lasts, and that it is no authority.
#[test]
fn makes_what_openssl_understands() {
    let folder = folder();
    let hosts = ["electrum.example.org".to_owned(), "192.0.2.1".to_owned()];
    let tls = Tls::load_or_make(folder.path(), &hosts).unwrap();
    let cert = tls.files.cert.to_str().unwrap();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {args:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = openssl(&["x509", "-in", cert, "-noout", "-text"]);
    for part in [
        "Subject: CN = electrum.example.org",
        "Public-Key: (256 bit)",
        "CA:FALSE",
        "DNS:electrum.example.org, IP Address:192.0.2.1, DNS:localhost",
    ] {
        assert!(text.contains(part), "expected {part:?} in {text}");
    }
    let fingerprint = openssl(&["x509", "-in", cert, "-noout", "-sha256", "-fingerprint"]);
    let (_name, hex) = fingerprint.trim().split_once('=').unwrap();
    assert_eq!(hex.replace(':', "").to_lowercase(), tls.fingerprint());
    // 19 years from now it is still valid.
    let seconds = (19 * 365 * 24 * 60 * 60).to_string();
    openssl(&["x509", "-in", cert, "-noout", "-checkend", &seconds]);
    openssl(&["verify", "-CAfile", cert, cert]);
}

#[test]
fn finishes_what_a_crash_has_interrupted() {
    let folder = folder();
    let made = Tls::load_or_make(folder.path(), &[]).unwrap();
    let TlsFiles { cert, key } = made.files.clone();
    fs::rename(&cert, cert.with_extension("pem.new")).unwrap();
    let finished = Tls::load_or_make(folder.path(), &[]).unwrap();
    assert_eq!(finished.fingerprint(), made.fingerprint());

    fs::rename(&cert, cert.with_extension("pem.new")).unwrap();
    fs::rename(&key, key.with_extension("pem.new")).unwrap();
    Tls::load_or_make(folder.path(), &[]).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn never_replaces_one_half() {
    for gone in ["tls-cert.pem", "tls-key.pem"] {
        let folder = folder();
        Tls::load_or_make(folder.path(), &[]).unwrap();
        fs::remove_file(folder.path().join(gone)).unwrap();
        let error = Tls::load_or_make(folder.path(), &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("{gone} is not: restore it")),
            "{error}"
        );
        assert!(!folder.path().join(gone).exists());
    }
}

#[test]
fn says_what_is_wrong_with_files() {
    let [one, other] = [folder(), folder()].map(|folder| {
        let tls = Tls::load_or_make(folder.path(), &[]).unwrap();
        (tls.files.clone(), folder)
    });
    let TlsFiles { cert, key } = one.0;
    let junk = one.1.path().join("junk.pem");
    let junk_text = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    fs::write(&junk, junk_text).unwrap();
    let files = |cert: &Path, key: &Path| TlsFiles {
        cert: cert.to_owned(),
        key: key.to_owned(),
    };
    for (files, expected) in [
        (
            files(Path::new("/nowhere"), &key),
            "tls.cert /nowhere: expected a file that can be read",
        ),
        (
            files(&cert, Path::new("/nowhere")),
            "tls.key /nowhere: expected a file that can be read",
        ),
        (
            files(&key, &key),
            "expected a certificate in PEM, came none",
        ),
        (
            files(&cert, &cert),
            "expected a private key without password in PEM, came none",
        ),
        (
            files(&junk, &key),
            "junk.pem: expected a certificate in PEM, came ",
        ),
        (
            files(&cert, &other.0.key),
            "expected a certificate and its own key, came others",
        ),
    ] {
        let error = load_error(&files);
        assert!(error.contains(expected), "expected {expected:?} in {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn keeps_a_good_certificate_when_a_bad_one_comes() {
    let [one, other] = [folder(), folder()];
    let tls = Tls::load_or_make(one.path(), &[]).unwrap();
    let next = Tls::load_or_make(other.path(), &[]).unwrap();
    let before = tls.fingerprint();
    fs::copy(&next.files.cert, &tls.files.cert).unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("its own key"), "{error}");
    assert_eq!(tls.fingerprint(), before);
    fs::copy(&next.files.key, &tls.files.key).unwrap();
    tls.reload().unwrap();
    assert_eq!(tls.fingerprint(), next.fingerprint());
}

#[test]
fn sees_files_that_change() {
    let [one, other] = [folder(), folder()];
    let tls = Tls::load_or_make(one.path(), &[]).unwrap();
    let next = Tls::load_or_make(other.path(), &["longer.example.org".to_owned()]).unwrap();
    let before = tls.fingerprint();
    tls.look_again();
    assert_eq!(tls.fingerprint(), before);
    fs::copy(&next.files.cert, &tls.files.cert).unwrap();
    tls.look_again();
    assert_eq!(tls.fingerprint(), before, "half of a pair");
    fs::copy(&next.files.key, &tls.files.key).unwrap();
    tls.look_again();
    assert_eq!(tls.fingerprint(), next.fingerprint());
}
