//! Where the node publishes, and which of its topics are worth hearing.

use serde::Deserialize;
use serde_json::json;

use crate::{Daemon, DaemonError, endpoint::Endpoint};

/// Topics that tell of new blocks, the best one first.
const BLOCK_TOPICS: [&str; 3] = ["sequence", "hashblock", "rawblock"];

/// Topics that tell of mempool changes, the best one first: only `sequence` tells of removals.
const MEMPOOL_TOPICS: [&str; 3] = ["sequence", "hashtx", "rawtx"];

/// A socket on which the node publishes, and what is to be heard there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publisher {
    pub(super) endpoint: Endpoint,
    pub(super) topics: Vec<&'static str>,
}

/// One element of the answer to `getzmqnotifications`.
#[derive(Debug, Deserialize)]
struct Announcement {
    /// `pub` and the topic.
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

/// Parses `tcp://host:port`.
pub(crate) fn zmq_endpoint(address: &str) -> Result<Endpoint, DaemonError> {
    let endpoint = address.strip_prefix("tcp://");
    endpoint
        .and_then(|endpoint| Endpoint::parse(endpoint, None).ok())
        .ok_or_else(|| DaemonError::Zmq {
            address: address.to_owned(),
        })
}

/// Gives the publishers that are configured, else those that the node announces.
pub(super) async fn publishers(daemon: &Daemon) -> Vec<Publisher> {
    if let Some(endpoint) = daemon.zmq() {
        return vec![Publisher {
            endpoint: reachable(endpoint.clone(), daemon),
            topics: [&BLOCK_TOPICS[..], &MEMPOOL_TOPICS[1..]].concat(),
        }];
    }
    let answer = daemon.call::<Vec<Announcement>>("getzmqnotifications", json!([]));
    let announcements = answer.await.unwrap_or_else(|error| {
        tracing::debug!("asking what the node publishes: {error}");
        Vec::new()
    });
    let mut publishers = choose(&announcements);
    for publisher in &mut publishers {
        publisher.endpoint = reachable(publisher.endpoint.clone(), daemon);
    }
    publishers
}

/// Picks the best topic of each kind that is published by TCP.
fn choose(announcements: &[Announcement]) -> Vec<Publisher> {
    let mut publishers: Vec<Publisher> = Vec::new();
    for topics in [BLOCK_TOPICS, MEMPOOL_TOPICS] {
        let found = topics
            .into_iter()
            .find_map(|topic| Some((topic, endpoint_of(topic, announcements)?)));
        let Some((topic, endpoint)) = found else {
            continue;
        };
        match publishers
            .iter_mut()
            .find(|known| known.endpoint == endpoint)
        {
            Some(known) if known.topics.contains(&topic) => {}
            Some(known) => known.topics.push(topic),
            None => publishers.push(Publisher {
                endpoint,
                topics: vec![topic],
            }),
        }
    }
    publishers
}

fn endpoint_of(topic: &str, announcements: &[Announcement]) -> Option<Endpoint> {
    announcements
        .iter()
        .filter(|announcement| announcement.kind.strip_prefix("pub") == Some(topic))
        .find_map(|announcement| zmq_endpoint(&announcement.address).ok())
}

/// Puts the host of the node's URL in the place of "all my addresses".
fn reachable(endpoint: Endpoint, daemon: &Daemon) -> Endpoint {
    match endpoint.host.as_str() {
        "*" | "0.0.0.0" | "::" => Endpoint {
            host: daemon.node().url.endpoint().host.clone(),
            ..endpoint
        },
        _ => endpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(announced: &[(&str, &str)], expected: &[(&str, &[&str])]) {
        let announcements: Vec<_> = announced
            .iter()
            .map(|(kind, address)| Announcement {
                kind: (*kind).to_owned(),
                address: (*address).to_owned(),
            })
            .collect();
        let chosen = choose(&announcements);
        let chosen: Vec<_> = chosen
            .iter()
            .map(|publisher| (publisher.endpoint.to_string(), publisher.topics.as_slice()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(endpoint, topics)| ((*endpoint).to_owned(), *topics))
            .collect();
        assert_eq!(chosen, expected, "{announced:?}");
    }

    #[test]
    fn picks_one_topic_of_each_kind() {
        check(&[], &[]);
        check(&[("pubsequence", "ipc:///tmp/node")], &[]);
        check(&[("pubsomething", "tcp://h:1")], &[]);
        check(&[("pubhashblock", "tcp://h:1")], &[("h:1", &["hashblock"])]);
        check(
            &[("pubrawtx", "tcp://h:1"), ("pubsequence", "tcp://*:2")],
            &[("*:2", &["sequence"])],
        );
        check(
            &[
                ("pubrawblock", "tcp://[::]:1"),
                ("pubrawtx", "tcp://[::]:1"),
            ],
            &[("[::]:1", &["rawblock", "rawtx"])],
        );
        check(
            &[("pubhashtx", "tcp://h:1"), ("pubhashblock", "tcp://h:2")],
            &[("h:2", &["hashblock"]), ("h:1", &["hashtx"])],
        );
    }

    #[test]
    fn parses_addresses() {
        assert_eq!(
            zmq_endpoint("tcp://[::1]:7").unwrap().to_string(),
            "[::1]:7"
        );
        for address in [
            "",
            "tcp://h",
            "h:1",
            "ipc:///tmp/x",
            "tcp://h:x",
            "tcp://:1",
        ] {
            assert!(zmq_endpoint(address).is_err(), "{address}");
        }
    }
}
