//! What is told to sessions without being asked for.

use std::{borrow::Cow, collections::HashMap};

use electrode_coin::{Height, ScriptHash};
use electrode_protocol::{
    Spelling, Status, encode_headers_notification, encode_status_notification,
};

/// A notification, shared by all who get it.
#[derive(Debug, PartialEq)]
pub(crate) struct Notice {
    /// How it is sent, to who writes script hashes as everybody does.
    line: Box<[u8]>,
    /// What it costs each of them, its bytes apart.
    pub(crate) cost: f64,
    /// The script it is about, and its status; `None` where it is about a block.
    about: Option<(ScriptHash, Option<Status>)>,
}

impl Notice {
    /// Tells of a new tip.
    pub(crate) fn of_tip(header: &[u8], height: Height) -> Self {
        let mut line = Vec::new();
        encode_headers_notification(&mut line, header, height);
        Self {
            line: ended(line).into(),
            cost: 0.0,
            about: None,
        }
    }

    /// Tells of the status of a script.
    pub(crate) fn of_status(script: ScriptHash, status: Option<Status>, cost: f64) -> Self {
        Self {
            line: status_line(&script, None, status.as_ref()).into(),
            cost,
            about: Some((script, status)),
        }
    }

    /// Gives it as it is sent to a session that writes some script hashes its own way.
    pub(crate) fn line(&self, spellings: &HashMap<ScriptHash, Spelling>) -> Cow<'_, [u8]> {
        let spelled = self.about.as_ref().and_then(|(script, status)| {
            let spelling = spellings.get(script)?;
            Some(status_line(script, Some(spelling), status.as_ref()))
        });
        spelled.map_or(Cow::Borrowed(&self.line), Cow::Owned)
    }
}

fn status_line(
    script: &ScriptHash,
    spelling: Option<&Spelling>,
    status: Option<&Status>,
) -> Vec<u8> {
    let mut line = Vec::new();
    encode_status_notification(&mut line, script, spelling, status);
    ended(line)
}

fn ended(mut line: Vec<u8>) -> Vec<u8> {
    line.push(b'\n');
    line
}
