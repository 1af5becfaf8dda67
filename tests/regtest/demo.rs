//! The demonstration: what it tells a newcomer to type works as it stands there.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    io::{BufRead as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

use electrode_tests::{electrode_program, terminate, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// A demonstration and what it has said; ended when dropped.
struct Demo {
    child: Child,
    invitation: Vec<String>,
    /// What it says next: who stops reading ends it.
    _rest: Lines<BufReader<ChildStdout>>,
}

impl Demo {
    /// Starts it as people do, by its path or by its name, and reads what it says at the start.
    fn start(command: &mut Command) -> Self {
        let ports = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [wallets, http] = ports.map(|port| port.local_addr().unwrap().port().to_string());
        let mut child = command
            .args(["demo", "--port", &wallets, "--http-port", &http])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut invitation = Vec::new();
        while !invitation
            .last()
            .is_some_and(|last: &String| last.contains("electrum --regtest"))
        {
            invitation.push(lines.next().unwrap().unwrap());
        }
        Self {
            child,
            invitation,
            _rest: lines,
        }
    }

    /// Gives the commands that call the server.
    fn proposed(&self) -> Vec<&str> {
        let lines = self.invitation.iter().map(|line| line.trim());
        lines.filter(|line| line.contains(" call ")).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(terminate(self.child.id()));
        self.child.wait().unwrap();
    }
}

/// Pastes a line into a shell.
fn paste(line: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).output().unwrap()
}

#[test]
fn proposes_commands_that_work() {
    let program = electrode_program();
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let mut by_path = Command::new(&program);
    by_path.current_dir("/");
    let mut by_name = Command::new("sh");
    by_name
        .env("PATH", &path)
        .args(["-c", "exec electrode \"$@\"", "sh"]);
    for (command, name) in [
        (&mut by_path, program.to_str().unwrap()),
        (&mut by_name, "electrode"),
    ] {
        let demo = Demo::start(command);
        let [balance, subscribe] = demo.proposed().try_into().unwrap();
        assert!(balance.starts_with(&format!("{name} call ")), "{balance}");
        let with_path = format!("PATH={path}; {balance}");
        let answer = wait_until("the demo serves", PATIENCE, || {
            let output = paste(&with_path);
            output.status.success().then_some(output.stdout)
        });
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["confirmed"].as_u64().unwrap() > 0, "{answer}");

        // Payments come every few seconds, to each person in turn.
        let (subscribe, note) = subscribe.split_once('#').unwrap();
        assert!(note.contains("stays open"), "{note}");
        let output = paste(&format!("PATH={path}; {} --count 1", subscribe.trim()));
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let [status, notice] = said.lines().collect::<Vec<_>>().try_into().unwrap();
        let notice: Value = serde_json::from_str(notice).unwrap();
        assert_ne!(
            notice["params"][1],
            serde_json::from_str::<Value>(status).unwrap()
        );
    }
}
