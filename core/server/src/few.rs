//! Listeners for few: operators and what watches the server.
//!
//! Who comes there is unknown at first. As long as a guest has said nothing that is worth a place it
//! makes room for those who come later, so that silent connections shut nobody out; and no host has
//! all the places.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{Service, door::host, endurance::Endurance};

/// Whose connections are accepted, and how many of them at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Few {
    /// As the log has it.
    pub(crate) whose: &'static str,
    /// Connections at once; where all are worth their place further ones wait.
    pub(crate) max: usize,
    /// Connections of one host at once; where all are worth their place further ones are closed.
    pub(crate) max_per_host: usize,
}

impl Few {
    /// Accepts connections until the service stops, and talks on each in a task of its own, which
    /// ends when somebody else needs the place.
    pub(crate) async fn serve<T: Future<Output = ()> + Send + 'static>(
        self,
        service: &Service,
        listener: TcpListener,
        mut talk: impl FnMut(TcpStream, SocketAddr, Arc<Place>) -> T,
    ) {
        let mut stopping = service.stopping();
        let room = Arc::new(Room::new(self));
        let mut endurance = Endurance::new(self.whose);
        loop {
            let accepted = tokio::select! {
                () = stopping.wait() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    endurance.endure(error).await;
                    continue;
                }
            };
            let place = tokio::select! {
                () = stopping.wait() => return,
                place = room.take(peer.ip()) => place,
            };
            match place {
                Some(place) => start(talk(stream, peer, Arc::clone(&place)), place),
                None => tracing::debug!(
                    peer = %service.for_log(peer),
                    "too many connections of {} from one host", self.whose
                ),
            }
        }
    }
}

fn start(talk: impl Future<Output = ()> + Send + 'static, place: Arc<Place>) {
    tokio::spawn(async move {
        tokio::select! {
            () = place.lost.notified() => {}
            () = talk => {}
        }
    });
}

/// The place that a connection has until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    room: Arc<Room>,
    lost: Arc<Notify>,
}

impl Place {
    /// Keeps the place from now on, whoever comes: the guest has said something that is worth it.
    pub(crate) fn keep(&self) {
        if let Some(guest) = self.room.lock().table.get_mut(&self.number) {
            guest.is_stranger = false;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.lock().table.remove(&self.number);
        self.room.freed.notify_waiters();
    }
}

/// The places of a listener.
#[derive(Debug)]
struct Room {
    guests: Mutex<Guests>,
    freed: Notify,
}

impl Room {
    fn new(few: Few) -> Self {
        Self {
            guests: Mutex::new(Guests {
                few,
                next: 0,
                table: BTreeMap::new(),
            }),
            freed: Notify::new(),
        }
    }

