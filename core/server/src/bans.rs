//! Networks that are not served, remembered in a file.
//!
//! Whoever asks knows the time. Ends no sessions: that is for [`Service::ban`](crate::Service::ban).

use std::{
    collections::BTreeMap,
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::private_file;

/// Bans that are kept, at most: each new connection is compared with all of them.
const MAX_BANS: usize = 10_000;
/// Bytes of the file that are read, at most: twice what so many bans take.
const MAX_FILE_LEN: u64 = 8 << 20;
/// Characters of a reason that are kept.
const MAX_REASON_LEN: usize = 200;

/// A network that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Which network; that of a single address has all its bits.
    pub net: IpNet,
    /// Why.
    pub reason: String,
    /// Since when. Units: seconds since 1970.
    pub since: u64,
    /// Until when; `None`: until it is taken back. Units: seconds since 1970.
    pub until: Option<u64>,
}

impl Ban {
    fn is_over(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Why a ban cannot be made, taken back, or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BanError {
    /// There are as many as there can be.
    #[error("expected no more than {MAX_BANS} bans; take some back, or ban larger networks")]
    TooMany,
    /// The file cannot be read or written.
    #[error("{path}: expected a file of bans that can be read and replaced: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file says something else.
    #[error("{path}: expected a JSON list of bans, came {came}; mend it, or remove it to ban nobody", path = path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        came: String,
    },
}

/// Shape: an element of the JSON list in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    net: IpNet,
    reason: String,
    since: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

/// The networks that are not served.
#[derive(Debug, Default)]
pub struct Bans {
    path: Option<PathBuf>,
    table: Mutex<BTreeMap<IpNet, Ban>>,
}

impl Bans {
    /// Reads the bans of a file and keeps it up to date from then on; a file that is not there
    /// bans nobody.
    ///
    /// # Errors
    /// It cannot be read, or is no list of bans.
    pub fn open(path: PathBuf) -> Result<Self, BanError> {
        let lines = read(&path)?;
        let ban = |line: Line| Ban {
            net: line.net.trunc(),
            reason: line.reason,
            since: line.since,
            until: line.until,
        };
        let table = lines.into_iter().map(ban).map(|ban| (ban.net, ban));
        Ok(Self {
            table: Mutex::new(table.collect()),
            path: Some(path),
        })
    }

    /// Reads the file again, to [`replace`](Self::replace) what is known; `None` without a file.
    ///
    /// # Errors
    /// As those of [`open`](Self::open).
    pub fn read_again(&self) -> Result<Option<Self>, BanError> {
        self.path.clone().map(Self::open).transpose()
    }

    /// Takes what was read in place of what is known.
    pub fn replace(&self, read: Self) {
        let table = read.table.into_inner();
        *self.lock() = table.unwrap_or_else(PoisonError::into_inner);
    }

    /// Gives the bans that hold now, in the order of their networks.
    #[must_use]
    pub fn list(&self, now: SystemTime) -> Vec<Ban> {
        let now = unix_secs(now);
        let table = self.lock();
        table
            .values()
            .filter(|ban| !ban.is_over(now))
            .cloned()
            .collect()
    }

    /// Tells why an address is not served, if it is not.
    #[must_use]
    pub fn reason(&self, ip: IpAddr, now: SystemTime) -> Option<String> {
        let now = unix_secs(now);
        let table = self.lock();
        let mut bans = table.values();
        let ban = bans.find(|ban| ban.net.contains(&ip) && !ban.is_over(now))?;
        Some(ban.reason.clone())
    }

    /// Bans a network, for a time or until it is taken back, in place of an earlier ban of it.
    pub(crate) fn add(
        &self,
        net: IpNet,
        reason: &str,
        time: Option<Duration>,
        now: SystemTime,
    ) -> Result<Ban, BanError> {
        let since = unix_secs(now);
        let ban = Ban {
            net: net.trunc(),
            reason: reason.chars().take(MAX_REASON_LEN).collect(),
            since,
            until: time.map(|time| since.saturating_add(time.as_secs())),
        };
        let mut table = self.lock();
        let mut changed = table.clone();
        changed.retain(|_, ban| !ban.is_over(since));
        if changed.len() >= MAX_BANS && !changed.contains_key(&ban.net) {
            return Err(BanError::TooMany);
        }
        changed.insert(ban.net, ban.clone());
        self.write(&changed)?;
        *table = changed;
        Ok(ban)
    }

    /// Takes the ban of a network back; `false` if there is none.
    ///
    /// # Errors
    /// The file cannot be written: the ban stays.
    pub fn remove(&self, net: IpNet) -> Result<bool, BanError> {
        let mut table = self.lock();
        let mut changed = table.clone();
        let was_banned = changed.remove(&net.trunc()).is_some();
        if was_banned {
            self.write(&changed)?;
            *table = changed;
        }
        Ok(was_banned)
    }

