//! One argument: JSON text that is to be of some type.

use std::fmt;

use electrode_coin::{Height, ScriptHash, Txid};

use crate::{FeeMode, Host, RequestedVersion, RpcError, Spelling, error::echo, json};

/// Longest name of a client that is kept, in characters.
const MAX_CLIENT_NAME: usize = 128;
/// Most transactions of a package, as Bitcoin Core's `MAX_PACKAGE_COUNT`.
const MAX_PACKAGE: usize = 25;
/// Most hosts that are read from what a peer says about itself.
const MAX_HOSTS: usize = 8;

/// The JSON text of one argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument<'a>(&'a str);

impl<'a> Argument<'a> {
    pub(crate) fn new(json: &'a str) -> Self {
        Self(json)
    }

    pub(crate) fn script_hash(self) -> Result<ScriptHash, RpcError> {
        self.spelled_script_hash().map(|(script, _spelling)| script)
    }

    /// Reads a script hash, and how it is written if that is unusual.
    pub(crate) fn spelled_script_hash(self) -> Result<(ScriptHash, Option<Spelling>), RpcError> {
        let spelled = self.text().and_then(|text| {
            let script = text.parse().ok()?;
            Some((script, Spelling::of(&text)))
        });
        spelled.ok_or_else(|| RpcError::bad_request(format!("{self} is not a valid script hash")))
    }

    pub(crate) fn txid(self) -> Result<Txid, RpcError> {
        self.text()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| RpcError::bad_request(format!("{self} should be a transaction hash")))
    }

    pub(crate) fn height(self) -> Result<Height, RpcError> {
        self.number().map(Height)
    }

    /// Reads what Python's `int()` takes: numbers, which lose their fraction, and digits in a
    /// string. Numbers beyond `u32` become `u32::MAX`.
    pub(crate) fn number(self) -> Result<u32, RpcError> {
        let value: Option<f64> = match self.text() {
            Some(text) => {
                let digits = text.trim();
                let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
                if is_whole { digits.parse().ok() } else { None }
            }
            None => serde_json::from_str(self.0).ok(),
        };
        match value {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the fraction is to be lost, and what is too large saturates"
            )]
            Some(value) if value >= 0.0 => Ok(value as u32), // cast: see the reason above
            _ => Err(RpcError::bad_request(format!(
                "{self} should be a non-negative integer"
            ))),
        }
    }

    /// Reads a boolean, as which Python takes 0 and 1 too.
    pub(crate) fn boolean(self) -> Result<bool, RpcError> {
        match self.0 {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(RpcError::bad_request(format!(
                "{self} should be a boolean value"
            ))),
        }
    }

    pub(crate) fn hex(self) -> Result<String, RpcError> {
        self.text()
            .filter(|text| text.len().is_multiple_of(2))
            .filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .ok_or_else(|| RpcError::bad_request(format!("{self} should be a hex string")))
    }

    pub(crate) fn package(self) -> Result<Vec<String>, RpcError> {
        let mut raws = Vec::new();
        json::each_element(self.0, |raw| {
            if raws.len() <= MAX_PACKAGE {
                raws.push(Argument(raw.get()));
            }
        })
        .map_err(|_no_array| RpcError::bad_request(format!("{self} should be a list")))?;
        if raws.len() > MAX_PACKAGE {
            return Err(RpcError::bad_request(format!(
                "expected a package of at most {MAX_PACKAGE} transactions"
            )));
        }
        raws.into_iter().map(Argument::hex).collect()
    }

    pub(crate) fn fee_mode(self) -> Result<Option<FeeMode>, RpcError> {
        if self.0 == "null" {
            return Ok(None);
        }
        let name = self.text().unwrap_or_default();
        [FeeMode::Conservative, FeeMode::Economical]
            .into_iter()
            .find(|mode| mode.name().eq_ignore_ascii_case(&name))
            .map(Some)
            .ok_or_else(|| RpcError::bad_request(format!("unknown estimatefee mode: {self}")))
    }

    pub(crate) fn client_name(self) -> String {
        let name = self.text().unwrap_or_else(|| self.0.to_owned());
        name.chars().take(MAX_CLIENT_NAME).collect()
    }

    pub(crate) fn requested_version(self) -> RequestedVersion {
        if self.0 == "null" {
            return RequestedVersion::Unstated;
        }
        let range = match self.text() {
            Some(version) => version.parse().ok().map(|version| (version, version)),
            None => serde_json::from_str::<(String, String)>(self.0)
                .ok()
                .and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?))),
        };
        match range {
            Some((min, max)) => RequestedVersion::Range { min, max },
            None => RequestedVersion::Unreadable(self.to_string()),
        }
    }

    /// Reads the hosts out of a server's features; what cannot be read is left out.
    pub(crate) fn hosts(self) -> Vec<Host> {
        let mut hosts = Vec::new();
        let walked = json::each_member(self.0, |name, value| {
            if name == "hosts" {
                hosts = read_hosts(value.get());
            }
        });
        walked.map_or_else(|_no_object| Vec::new(), |()| hosts)
    }

    /// Reads an argument that may be null.
    pub(crate) fn optional<T>(
        self,
        read: impl FnOnce(Self) -> Result<T, RpcError>,
    ) -> Result<Option<T>, RpcError> {
        match self.0 {
            "null" => Ok(None),
            _ => read(self).map(Some),
        }
    }

    /// Reads a name, which may be written as a number.
    pub(crate) fn text_or_number(self) -> Result<String, RpcError> {
        let is_number = || {
            self.0
                .starts_with(|first: char| first == '-' || first.is_ascii_digit())
        };
        match self.text() {
            Some(text) => Ok(text),
            None if is_number() => Ok(self.0.to_owned()),
            None => Err(RpcError::bad_request(format!(
                "{self} should be a text or a number"
            ))),
        }
    }

    /// Gives the elements of a list; `None` if it is none.
    pub(crate) fn elements(self) -> Option<Vec<Self>> {
        let mut elements = Vec::new();
        json::each_element(self.0, |element| elements.push(Argument(element.get()))).ok()?;
        Some(elements)
    }

    /// Gives the content of a string.
    fn text(self) -> Option<String> {
        serde_json::from_str(self.0).ok()
    }
}

fn read_hosts(json: &str) -> Vec<Host> {
    let mut hosts = Vec::new();
    let walked = json::each_member(json, |name, ports| {
        let ports = serde_json::from_str(ports.get()).ok();
        let host = ports.map(|ports| Host {
            name: name.to_owned(),
            ports,
        });
        hosts.extend(host.filter(|_| hosts.len() < MAX_HOSTS));
    });
    walked.map_or_else(|_no_object| Vec::new(), |()| hosts)
}

/// Prints a string without its quotes and anything else as its JSON text, shortened.
impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => echo(&text).fmt(f),
            None => echo(self.0).fmt(f),
        }
    }
}
