//! Programs that end with the test that started them.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

use crate::wait_until;

/// How many lines of a program's log a failed test shows.
const SHOWN_LINES: usize = 60;

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: &'static str,
}

impl Process {
    /// Starts a program whose output is added to `log`.
    pub(crate) fn spawn(command: &mut Command, log: &Log) -> Self {
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log.path)
            .unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", log.name));
        Self {
            child,
            name: log.name,
        }
    }

    /// Tells how the program ended, if it did.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the end of the program.
    pub(crate) fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        wait_until(&format!("the end of {}", self.name), limit, || {
            self.exited()
        })
    }

    /// Asks the program to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Tells the program to read its configuration again.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Leaves the program room for so many more open files.
    pub(crate) fn leave_open_files(&self, more: usize) {
        let pid = self.pid();
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        let limit = Rlimit {
            current: Some(u64::try_from(open + more).unwrap()),
            // As it was: children inherit it.
            maximum: getrlimit(Resource::Nofile).maximum,
        };
        prlimit(Some(pid), Resource::Nofile, limit).unwrap();
    }

    /// Takes the program's life, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks a program that runs elsewhere to end.
///
/// # Errors
/// There is none of this number, or it is another user's.
pub fn terminate(pid: u32) -> io::Result<()> {
    signal(pid, Signal::TERM)
}

/// Does to a program what Ctrl-C does.
///
/// # Errors
/// As those of [`terminate`].
pub fn interrupt(pid: u32) -> io::Result<()> {
    signal(pid, Signal::INT)
}

fn signal(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(pid, signal)?)
}

/// Wraps a command so that the system lets it have `limit` files open, and no more.
pub(crate) fn with_open_files(limit: u32, command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &limit.to_string()])
        .arg(command.get_program())
        .args(command.get_args());
    limited
}

/// Where a program's output goes; shown when the test fails.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
}

impl Log {
    /// Reads everything the program has said so far.
    pub(crate) fn text(&self) -> String {
        fs::read(&self.path).map_or_else(
            |_no_output_yet| String::new(),
            |log| String::from_utf8_lossy(&log).into(),
        )
    }
}

impl Drop for Log {
    #[expect(clippy::print_stderr, reason = "shown only when the test fails")]
    fn drop(&mut self) {
        if thread::panicking() {
            let text = self.text();
            let lines: Vec<&str> = text.lines().collect();
            let skipped = lines.len().saturating_sub(SHOWN_LINES);
            eprintln!(
                "--- {} ({skipped} lines before)\n{}",
                self.name,
                lines[skipped..].join("\n")
            );
        }
    }
}

/// Finds a program that `tests/daemons/SCRIPT` unpacks.
pub(crate) fn unpacked(program: &str, script: &str) -> PathBuf {
    let cache = env::var_os("ELECTRODE_CACHE").map_or_else(
        || Path::new(&env::var_os("HOME").unwrap()).join(".cache/electrode"),
        PathBuf::from,
    );
    let path = cache.join(program);
    assert!(
        path.exists(),
        "{} is missing: run tests/daemons/{script}",
        path.display()
    );
    path
}

/// Finds the server: `cargo build --release` puts it two directories above its tests' programs.
///
/// # Panics
/// It is not built.
#[must_use]
pub fn electrode() -> PathBuf {
    let test = env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("electrode");
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --release -p electrode`",
        path.display()
    );
    path
}
