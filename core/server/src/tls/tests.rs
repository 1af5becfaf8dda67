//! Files that are there, that are not, and that change.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Has another program work in a folder, and gives what it says.
fn openssl_in(folder: &Path, args: &[&str]) -> String {
    let mut openssl = Command::new("openssl");
    let output = openssl.args(args).current_dir(folder).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "openssl {args:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn openssl(args: &[&str]) -> String {
    openssl_in(Path::new("."), args)
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

/// A key that was made was private then: if it is not any more, somebody may have it.
#[test]
fn refuses_a_key_of_its_own_that_others_can_read() {
    let folder = folder();
    let key = Tls::load_or_make(folder.path(), &[]).unwrap().files.key;
    for (mode, is_refused) in [(0o644, true), (0o620, true), (0o640, false), (0o600, false)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let again = Tls::load_or_make(folder.path(), &[]);
        assert_eq!(again.is_err(), is_refused, "{mode:o}");
        let checked = Tls::check_made(folder.path());
        assert_eq!(checked.is_err(), is_refused, "{mode:o}");
        if let Err(error) = checked {
            let told = error.to_string();
            assert!(
                told.contains("tls-key.pem") && told.contains("chmod 600"),
                "{told}"
            );
        }
    }
}

/// As another program reads it: what it is for, how long it lasts, and that it is no authority.
#[test]
fn makes_what_openssl_understands() {
    let folder = folder();
    let hosts = ["electrum.example.org".to_owned(), "192.0.2.1".to_owned()];
    let tls = Tls::load_or_make(folder.path(), &hosts).unwrap();
    let cert = tls.files.cert.to_str().unwrap();
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
    let nothing = one.1.path().join("nothing.pem");
    let nothing_text = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    fs::write(&nothing, nothing_text).unwrap();
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
            "expected a certificate and its own key, came another key of the same kind",
        ),
        (
            files(&nothing, &key),
            "nothing.pem: expected an X.509 certificate in PEM, came something else",
        ),
    ] {
        let error = load_error(&files);
        assert!(error.contains(expected), "expected {expected:?} in {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// Kinds of keys as openssl makes them, and what is said of those that cannot be used.
const KINDS: &[(&str, &[&str], Option<&str>)] = &[
    ("rsa", &["-algorithm", "RSA"], None),
    (
        "p256",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        None,
    ),
    (
        "p384",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        None,
    ),
    ("ed25519", &["-algorithm", "ED25519"], None),
    (
        "p521",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
        Some("came one for ECDSA on P-521"),
    ),
    (
        "secp256k1",
        &[
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:secp256k1",
        ],
        Some("came one for ECDSA on secp256k1"),
    ),
    (
        "short",
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        Some("came one for RSA of 1024 bits"),
    ),
    (
        "ed448",
        &["-algorithm", "ED448"],
        Some("came one for another algorithm"),
    ),
];

/// Makes a key, and a certificate that is signed with it.
fn make_pair(folder: &Path, name: &str, kind: &[&str]) -> TlsFiles {
    let [key, cert] = ["key", "crt"].map(|end| format!("{name}.{end}"));
    openssl_in(folder, &[&["genpkey", "-out", &key], kind].concat());
    let subject = [
        "req", "-x509", "-subj", "/CN=x", "-days", "9", "-key", &key, "-out", &cert,
    ];
    openssl_in(folder, &subject);
    TlsFiles {
        cert: folder.join(cert),
        key: folder.join(key),
    }
}

#[test]
fn takes_every_kind_of_key_that_tls_is_spoken_with_and_names_the_others() {
    let folder = folder();
    for (name, kind, complaint) in KINDS {
        let files = make_pair(folder.path(), name, kind);
        match complaint {
            None => drop(Tls::load(files).unwrap()),
            Some(complaint) => {
                let error = load_error(&files);
                assert!(error.contains(complaint), "{name}: {error}");
                assert!(error.contains("openssl req -x509"), "{name}: {error}");
                assert_eq!(error.lines().count(), 1, "{error}");
            }
        }
    }
    let [rsa, p256] = ["rsa", "p256"].map(|name| folder.path().join(name));
    let mixed = TlsFiles {
        cert: rsa.with_extension("crt"),
        key: p256.with_extension("key"),
    };
    let error = load_error(&mixed);
    let told = "came a certificate for RSA of 2048 bits and a key for ECDSA on P-256";
    assert!(error.contains(told), "{error}");
}

/// The older forms of a key's file: PKCS#1, and SEC 1 with the curve in front.
#[test]
fn takes_keys_in_their_own_form() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    for (name, kind, _) in KINDS.iter().take(3) {
        let files = make_pair(folder.path(), name, kind);
        let own = format!("{name}.own");
        let key = format!("{name}.key");
        openssl_in(
            folder.path(),
            &["pkey", "-traditional", "-in", &key, "-out", &own],
        );
        let text = fs::read_to_string(path(&own)).unwrap();
        assert!(!text.contains("BEGIN PRIVATE KEY"), "{text}");
        Tls::load(TlsFiles {
            key: path(&own),
            ..files
        })
        .unwrap();
    }
    openssl_in(
        folder.path(),
        &[
            "ecparam",
            "-name",
            "secp521r1",
            "-genkey",
            "-out",
            "sec1.key",
        ],
    );
    let error = load_error(&TlsFiles {
        cert: path("p256.crt"),
        key: path("sec1.key"),
    });
    assert!(error.contains("came one for ECDSA on P-521"), "{error}");
}

/// As `ElectrumX`'s HOWTO has operators make one: version 1 of X.509, which wallets have remembered.
#[test]
fn takes_certificates_that_it_need_not_understand() {
    let folder = folder();
    let pair = make_pair(folder.path(), "x", KINDS[0].1);
    let path = folder.path();
    openssl_in(
        path,
        &[
            "req", "-new", "-key", "x.key", "-subj", "/CN=x", "-out", "x.csr",
        ],
    );
    let sign = [
        "x509", "-req", "-days", "1825", "-in", "x.csr", "-signkey", "x.key",
    ];
    openssl_in(path, &[&sign[..], &["-out", "version1.crt"]].concat());
    let text = openssl_in(path, &["x509", "-in", "version1.crt", "-noout", "-text"]);
    assert!(text.contains("Version: 1 (0x0)"), "{text}");
    fs::write(path.join("unknown.ext"), "1.2.3.4.5=critical,ASN1:NULL\n").unwrap();
    openssl_in(
        path,
        &[
            &sign[..],
            &["-extfile", "unknown.ext", "-out", "unknown.crt"],
        ]
        .concat(),
    );
    for name in ["version1.crt", "unknown.crt"] {
        let tls = Tls::load(TlsFiles {
            cert: path.join(name),
            ..pair.clone()
        });
        let fingerprint = tls.unwrap().fingerprint();
        let shown = openssl_in(
            path,
            &["x509", "-in", name, "-noout", "-sha256", "-fingerprint"],
        );
        let (_name, hex) = shown.trim().split_once('=').unwrap();
        assert_eq!(hex.replace(':', "").to_lowercase(), fingerprint, "{name}");
    }
}

/// A certificate that is cut short, or damaged, is refused in words, whatever is left of it.
#[test]
fn survives_damaged_certificates_and_keys() {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

    use super::key_kind::{KeyKind, PublicKey};

    let folder = folder();
    let files = make_pair(folder.path(), "x", KINDS[1].1);
    let cert = CertificateDer::from_pem_file(&files.cert).unwrap();
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    assert_eq!(
        PublicKey::of(&cert).unwrap().kind,
        KeyKind::Ecdsa(Some("P-256"))
    );
    for len in 0..cert.len() {
        assert_eq!(PublicKey::of(&cert[..len]), None, "{len}");
    }
    for place in 0..cert.len() {
        for value in [0, 0x7f, 0x80, 0x84, 0xff] {
            let mut damaged = cert.to_vec();
            damaged[place] = value;
            let read = PublicKey::of(&damaged).map_or(0, |key| key.bytes.len());
            assert!(read < damaged.len());
        }
    }
    for place in 0..key.secret_der().len() {
        let mut damaged = key.secret_der().to_vec();
        damaged[place] ^= 0xff;
        let _whatever_it_says = KeyKind::of(&PrivateKeyDer::Pkcs8(damaged.into()));
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
