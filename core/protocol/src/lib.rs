//! The Electrum protocol without a socket: frames, JSON-RPC, the method table of each protocol
//! version, and the values it computes (status, merkle proofs).
//!
//! Pure: no I/O, no task, no clock. JSON stays in here: a server reads typed [`Call`]s and hands
//! back typed [`Answer`]s. The way of a request through this crate:
//!
//! [`LineDecoder`] → [`parse`] → [`Dialect::decode`] → (the server) → [`encode_response`]
//!
//! [`Client`] is the other side: it writes requests and reads what a server answers.
//!
//! Every byte handed in is foreign: nothing panics on it, and nothing is allocated by a length it
//! claims.

mod admin;
mod answer;
mod arguments;
mod call;
mod client;
mod dialect;
mod encode;
mod error;
#[cfg(test)]
mod fuzz;
mod hex;
mod json;
mod line;
pub mod merkle;
mod method;
mod methods;
mod request;
mod spelling;
mod status;
mod version;

pub use admin::{
    AdminAnswer, AdminCall, AdminResponse, BanRow, CacheInfo, GroupRow, ItemLimit, Queried,
    QueriedOutput, QueriedTransaction, ServerInfo, SessionRow, SessionsInfo, Token, TokenError,
    encode_admin_response, formatted_time,
};
pub use answer::{
    Answer, BlockOfTx, Features, MempoolEntry, MempoolHeight, MempoolInfo, PackageError,
    PackageResult, Peer, Unspent,
};
pub use call::{Call, FeeMode, Host, Ports};
pub use client::{
    Client, ClientError, Json, Notice, ParamsError, Received, RequestId, ServerError,
    is_subscription,
};
pub use dialect::Dialect;
pub use encode::{
    BatchEncoder, encode_headers_notification, encode_response, encode_status_notification,
};
pub use error::RpcError;
pub use hex::decode as decode_hex;
pub use line::{LineDecoder, LineTooLong};
pub use method::Method;
pub use request::{Id, Incoming, Params, Refusal, Request, parse};
pub use spelling::Spelling;
pub use status::{Status, StatusHasher, sort_mempool};
pub use version::{ParseVersionError, ProtocolVersion, RequestedVersion, negotiate};
