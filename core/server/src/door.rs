//! Who may come in: no banned address, and of each address only so many.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use electrode_protocol::RpcError;
use ipnet::IpNet;

use crate::{
    Ban, BanError, Bans, Connection, Service,
    costs::{Account, Membership, Standing},
    session_info::{Ending, SessionInfo},
    tally::{Ended, Reason as _, Refused},
};

/// Why a connection is not served.
#[derive(Debug)]
pub(crate) struct NotServed {
    pub(crate) reason: Refused,
    /// The same for people.
    pub(crate) why: String,
}

/// A seat that a client has for as long as it is connected.
#[derive(Debug)]
pub(crate) struct Seat {
    service: Arc<Service>,
    /// `None` where seats are not counted.
    ip: Option<IpAddr>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(ip) = self.ip {
            self.service.seats.give_back(ip);
        }
    }
}

/// Sessions of each address.
#[derive(Debug, Default)]
pub(crate) struct Seats(Mutex<HashMap<IpAddr, usize>>);

impl Seats {
    /// Takes a seat for an address that may have `max` of them; `false` when all are taken.
    fn take(&self, ip: IpAddr, max: usize) -> bool {
        let mut seats = self.lock();
        let taken = seats.entry(host(ip)).or_default();
        let is_free = *taken < max;
        *taken += usize::from(is_free);
        is_free
    }

    fn give_back(&self, ip: IpAddr) {
        let mut seats = self.lock();
        if let Some(taken) = seats.get_mut(&host(ip)) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                seats.remove(&host(ip));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives what stands for one host: of IPv6 a /64, which every host has to itself.
pub(crate) fn host(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

impl Service {
    /// Gives the networks that are not served. To add one, see [`Self::ban`].
    #[must_use]
    pub fn bans(&self) -> &Bans {
        &self.bans
    }

    /// Bans a network, for a time or until it is taken back, and ends its sessions at once; an
    /// operator among them stays, to hear of it.
    ///
    /// # Errors
    /// There are too many bans, or their file cannot be written; nothing has changed then.
    ///
    /// Cost: one synced write.
    pub fn ban(&self, net: IpNet, reason: &str, time: Option<Duration>) -> Result<Ban, BanError> {
        let ban = self.bans.add(net, reason, time, SystemTime::now())?;
        tracing::info!(net = %self.for_log(ban.net), ban.reason, ban.until, "banned");
        let sessions = self.registry.all().into_iter();
        sessions
            .filter(|info| ban.net.contains(&info.connection.peer.ip()) && !info.is_operator())
            .for_each(|info| info.end(Ending::AtOnce(Ended::Banned)));
        Ok(ban)
    }

    /// Takes a seat for a client as soon as its address is known: who is not served costs no
    /// handshake.
    pub(crate) fn take_seat(self: &Arc<Self>, ip: IpAddr) -> Result<Seat, NotServed> {
        let refused = |reason, why| Err(NotServed { reason, why });
        if let Some(reason) = self.bans.reason(ip, SystemTime::now()) {
            return refused(Refused::Banned, format!("banned: {reason}"));
        }
        let limits = self.limits();
        let max = limits.max_sessions_per_ip.unwrap_or(usize::MAX);
        let is_counted = matches!(limits.grouping.membership(ip), Membership::Of(_));
        if is_counted && !self.seats.take(ip, max) {
            let why = format!("there are {max} sessions of its address already");
            return refused(Refused::PerIp, why);
        }
        Ok(Seat {
            service: Arc::clone(self),
            ip: Some(ip).filter(|_| is_counted),
        })
    }

    /// Takes note of a client that is not served.
    pub(crate) fn refuse(&self, connection: &Connection, NotServed { reason, why }: NotServed) {
        self.counters.refused.count(reason);
        let Connection { transport, peer } = connection;
        let peer = self.for_log(peer);
        tracing::debug!(%peer, %transport, reason = reason.name(), why, "not a session");
    }

    /// Lets a client in; `None` if it was banned since it took its seat.
    pub(crate) fn enter(&self, connection: Connection) -> Option<Arc<SessionInfo>> {
        let limits = self.limits();
        let ip = connection.peer.ip();
        let membership = limits.grouping.membership(ip);
        let account = Account::new(membership, &limits.costs, Instant::now());
        let info = self.registry.enter(connection, account);
        // Only now: a ban that is made meanwhile either is seen here, or sees the session there.
        if let Some(reason) = self.bans.reason(ip, SystemTime::now()) {
            self.leave(&info);
            let (reason, why) = (Refused::Banned, format!("banned: {reason}"));
            self.refuse(&connection, NotServed { reason, why });
            return None;
        }
        self.review(&info);
        Some(info)
    }

    /// Sees a client out.
    pub(crate) fn leave(&self, info: &SessionInfo) {
        let limits = self.limits();
        self.costs.close(&info.account, info.terms(&limits.costs));
        self.registry.leave(info);
    }

    /// Charges a session.
    pub(crate) fn charge(&self, info: &SessionInfo, cost: f64) {
        let limits = self.limits();
        if info.account.charge(cost, &limits.costs) {
            self.costs.review(&info.account, info.terms(&limits.costs));
        }
    }

    /// Tells how a session may go on. Who is slowed down is judged anew: time may have passed.
    pub(crate) fn standing(&self, info: &SessionInfo) -> Standing {
        match info.account.standing() {
            Standing::Free => Standing::Free,
            Standing::Slowed(_) | Standing::Exhausted => self.review(info),
        }
    }

    /// Takes note of a session that cost too much, and bans its address if that is wanted.
    pub(crate) fn note_excessive(self: &Arc<Self>, info: &SessionInfo) {
        let peer = info.connection.peer;
        tracing::info!(
            peer = %self.for_log(peer),
            session = info.id,
            "ended a session: excessive resource usage"
        );
        let time = self.limits().ban_excessive;
        let is_public = matches!(info.account.membership(), Membership::Of(_));
        if let Some(time) = time.filter(|_| is_public) {
            let service = Arc::clone(self);
            // A synced write is not for a network thread.
            tokio::task::spawn_blocking(move || service.ban_excessive(peer.ip(), time));
        }
    }

    fn ban_excessive(&self, ip: IpAddr, time: Duration) {
        let reason = RpcError::excessive().message;
        if let Err(error) = self.ban(ip.into(), &reason, Some(time)) {
            tracing::warn!(ip = %self.for_log(ip), %error, "cannot ban");
        }
    }

    fn review(&self, info: &SessionInfo) -> Standing {
        let limits = self.limits();
        self.costs.review(&info.account, info.terms(&limits.costs))
    }
}
