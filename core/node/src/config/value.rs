//! Values of settings: what their text means.

use std::{fmt, path::PathBuf, time::Duration};

use electrode_protocol::ProtocolVersion;
use electrode_server::{HttpHost, Item, NamePattern, parse_network};
use ipnet::IpNet;

use super::Secret;

/// A value that is written as text.
pub(crate) trait FromText: Sized {
    /// Reads it; an error says what was expected.
    fn from_text(text: &str) -> Result<Self, String>;
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

/// A value for which 0 means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrNone<T>(pub(crate) Option<T>);

/// Leading bits of an address, of `MAX` there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits<const MAX: u8>(pub(crate) u8);

/// The least important level that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Only what stops or breaks something.
    Error,
    /// And what the operator should look at.
    Warn,
    /// And what an operator wants to read once.
    #[default]
    Info,
    /// And what helps to find a fault.
    Debug,
    /// And every step.
    Trace,
}

impl LogLevel {
    /// Gives the name that `tracing` knows it by.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Time, level, module, message, fields.
    #[default]
    Full,
    /// The same, shorter, without the time: for a journal that adds its own.
    Compact,
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl FromText for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl FromText for Secret {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self::new(text.to_owned()))
    }
}

impl FromText for u32 {
    fn from_text(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| "a whole number from 1 to 4294967295".to_owned())
    }
}

impl FromText for usize {
    fn from_text(text: &str) -> Result<Self, String> {
        // Counts fit 32 bits: nothing that is counted is more, and queues cannot be longer.
        let number = u32::from_text(text)?;
        Self::try_from(number).map_err(|_narrow_machine| "a smaller number".to_owned())
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_neither| "true or false".to_owned())
    }
}

impl<T: FromText> FromText for OrNone<T> {
    fn from_text(text: &str) -> Result<Self, String> {
        let unit = text.trim_start_matches('0');
        // The unit is what a number without it has, so that "0ms" is right and "0 stones" is not.
        let is_zero = unit.len() < text.len() && !unit.starts_with(|c: char| c.is_ascii_digit());
        if is_zero && T::from_text(&format!("1{unit}")).is_ok() {
            return Ok(Self(None));
        }
        let value = T::from_text(text);
        value
            .map(|value| Self(Some(value)))
            .map_err(|expected| format!("{expected}, or 0 for none"))
    }
}

impl<const MAX: u8> FromText for Bits<MAX> {
    fn from_text(text: &str) -> Result<Self, String> {
        let bits = text.parse().ok().filter(|bits| *bits <= MAX);
        bits.map(Self)
            .ok_or_else(|| format!("a whole number from 0 to {MAX}"))
    }
}

impl FromText for NamePattern {
    fn from_text(text: &str) -> Result<Self, String> {
        let pattern = text.parse();
        pattern.map_err(|error| format!("a regular expression ({error})"))
    }
}

/// A number of the cost model.
impl FromText for (Item, f64) {
    fn from_text(text: &str) -> Result<Self, String> {
        const NUMBER: &str = "a number that is not below 0";
        let (name, number) = text.split_once('=').ok_or("a name and a number")?;
        let item = Item::find(name.trim()).ok_or_else(|| unknown_item(name.trim()))?;
        let number = number.trim().parse().ok();
        let number = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
        Ok((item, number.ok_or(NUMBER)?))
    }
}

fn unknown_item(name: &str) -> String {
    let distance = |item: &Item| strsim::damerau_levenshtein(item.name(), name);
    match Item::all().min_by_key(distance) {
        Some(near) => format!(
            "a method or another item of the cost model, such as {}",
            near.name()
        ),
        None => "an item of the cost model".to_owned(),
    }
}

/// A network such as 10.0.0.0/8, or one address.
impl FromText for IpNet {
    fn from_text(text: &str) -> Result<Self, String> {
        parse_network(text).ok_or_else(|| {
            "a network such as \"10.0.0.0/8\" or \"fd00::/8\", or an address".to_owned()
        })
    }
}