    /// Takes a place, perhaps that of a stranger; waits for one where all are kept. `None` where
    /// the host keeps as many as one may have.
    async fn take(self: &Arc<Self>, ip: IpAddr) -> Option<Arc<Place>> {
        let host = host(ip.to_canonical());
        loop {
            let freed = self.freed.notified();
            match self.lock().admit(host) {
                Ok((number, lost)) => {
                    let room = Arc::clone(self);
                    return Some(Arc::new(Place { number, room, lost }));
                }
                Err(Full::Host) => return None,
                Err(Full::Room) => {}
            }
            freed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Guests> {
        // Nothing in here panics half-way through a change.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Guests {
    few: Few,
    next: u64,
    /// By number, so that the oldest come first.
    table: BTreeMap<u64, Guest>,
}

#[derive(Debug)]
struct Guest {
    host: IpAddr,
    /// Whether it has said nothing yet that is worth its place.
    is_stranger: bool,
    lost: Arc<Notify>,
}

/// Who has all the places that a new guest could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    /// Its own host.
    Host,
    /// All together.
    Room,
}

impl Guests {
    /// Lets a guest in, if need be in the place of a stranger: one of its own host where that has
    /// its share, else one of the host that has the most of them.
    fn admit(&mut self, host: IpAddr) -> Result<(u64, Arc<Notify>), Full> {
        let of_host = self.table.values().filter(|guest| guest.host == host);
        if of_host.count() >= self.few.max_per_host {
            self.dismiss_stranger_of(host).ok_or(Full::Host)?;
        } else if self.table.len() >= self.few.max {
            let busiest = self.host_of_most_strangers().ok_or(Full::Room)?;
            self.dismiss_stranger_of(busiest).ok_or(Full::Room)?;
        }
        let (number, lost) = (self.next, Arc::new(Notify::new()));
        self.next += 1;
        let guest = Guest {
            host,
            is_stranger: true,
            lost: Arc::clone(&lost),
        };
        self.table.insert(number, guest);
        Ok((number, lost))
    }

    fn dismiss_stranger_of(&mut self, host: IpAddr) -> Option<()> {
        let mut guests = self.table.iter();
        let (number, guest) = guests.find(|(_, guest)| guest.is_stranger && guest.host == host)?;
        guest.lost.notify_one();
        let number = *number;
        self.table.remove(&number);
        Some(())
    }

    fn host_of_most_strangers(&self) -> Option<IpAddr> {
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        let strangers = self.table.values().filter(|guest| guest.is_stranger);
        strangers.for_each(|guest| *counts.entry(guest.host).or_default() += 1);
        let most = counts.into_iter().max_by_key(|(_host, count)| *count);
        most.map(|(host, _count)| host)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FEW: Few = Few {
        whose: "tests",
        max: 4,
        max_per_host: 3,
    };

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    async fn taken(room: &Arc<Room>, last: u8) -> Arc<Place> {
        room.take(ip(last)).await.unwrap()
    }

    fn numbers(room: &Room) -> Vec<u64> {
        room.lock().table.keys().copied().collect()
    }

    #[tokio::test]
    async fn lets_the_oldest_stranger_make_room() {
        let room = Arc::new(Room::new(FEW));
        let first = taken(&room, 1).await;
        let known = taken(&room, 2).await;
        known.keep();
        let _third = taken(&room, 1).await;
        let _fourth = taken(&room, 1).await;
        // Its host has its share.
        let _fifth = taken(&room, 1).await;
        first.lost.notified().await;
        assert_eq!(numbers(&room), [1, 2, 3, 4]);
        // All places are taken: the busiest host gives one, not the only stranger of another.
        let other = taken(&room, 3).await;
        let another = taken(&room, 4).await;
        assert_eq!(numbers(&room), [1, 4, 5, 6]);
        drop((first, other, another, known));
        assert_eq!(numbers(&room), [4]);
    }

    #[tokio::test]
    async fn keeps_the_place_of_who_has_said_something() {
        let room = Arc::new(Room::new(FEW));
        let mut kept = Vec::new();
        for _ in 0..3 {
            kept.push(taken(&room, 1).await);
        }
        kept.iter().for_each(|place| place.keep());
        assert!(room.take(ip(1)).await.is_none(), "it has its share");
        kept.push(taken(&room, 2).await);
        kept[3].keep();
        // All are known: the next one waits.
        let mut waiting = Box::pin(room.take(ip(3)));
        tokio::time::timeout(Duration::ZERO, &mut waiting)
            .await
            .unwrap_err();
        kept.pop();
        let _next = waiting.await.unwrap();
        assert_eq!(numbers(&room), [0, 1, 2, 4]);
    }

    #[tokio::test]
    async fn knows_a_host_in_either_form() {
        let room = Arc::new(Room::new(FEW));
        let mut kept = Vec::new();
        for text in ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"] {
            kept.push(room.take(text.parse().unwrap()).await.unwrap());
        }
        kept.iter().for_each(|place| place.keep());
        assert!(room.take(ip(1)).await.is_none());
    }
}
