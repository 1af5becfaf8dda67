//! Parameters of JSON-RPC calls, by position.

use std::str::FromStr;

use serde_json::Value;

use super::rpc::RpcError;

/// The parameters of one call; what is left out or `null` is absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Params<'a>(&'a [Value]);

impl<'a> Params<'a> {
    pub(super) fn new(params: Option<&'a Value>) -> Result<Self, RpcError> {
        match params {
            None | Some(Value::Null) => Ok(Self(&[])),
            Some(Value::Array(params)) => Ok(Self(params)),
            Some(_) => Err(RpcError::new(
                -32600,
                "Params must be an array, in this demonstration",
            )),
        }
    }

    /// Reads a text.
    pub(super) fn text(self, at: usize) -> Result<&'a str, RpcError> {
        self.required(at)?
            .as_str()
            .ok_or_else(|| wrong_type("string"))
    }

    /// Reads a whole number.
    pub(super) fn number(self, at: usize) -> Result<u64, RpcError> {
        self.required(at)?
            .as_u64()
            .ok_or_else(|| wrong_type("number"))
    }

    /// Reads a hash in hexadecimal digits.
    pub(super) fn hash<T: FromStr>(self, at: usize) -> Result<T, RpcError> {
        let text = self.text(at)?;
        text.parse().map_err(|_error| {
            let message = format!(
                "parameter {} must be 64 hexadecimal digits (not '{text}')",
                at + 1
            );
            RpcError::new(-8, &message)
        })
    }

    /// Reads a verbosity, which some calls also take as a truth value.
    pub(super) fn verbosity(self, at: usize) -> Result<Option<u64>, RpcError> {
        match self.get(at) {
            None => Ok(None),
            Some(Value::Bool(verbose)) => Ok(Some(u64::from(*verbose))),
            Some(_) => self.number(at).map(Some),
        }
    }

    /// Gives a parameter that may be absent.
    pub(super) fn get(self, at: usize) -> Option<&'a Value> {
        self.0.get(at).filter(|value| !value.is_null())
    }

    fn required(self, at: usize) -> Result<&'a Value, RpcError> {
        self.get(at)
            .ok_or_else(|| RpcError::new(-1, &format!("parameter {} is missing", at + 1)))
    }
}

fn wrong_type(expected: &str) -> RpcError {
    RpcError::new(
        -3,
        &format!("JSON value is not of expected type {expected}"),
    )
}