impl FromText for HttpHost {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_other| "the name of a host without a port, or * for any".to_owned())
    }
}

impl FromText for Duration {
    fn from_text(text: &str) -> Result<Self, String> {
        const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        let millis = quantity(text, UNITS).filter(|millis| *millis > 0);
        millis
            .map(Self::from_millis)
            .ok_or_else(|| "a duration such as \"500ms\", \"30s\", \"5m\" or \"1h\"".to_owned())
    }
}

impl FromText for Size {
    fn from_text(text: &str) -> Result<Self, String> {
        const UNITS: &[(&str, u64)] = &[
            ("", 1),
            ("kB", 1000),
            ("KiB", 1 << 10),
            ("MB", 1_000_000),
            ("MiB", 1 << 20),
            ("GB", 1_000_000_000),
            ("GiB", 1 << 30),
        ];
        let bytes = quantity(text, UNITS).filter(|bytes| *bytes > 0);
        bytes
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| "a size such as \"450MiB\", \"1GB\" or a number of bytes".to_owned())
    }
}

impl FromText for LogLevel {
    fn from_text(text: &str) -> Result<Self, String> {
        // The longer names are Python's, which ElectrumX hands through.
        match text.to_ascii_lowercase().as_str() {
            "error" | "critical" => Ok(Self::Error),
            "warn" | "warning" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err("one of error, warn, info, debug, trace".to_owned()),
        }
    }
}

impl FromText for LogFormat {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "compact" => Ok(Self::Compact),
            _ => Err("one of full, compact".to_owned()),
        }
    }
}

impl FromText for ProtocolVersion {
    fn from_text(text: &str) -> Result<Self, String> {
        let version = text
            .parse()
            .ok()
            .filter(|version| Self::SERVED.contains(version));
        version.ok_or_else(|| {
            let served: Vec<_> = Self::SERVED.iter().map(Self::to_string).collect();
            format!("one of {}", served.join(", "))
        })
    }
}

/// Reads a whole number with one of the units; `None` as well if it does not fit 64 bits.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(digits_end)?;
    let (_name, factor) = units
        .iter()
        .find(|(name, _factor)| *name == unit.trim_start())?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use electrode_protocol::Method;
    use electrode_server::Extra;

    use super::*;

    #[test]
    fn reads_durations() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("2 s", 2000),
        ] {
            assert_eq!(
                Duration::from_text(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "30",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "30 parsecs",
            "18446744073709551615h",
        ] {
            assert!(Duration::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_zero_as_none_where_it_may() {
        for (text, expected) in [
            ("0", Some(None)),
            ("000", Some(None)),
            ("7", Some(Some(7u32))),
            ("010", Some(Some(10))),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(OrNone::from_text(text).ok(), expected.map(OrNone), "{text}");
        }
        let pause = |text| OrNone::<Duration>::from_text(text).ok();
        assert_eq!(pause("0ms"), Some(OrNone(None)));
        assert_eq!(pause("5ms"), Some(OrNone(Some(Duration::from_millis(5)))));
        assert_eq!(pause("0 stones"), None);
    }

    #[test]
    fn reads_numbers_of_the_cost_model() {
        let read = |text| <(Item, f64)>::from_text(text);
        assert_eq!(
            read("server.ping=0.5"),
            Ok((Item::Method(Method::Ping), 0.5))
        );
        assert_eq!(read("error = 0"), Ok((Item::Extra(Extra::Error), 0.0)));
        let unknown = read("server.pin=1").unwrap_err();
        assert!(unknown.ends_with("such as server.ping"), "{unknown}");
        for text in ["error=-1", "error=NaN", "error=", "error"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [
            ("450MiB", 450 << 20),
            ("1GB", 1_000_000_000),
            ("8100000", 8_100_000),
            ("2 kB", 2000),
        ] {
            assert_eq!(Size::from_text(text), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "MiB", "0", "1.5GB", "1 stone", "99999999999GiB"] {
            assert!(Size::from_text(text).is_err(), "{text}");
        }
    }
}
