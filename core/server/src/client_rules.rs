//! Which clients are not served.

use std::str::FromStr;

use electrode_protocol::{Call, RpcError};
use regex_lite::Regex;

/// Which clients are not served, by what they say of themselves.
#[derive(Clone, Debug, Default)]
pub struct ClientRules {
    /// Which names; `None`: any is served.
    pub drop_client: Option<NamePattern>,
    /// Whether clients are refused that ask something before they say who they are.
    pub drop_unknown: bool,
}

/// What the beginning of a client's name may look like.
#[derive(Clone, Debug)]
pub struct NamePattern(Regex);

impl FromStr for NamePattern {
    type Err = regex_lite::Error;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        Regex::new(&format!("^(?:{pattern})")).map(Self)
    }
}

impl ClientRules {
    /// Says what keeps a client from being served that makes a call; `has_name` tells whether it
    /// said who it is before.
    pub(crate) fn refuse(&self, call: &Call, has_name: bool) -> Option<RpcError> {
        match call {
            Call::ServerVersion { client_name, .. } => {
                let drop_client = self.drop_client.as_ref()?;
                let is_dropped = drop_client.0.is_match(client_name);
                is_dropped.then(|| RpcError::unsupported_client(client_name))
            }
            _ if self.drop_unknown && !has_name => Some(RpcError::unknown_client()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_clients_by_the_beginning_of_their_name() {
        let rules = ClientRules {
            drop_client: Some("3\\.[0-2]|bot".parse().unwrap()),
            drop_unknown: false,
        };
        for (name, is_dropped) in [
            ("3.2.3", true),
            ("bot/1", true),
            ("4.8.4", false),
            ("13.2", false),
            ("robot", false),
            ("", false),
        ] {
            let call = Call::ServerVersion {
                client_name: name.to_owned(),
                requested: electrode_protocol::RequestedVersion::Unstated,
            };
            assert_eq!(rules.refuse(&call, false).is_some(), is_dropped, "{name}");
        }
        assert!("(".parse::<NamePattern>().is_err());
    }

    #[test]
    fn drops_clients_that_do_not_say_who_they_are() {
        let mut rules = ClientRules::default();
        assert_eq!(rules.refuse(&Call::Ping, false), None);
        rules.drop_unknown = true;
        let refused = rules.refuse(&Call::Ping, false).unwrap();
        assert_eq!(refused.message, "use server.version to identify client");
        assert_eq!(rules.refuse(&Call::Ping, true), None);
    }
}
