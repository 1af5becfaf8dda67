//! What is known of the command line outside of it: manual pages, and what shells complete.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{Failure, cli::Cli, log::say};

/// The name that people type.
const NAME: &str = "electrode";

/// Prints what makes a shell complete commands and options.
pub(crate) fn complete(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    say(String::from_utf8_lossy(&script).trim_end())
}

/// Writes a manual page for each command into a folder.
pub(crate) fn write_manual(folder: &Path) -> Result<(), Failure> {
    let written = clap_mangen::generate_to(Cli::command(), folder);
    written.map_err(|source| Failure::System {
        what: "cannot write the manual pages",
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_a_page_for_each_command() {
        let folder = tempfile::tempdir().unwrap();
        write_manual(folder.path()).unwrap();
        let page = std::fs::read_to_string(folder.path().join("electrode.1")).unwrap();
        assert!(page.contains("Exit codes: 0 done"), "{page}");
        let commands = Cli::command();
        let commands = commands.get_subcommands();
        let mut named = 0;
        for command in commands.filter(|command| !command.is_hide_set()) {
            let name = format!("electrode-{}", command.get_name());
            assert!(page.contains(&name.replace('-', "\\-")), "{name}");
            assert!(folder.path().join(format!("{name}.1")).exists(), "{name}");
            named += 1;
        }
        assert!(named >= 8, "{named}");
    }

    #[test]
    fn says_which_folder_is_missing() {
        let error = write_manual(Path::new("/no/such/folder")).unwrap_err();
        assert!(error.to_string().contains("manual pages"), "{error}");
    }
}
