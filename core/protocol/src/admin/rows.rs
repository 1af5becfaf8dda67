//! Rows of tables: ElectrumX's columns in its order, on the wire as arrays.

use serde::{Deserialize, Serialize, Serializer};

/// A row of `sessions`.
///
/// Shape: an array of the fields in this order.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SessionRow {
    /// Number of the session.
    pub id: u64,
    /// First letter of the transport (T, S, W or R), C when it is ending, L when its requests are
    /// logged, then how many requests it may have in work.
    pub flags: String,
    /// Address of the client.
    pub peer: String,
    /// What the client calls itself.
    pub client: String,
    /// Protocol version it speaks; empty while that is not agreed on.
    pub proto: String,
    /// What it cost.
    pub cost: f64,
    /// What it is charged for others of its groups.
    pub extra_cost: f64,
    /// Requests.
    pub requests: u64,
    /// Transactions it gave to the node.
    pub txs: u64,
    /// Scripts it is subscribed to.
    pub subs: u64,
    /// Messages it sent.
    pub recv_count: u64,
    /// Bytes it sent.
    pub recv_bytes: u64,
    /// Messages it was sent.
    pub sent_count: u64,
    /// Bytes it was sent.
    pub sent_bytes: u64,
    /// Seconds since it connected.
    pub age: f64,
}

/// A row of `groups`: sessions that are charged together.
///
/// Shape: an array of the fields in this order.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct GroupRow {
    /// Network of its sessions.
    pub name: String,
    /// How many sessions are open.
    pub sessions: u64,
    /// What they cost.
    pub cost: f64,
    /// What is left of the cost of those that are gone.
    pub retained_cost: f64,
    /// Requests of the open sessions.
    pub requests: u64,
    /// Transactions they gave to the node.
    pub txs: u64,
    /// Scripts they are subscribed to.
    pub subs: u64,
    /// Messages they sent.
    pub recv_count: u64,
    /// Bytes they sent.
    pub recv_bytes: u64,
    /// Messages they were sent.
    pub sent_count: u64,
    /// Bytes they were sent.
    pub sent_bytes: u64,
}

/// A row of `banned`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanRow {
    /// The address or network.
    pub network: String,
    /// Why.
    pub reason: String,
    /// Since when. Units: seconds since 1970.
    pub since: u64,
    /// Until when; none: for ever. Units: seconds since 1970.
    pub until: Option<u64>,
}

impl Serialize for SessionRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (
            self.id,
            &self.flags,
            &self.peer,
            &self.client,
            &self.proto,
            self.cost,
            self.extra_cost,
            self.requests,
            self.txs,
            self.subs,
            self.recv_count,
            self.recv_bytes,
            self.sent_count,
            self.sent_bytes,
            self.age,
        )
            .serialize(serializer)
    }
}

impl Serialize for GroupRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (
            &self.name,
            self.sessions,
            self.cost,
            self.retained_cost,
            self.requests,
            self.txs,
            self.subs,
            self.recv_count,
            self.recv_bytes,
            self.sent_count,
            self.sent_bytes,
        )
            .serialize(serializer)
    }
}