    fn write(&self, table: &BTreeMap<IpNet, Ban>) -> Result<(), BanError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        write_to(path, table).map_err(|source| BanError::File {
            path: path.clone(),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpNet, Ban>> {
        // Nothing in here panics half-way through a change.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Vec<Line>, BanError> {
    let unreadable = |source| BanError::File {
        path: path.to_owned(),
        source,
    };
    let malformed = |came| BanError::Malformed {
        path: path.to_owned(),
        came,
    };
    let len = match fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    if len > MAX_FILE_LEN {
        return Err(malformed(format!("{len} bytes")));
    }
    let text = fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))
}

/// Writes the file anew. It names addresses of clients, which are nobody else's business.
fn write_to(path: &Path, table: &BTreeMap<IpNet, Ban>) -> io::Result<()> {
    let line = |ban: &Ban| Line {
        net: ban.net,
        reason: ban.reason.clone(),
        since: ban.since,
        until: ban.until,
    };
    let lines: Vec<_> = table.values().map(line).collect();
    private_file::replace(path, &serde_json::to_vec_pretty(&lines)?)
}

fn unix_secs(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn at(secs: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(secs)
    }

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn bans_networks_until_their_time_is_over() {
        let bans = Bans::default();
        let minute = Some(Duration::from_secs(60));
        bans.add(net("203.0.113.9/24"), "spam", minute, at(NOW))
            .unwrap();
        bans.add(net("2001:db8::/32"), "scan", None, at(NOW))
            .unwrap();
        assert_eq!(
            bans.reason(ip("203.0.113.200"), at(NOW + 59)).as_deref(),
            Some("spam")
        );
        assert_eq!(bans.reason(ip("203.0.113.200"), at(NOW + 60)), None);
        assert_eq!(bans.reason(ip("203.0.114.1"), at(NOW)), None);
        assert_eq!(
            bans.reason(ip("2001:db8:5::1"), at(NOW + 1_000_000))
                .as_deref(),
            Some("scan")
        );
        assert_eq!(bans.list(at(NOW)).len(), 2);
        assert_eq!(bans.list(at(NOW + 60)).len(), 1);
        assert!(bans.remove(net("2001:db8::/32")).unwrap());
        assert!(!bans.remove(net("2001:db8::/32")).unwrap());
        assert_eq!(bans.reason(ip("2001:db8:5::1"), at(NOW)), None);
    }

    #[test]
    fn remembers_bans_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.json");
        let bans = Bans::open(path.clone()).unwrap();
        bans.add(net("203.0.113.0/24"), "say \"no\"", None, at(NOW))
            .unwrap();
        bans.add(
            net("198.51.100.7/32"),
            "",
            Some(Duration::from_secs(5)),
            at(NOW),
        )
        .unwrap();
        let again = Bans::open(path.clone()).unwrap();
        assert_eq!(again.list(at(NOW)), bans.list(at(NOW)));
        assert_eq!(again.list(at(NOW)).len(), 2);
        bans.remove(net("203.0.113.0/24")).unwrap();
        again.replace(again.read_again().unwrap().unwrap());
        assert_eq!(again.list(at(NOW)), bans.list(at(NOW)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn refuses_a_file_that_says_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.json");
        for text in ["{}", "[{\"net\":\"203.0.113.0/99\"}]", "[", "[5]"] {
            fs::write(&path, text).unwrap();
            let error = Bans::open(path.clone()).unwrap_err().to_string();
            assert!(
                error.contains("bans.json: expected a JSON list of bans"),
                "{error}"
            );
        }
    }

    #[test]
    fn changes_nothing_when_the_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let bans = Bans::open(folder.path().join("gone/bans.json")).unwrap();
        let added = bans.add(net("203.0.113.0/24"), "", None, at(NOW));
        assert!(matches!(added, Err(BanError::File { .. })));
        assert!(bans.list(at(NOW)).is_empty());
    }

    #[test]
    fn keeps_a_bounded_number() {
        let bans = Bans::default();
        let nets = (0..).map(|number: u32| IpNet::from(IpAddr::from(number.to_be_bytes())));
        let table = nets.take(MAX_BANS).map(|net| {
            let until = Some(NOW + 1);
            let reason = String::new();
            (
                net,
                Ban {
                    net,
                    reason,
                    since: NOW,
                    until,
                },
            )
        });
        *bans.lock() = table.collect();
        let one_more = net("203.0.113.0/24");
        assert!(matches!(
            bans.add(one_more, "", None, at(NOW)),
            Err(BanError::TooMany)
        ));
        bans.add(one_more, "", None, at(NOW + 1)).unwrap();
        assert_eq!(bans.list(at(NOW + 1)).len(), 1);
    }
}
