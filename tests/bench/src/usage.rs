//! What a process uses, as Linux tells it.

use std::{fs, path::Path, time::Instant};

use anyhow::Context as _;

/// The unit of times in `/proc`, fixed by the kernel's interface to programs.
const TICKS_PER_SEC: f64 = 100.0;

/// Processor time and memory of a process so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu_secs: f64,
    pub(crate) rss_mb: f64,
    pub(crate) peak_rss_mb: f64,
}

impl Usage {
    /// Reads `/proc/PID/stat` and `/proc/PID/status`.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
            .with_context(|| format!("process {pid} has ended"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        Ok(Self {
            cpu_secs: cpu_secs(&stat).context("/proc/PID/stat has utime and stime")?,
            rss_mb: megabytes(&status, "VmRSS:").context("/proc/PID/status has VmRSS")?,
            peak_rss_mb: megabytes(&status, "VmHWM:").context("/proc/PID/status has VmHWM")?,
        })
    }
}

/// Processor time of the whole machine and of the processes that a run consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Busy {
    at: Instant,
    machine_secs: f64,
    own_secs: f64,
}

impl Busy {
    /// Reads both as of now.
    pub(crate) fn now(pids: &[u32]) -> anyhow::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let mut own_secs = 0.0;
        for pid in pids {
            own_secs += Usage::of(*pid)?.cpu_secs;
        }
        let machine_secs = busy_secs(&stat).context("/proc/stat begins with cpu")?;
        Ok(Self {
            at: Instant::now(),
            machine_secs,
            own_secs,
        })
    }

    /// How many processors other processes have used on average since `earlier`.
    pub(crate) fn others_since(&self, earlier: &Self) -> f64 {
        let machine = self.machine_secs - earlier.machine_secs;
        let own = self.own_secs - earlier.own_secs;
        (machine - own).max(0.0) / (self.at - earlier.at).as_secs_f64()
    }
}

/// The bytes of all files under a directory, in MB.
pub(crate) fn disk_mb(dir: &Path) -> anyhow::Result<f64> {
    let mut bytes: u64 = 0;
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            // A server may delete a file between the listing and the look.
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => dirs.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(_) => {}
            }
        }
    }
    Ok(u32::try_from(bytes / 1_000).map_or(f64::INFINITY, f64::from) / 1_000.0)
}

/// Shape: `pid (name) state …`, utime and stime being fields 14 and 15. Source: proc(5).
fn cpu_secs(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SEC)
}

/// Shape: `cpu user nice system idle iowait irq softirq steal …`. Source: proc(5).
fn busy_secs(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line
        .split_whitespace()
        .map_while(|ticks| ticks.parse().ok())
        .collect();
    let (user, nice, system) = (ticks.first()?, ticks.get(1)?, ticks.get(2)?);
    let interrupts: f64 = ticks.get(5..8)?.iter().sum();
    Some((user + nice + system + interrupts) / TICKS_PER_SEC)
}

fn megabytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1_024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 3 0 0 0 150 50 0 0 20 0 1 0 9";
        assert_eq!(cpu_secs(stat), Some(2.0));
        assert_eq!(
            megabytes("VmPeak:\t 9 kB\nVmHWM:\t  1000000 kB\n", "VmHWM:"),
            Some(1024.0)
        );
        assert!(Usage::of(std::process::id()).unwrap().peak_rss_mb > 0.0);
    }
}
