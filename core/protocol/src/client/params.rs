//! The arguments of a request, from what people type.

use serde_json::value::RawValue;

use super::text::Json;
use crate::{Params, ProtocolVersion, error::echo};

/// The text holds no arguments of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected arguments that are a JSON array or object, such as [1, true], came {came}")]
pub struct ParamsError {
    /// The text, shortened.
    came: String,
}

impl Params {
    /// Takes arguments one by one: what is JSON as that, everything else as a string.
    #[must_use]
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut array = String::from("[");
        for word in words {
            if array.len() > 1 {
                array.push(',');
            }
            match serde_json::from_str::<&RawValue>(word) {
                Ok(json) => array.push_str(&Json::of(Some(json)).to_string()),
                Err(_no_json) => array.push_str(&serde_json::Value::from(word).to_string()),
            }
        }
        array.push(']');
        Self::of_json(array)
    }

    /// Takes all arguments as they are in a JSON array or object.
    ///
    /// # Errors
    /// The text is neither.
    pub fn from_json(text: &str) -> Result<Self, ParamsError> {
        let params: Option<&RawValue> = serde_json::from_str(text).ok();
        let params = params.filter(|params| params.get().starts_with(['[', '{']));
        let params = params.ok_or_else(|| ParamsError {
            came: echo(text).escape_debug().to_string(),
        })?;
        // A request is one line, whatever was typed.
        Ok(Self::of_json(Json::of(Some(params)).to_string()))
    }

    /// Makes the arguments of `server.version`: who asks, and that every version will do that this
    /// crate speaks.
    #[must_use]
    pub fn greeting(client_name: &str) -> Self {
        let (oldest, newest) = (ProtocolVersion::V1_4, ProtocolVersion::V1_6);
        let client_name = serde_json::Value::from(client_name);
        Self::of_json(format!("[{client_name},[\"{oldest}\",\"{newest}\"]]"))
    }

    fn of_json(text: String) -> Self {
        Self(Some(
            RawValue::from_string(text).expect("put together from JSON"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_words_as_json_where_they_are() {
        for (words, json) in [
            (&[][..], "[]"),
            (&["1", "-2.50", "true", "null"], "[1,-2.50,true,null]"),
            (&["00ff", "a b", "", "\"1\""], r#"["00ff","a b","","1"]"#),
            (&["[1,\n 2]", "{\"a\" : 1}"], r#"[[1,2],{"a":1}]"#),
            (&["'", "\\", "\"", "\n"], r#"["'","\\","\"","\n"]"#),
        ] {
            assert_eq!(Params::from_words(words.iter().copied()).json(), json);
        }
    }

    #[test]
    fn greets_with_every_version_there_is() {
        let greeting = Params::greeting("a \"b\"");
        assert_eq!(greeting.json(), r#"["a \"b\"",["1.4","1.6"]]"#);
        let [oldest, .., newest] = ProtocolVersion::SERVED;
        assert!(
            greeting
                .json()
                .ends_with(&format!("[\"{oldest}\",\"{newest}\"]]"))
        );
    }

    #[test]
    fn takes_whole_arguments() {
        for (text, json) in [
            ("[ 1,\n\"x\" ]", r#"[1,"x"]"#),
            (" {\"height\": 1} ", r#"{"height":1}"#),
        ] {
            assert_eq!(Params::from_json(text).unwrap().json(), json);
        }
        for text in ["", "1", "\"x\"", "null", "[1", "[1] [2]", "x"] {
            let error = Params::from_json(text).unwrap_err();
            assert!(error.to_string().starts_with("expected"), "{text}");
        }
    }
}
