//! The wall around every function that the server calls: no panic leaves it.

use std::{
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    sync::{Mutex, Once, PoisonError},
};

use electrode_coin::{AddressError, CoinError};

use crate::{Out, status, writer::Writer};

/// What the last panic of this plugin said.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Why a slot did not do what it was asked.
pub(crate) enum Refusal {
    Malformed(String),
    Skipped(&'static str),
    Stopped,
    AskNode,
}

impl From<CoinError> for Refusal {
    fn from(error: CoinError) -> Self {
        match error {
            CoinError::Stopped => Self::Stopped,
            error => Self::Malformed(error.to_string()),
        }
    }
}

impl From<AddressError> for Refusal {
    fn from(error: AddressError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Runs the body of a slot and turns what comes of it into a status.
pub(crate) fn guard(error: *const Out, body: impl FnOnce() -> Result<(), Refusal>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => status::OK,
        Ok(Err(Refusal::Malformed(text))) => tell(error, &text, status::MALFORMED),
        Ok(Err(Refusal::Skipped(reason))) => tell(error, reason, status::SKIPPED),
        Ok(Err(Refusal::Stopped)) => status::STOPPED,
        Ok(Err(Refusal::AskNode)) => status::ASK_NODE,
        Err(payload) => {
            // Dropping what was thrown could panic again, this time through the border.
            let _leaked = ManuallyDrop::new(payload);
            let text = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            tell(error, &text, status::PANIC)
        }
    }
}

/// Keeps panics of this plugin off standard error: the server logs what they say.
///
/// A plugin has a standard library of its own, so the server's hook stays as it is.
pub(crate) fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|info| {
            *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
        }));
    });
}

fn tell(error: *const Out, text: &str, status: i32) -> i32 {
    // SAFETY: the server lends the place for the text during the call that `guard` is the body of.
    let writer = unsafe { Writer::borrow(error) };
    // Nobody is left to hear that the text was not taken.
    let _taken = writer.put(text.as_bytes());
    status
}
