//! Tells the SDK which compiler builds it, for the line that names a plugin's origin.

use std::{env, process::Command};

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_else(|| "rustc of unknown version".to_owned());
    let target = env::var("TARGET").unwrap_or_default();
    println!(
        "cargo:rustc-env=ELECTRODE_BUILT_BY={} {target}",
        version.trim()
    );
    println!("cargo:rerun-if-changed=build.rs");
}
