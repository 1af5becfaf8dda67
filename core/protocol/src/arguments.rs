//! The arguments of a call, matched with the parameters of its method.

mod argument;

use serde_json::value::RawValue;

pub(crate) use self::argument::Argument;
use crate::{Params, RpcError, error::echo, json};

/// Most parameters that a method has.
const MAX_PARAMETERS: usize = 3;

/// One parameter of a method.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    name: &'static str,
    /// JSON text taken where a request leaves the parameter out; without it none may.
    default: Option<&'static str>,
}

impl Parameter {
    pub(crate) const fn required(name: &'static str) -> Self {
        Self {
            name,
            default: None,
        }
    }

    pub(crate) const fn optional(name: &'static str, default: &'static str) -> Self {
        Self {
            name,
            default: Some(default),
        }
    }
}

/// What becomes of arguments that a method has no parameter for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    Refused,
    Ignored,
}

/// The arguments of a request, in the order of the method's parameters.
#[derive(Debug)]
pub(crate) struct Arguments<'a>([Option<&'a str>; MAX_PARAMETERS]);

impl<'a> Arguments<'a> {
    /// Reads arguments given by position or by name.
    ///
    /// # Errors
    /// Required ones are missing, or there are more than the method takes.
    pub(crate) fn read(
        method: &str,
        parameters: &'static [Parameter],
        extra: Extra,
        params: &'a Params,
    ) -> Result<Self, RpcError> {
        let params = params.json();
        let mut arguments = if params.starts_with('[') {
            Self::by_position(method, parameters, extra, params)
        } else {
            Self::by_name(method, parameters, extra, params)
        }?;
        for (argument, parameter) in arguments.0.iter_mut().zip(parameters) {
            *argument = argument.or(parameter.default);
        }
        Ok(arguments)
    }

    /// Gives the argument for the parameter at `index` of the method.
    pub(crate) fn get(&self, index: usize) -> Argument<'a> {
        Argument::new(self.0.get(index).copied().flatten().unwrap_or("null"))
    }

    fn by_position(
        method: &str,
        parameters: &'static [Parameter],
        extra: Extra,
        params: &'a str,
    ) -> Result<Self, RpcError> {
        let mut arguments = Self([None; MAX_PARAMETERS]);
        let mut given = 0;
        json::each_element(params, |value| {
            if let Some(argument) = arguments.0.get_mut(given) {
                *argument = Some(value.get());
            }
            given += 1;
        })
        .map_err(|error| unreadable(&error))?;

        let required = parameters
            .iter()
            .filter(|parameter| parameter.default.is_none())
            .count();
        let plural = if given == 1 { "" } else { "s" };
        if given < required {
            return Err(RpcError::invalid_args(format!(
                "{given} argument{plural} passed to method \"{method}\" but it requires {required}"
            )));
        }
        if given > parameters.len() && extra == Extra::Refused {
            return Err(RpcError::invalid_args(format!(
                "{given} argument{plural} passed to method {method} taking at most {}",
                parameters.len()
            )));
        }
        Ok(arguments)
    }

    fn by_name(
        method: &str,
        parameters: &'static [Parameter],
        extra: Extra,
        params: &'a str,
    ) -> Result<Self, RpcError> {
        let mut arguments = Self([None; MAX_PARAMETERS]);
        let mut unknown = None;
        json::each_member(params, |name, value: &RawValue| {
            let mut slots = parameters.iter().zip(&mut arguments.0);
            match slots.find(|(parameter, _)| parameter.name == name) {
                Some((_, argument)) => *argument = Some(value.get()),
                None => unknown = unknown.take().or_else(|| Some(echo(name))),
            }
        })
        .map_err(|error| unreadable(&error))?;

        let mut pairs = parameters.iter().zip(arguments.0);
        if let Some((missing, _)) =
            pairs.find(|(parameter, value)| parameter.default.is_none() && value.is_none())
        {
            return Err(RpcError::invalid_args(format!(
                "method \"{method}\" requires parameter \"{}\"",
                missing.name
            )));
        }
        match unknown {
            Some(unknown) if extra == Extra::Refused => Err(RpcError::invalid_args(format!(
                "method \"{method}\" does not take parameter \"{unknown}\""
            ))),
            _ => Ok(arguments),
        }
    }
}

fn unreadable(error: &serde_json::Error) -> RpcError {
    RpcError::invalid_args(format!("expected readable arguments: {error}"))
}
