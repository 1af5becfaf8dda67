//! JSON of a server as people and programs want to read it.
//!
//! It is laid out from its text and not from what it means, so that numbers keep every digit and
//! members their order.

use std::fmt;

use serde_json::value::RawValue;

/// How deep lines are broken; what is deeper stays in one, so that nesting cannot blow up a text.
const MAX_DEPTH: usize = 16;

/// A JSON text as a server sent it.
#[derive(Clone, Debug)]
pub struct Json(Box<RawValue>);

/// A JSON text in many lines.
#[derive(Clone, Copy, Debug)]
struct Pretty<'a>(&'a Json);

impl Json {
    pub(super) fn of(value: Option<&RawValue>) -> Self {
        Self(value.map_or_else(|| RawValue::NULL.to_owned(), ToOwned::to_owned))
    }

    /// Gives the text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Lays it out in lines, two spaces for each level.
    #[must_use]
    pub fn pretty(&self) -> impl fmt::Display + '_ {
        Pretty(self)
    }
}

/// In one line.
///
/// What could move the cursor of a terminal is spelt as JSON spells it (`\u009b`), here and in
/// [`Json::pretty`], which changes nothing of what the text means.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Tokens(self.as_str()).try_for_each(|token| write_visible(f, token))
    }
}

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut depth: usize = 0;
        let mut last = "";
        for token in Tokens(self.0.as_str()) {
            let is_first = matches!(last, "{" | "[");
            let is_end = matches!(token, "}" | "]");
            let inner_depth = depth;
            if is_end {
                depth = depth.saturating_sub(1);
            }
            if inner_depth <= MAX_DEPTH && (is_first != is_end || last == ",") {
                write!(f, "\n{:1$}", "", 2 * depth)?;
            } else if last == ":" {
                f.write_str(" ")?;
            }
            write_visible(f, token)?;
            if matches!(token, "{" | "[") {
                depth += 1;
            }
            last = token;
        }
        Ok(())
    }
}

/// Writes a text with what a terminal would obey spelt out, line ends apart.
pub(super) fn write_visible(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some((at, obeyed)) = rest.char_indices().find(|(_, c)| is_obeyed(*c)) {
        let (visible, from_obeyed) = rest.split_at(at);
        write!(f, "{visible}\\u{:04x}", u32::from(obeyed))?;
        rest = from_obeyed.get(obeyed.len_utf8()..).unwrap_or_default();
    }
    f.write_str(rest)
}

/// Tells what a terminal does something with instead of showing it: control characters, and those
/// that turn the direction of writing. All of them take four hexadecimal digits.
fn is_obeyed(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n')
}

/// The tokens of a JSON text, which must be one: strings with their quotes, brackets, commas,
/// colons, and other values.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
        const ENDS_VALUE: &[char] = &[',', ':', '{', '}', '[', ']', ' ', '\t', '\n', '\r'];
        let text = self.0.trim_start_matches(SPACE);
        let len = match text.bytes().next()? {
            b'"' => string_len(text),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => text.find(ENDS_VALUE).unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at_checked(len)?;
        self.0 = rest;
        Some(token)
    }
}

/// Measures the string at the front, quotes included.
fn string_len(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |inner| inner + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn writes_one_line() {
        for (text, line) in [
            (
                " [ 1 ,\n{\"a\" :\t\"b \\\" ,\" } ] ",
                r#"[1,{"a":"b \" ,"}]"#,
            ),
            ("1e400", "1e400"),
            (
                "123456789012345678901234567890.10",
                "123456789012345678901234567890.10",
            ),
            (r#"{"z":1,"a":2,"z":3}"#, r#"{"z":1,"a":2,"z":3}"#),
            ("\"\\\\\"", "\"\\\\\""),
            ("[]", "[]"),
        ] {
            assert_eq!(json(text).to_string(), line, "{text}");
        }
    }

    #[test]
    fn writes_many_lines() {
        let text = r#"{"a":[],"b":{},"c":[1,"x, y: {z}"],"d":{"e":null}}"#;
        let expected = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    \"x, y: {z}\"\n  \
                        ],\n  \"d\": {\n    \"e\": null\n  }\n}";
        assert_eq!(json(text).pretty().to_string(), expected);
        assert_eq!(json("\"x\"").pretty().to_string(), "\"x\"");
    }

    #[test]
    fn means_the_same_however_it_is_written() {
        let text = r#"{"a":[1,-2.50,{"b":"\u0000\n\\\"é"},[[],{}]],"":false}"#;
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&json(text).to_string()), value(text));
        assert_eq!(value(&json(text).pretty().to_string()), value(text));
    }

    #[test]
    fn spells_out_what_a_terminal_would_obey() {
        let text = "[\"a\u{9b}2J\u{202e}\u{7f}b\"]";
        let line = json(text).to_string();
        assert_eq!(line, r#"["a\u009b2J\u202e\u007fb"]"#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&line), value(text));
    }

    #[test]
    fn stays_short_however_deep_it_is() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let pretty = json(&deep).pretty().to_string();
        assert!(pretty.len() < deep.len() + 2000, "{}", pretty.len());
        let squeezed: String = pretty.split_whitespace().collect();
        assert_eq!(squeezed, deep);
    }
}
