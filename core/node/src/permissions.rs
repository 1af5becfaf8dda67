//! Who else can read and change what should be the operator's own.
//!
//! It only tells: files that operators made may be shared on purpose. What the server makes itself
//! it makes for its own user alone, and refuses when that has changed.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use crate::config::Config;

const OTHERS: u32 = 0o007;
const READ_BY_OTHERS: u32 = 0o004;
const WRITTEN_BY_OTHERS: u32 = 0o002;
const WRITTEN_BY_GROUP: u32 = 0o020;

/// What others may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Public {
    /// Read it.
    Readable,
    /// Nothing.
    Secret,
}

/// Tells of each file and folder that others can read or change and should not, with the command
/// that mends it.
pub(crate) fn warnings(config: &Config) -> Vec<String> {
    let (serve, coins) = (&config.serve, &config.coins);
    let plugins = &coins.plugins;
    let plugin = plugins.dir.as_deref().and_then(|dir| {
        let found = electrode_loader::find(dir, &config.coin);
        found.ok()?.map(|file| file.path)
    });
    let [cert, key] = match &config.tls {
        Some(files) => [Some(files.cert.as_path()), Some(files.key.as_path())],
        None => [None, None],
    };
    let token = serve.rpc_token_file.as_deref();
    let watched = [
        ("data_dir", Some(config.data_dir.as_path()), Public::Secret),
        ("serve.rpc_token_file", token, Public::Secret),
        ("tls.key", key, Public::Secret),
        ("tls.cert", cert, Public::Readable),
        ("coins_dir", coins.coins_dir.as_deref(), Public::Readable),
        ("plugins.dir", plugins.dir.as_deref(), Public::Readable),
        ("the plugin", plugin.as_deref(), Public::Readable),
    ];
    let warnings = watched.into_iter().filter_map(|(what, path, public)| {
        let path = path?;
        // What is not there, or cannot be looked at, is told where it is used.
        let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
        warning(what, path, mode, public)
    });
    warnings.collect()
}

fn warning(what: &str, path: &Path, mode: u32, public: Public) -> Option<String> {
    let is_read = public == Public::Secret && mode & READ_BY_OTHERS != 0;
    let is_written = mode & (WRITTEN_BY_OTHERS | WRITTEN_BY_GROUP) != 0;
    let can = match (is_read, is_written) {
        (true, true) => "read and changed",
        (true, false) => "read",
        (false, true) => "changed",
        (false, false) => return None,
    };
    let others = match public {
        Public::Secret if mode & OTHERS != 0 => Some("o-rwx"),
        Public::Readable if mode & WRITTEN_BY_OTHERS != 0 => Some("o-w"),
        _ => None,
    };
    let whose = others.map_or("its group", |_change| "others");
    let group = (mode & WRITTEN_BY_GROUP != 0).then_some("g-w");
    let changes: Vec<_> = others.into_iter().chain(group).collect();
    Some(format!(
        "{what} {} can be {can} by {whose} (mode {mode:04o}); to mend it: chmod {} {}",
        path.display(),
        changes.join(","),
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn looks_at_folders_and_plugins_and_secrets() {
        let home = tempfile::tempdir().unwrap();
        let [data, plugins, token] =
            ["data", "plugins", "token"].map(|name| home.path().join(name));
        let plugin = plugins.join("libbitcoin.so");
        for folder in [&data, &plugins] {
            fs::create_dir(folder).unwrap();
            set_mode(folder, 0o700);
        }
        for file in [&token, &plugin] {
            fs::write(file, "").unwrap();
            set_mode(file, 0o600);
        }
        let text = |path: &Path| path.display().to_string();
        let config = Config::load(Sources {
            overrides: vec![
                ("coin", "Bitcoin".to_owned()),
                ("daemon.urls", "http://127.0.0.1:1".to_owned()),
                ("data_dir", text(&data)),
                ("plugins.dir", text(&plugins)),
                ("serve.rpc_token_file", text(&token)),
            ],
            ..Sources::default()
        });
        let config = config.unwrap().config;
        assert_eq!(warnings(&config), [""; 0]);
        set_mode(&data, 0o755);
        set_mode(&token, 0o644);
        set_mode(&plugins, 0o770);
        set_mode(&plugin, 0o664);
        let told = warnings(&config);
        assert_eq!(told.len(), 4, "{told:?}");
        for (warning, path) in told.iter().zip([&data, &token, &plugins, &plugin]) {
            assert!(warning.ends_with(&text(path)), "{warning}");
        }
    }

    #[test]
    fn tells_what_others_can_do_and_how_to_mend_it() {
        let told = |mode, public| warning("tls.key", Path::new("/k"), mode, public);
        for (mode, public, expected) in [
            (0o600, Public::Secret, None),
            (0o640, Public::Secret, None),
            (0o750, Public::Secret, None),
            (
                0o644,
                Public::Secret,
                Some("read by others (mode 0644); to mend it: chmod o-rwx /k"),
            ),
            (
                0o666,
                Public::Secret,
                Some("read and changed by others (mode 0666); to mend it: chmod o-rwx,g-w /k"),
            ),
            (
                0o660,
                Public::Secret,
                Some("changed by its group (mode 0660); to mend it: chmod g-w /k"),
            ),
            (0o755, Public::Readable, None),
            (
                0o664,
                Public::Readable,
                Some("changed by its group (mode 0664); to mend it: chmod g-w /k"),
            ),
            (
                0o777,
                Public::Readable,
                Some("changed by others (mode 0777); to mend it: chmod o-w,g-w /k"),
            ),
        ] {
            let expected = expected.map(|told| format!("tls.key /k can be {told}"));
            assert_eq!(told(mode, public), expected, "{mode:o}");
        }
    }
}
