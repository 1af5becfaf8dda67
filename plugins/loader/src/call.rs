//! One call of a slot: what the plugin answers, and what that means for the coin.

use std::panic::resume_unwind;

use electrode_coin::CoinError;
use electrode_plugin::{Out, status};

use crate::{
    ForeignCoin,
    calls::Question,
    library::readable,
    receive::{Halt, Receiver},
};

/// Longest text of an error.
const MAX_TEXT: usize = 4096;

/// What a slot answers when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    Skipped,
    ByDescriptor,
    Stopped,
    AskNode,
}

impl ForeignCoin {
    /// Calls a slot, with a place for its text.
    pub(crate) fn call(
        &self,
        question: Question,
        call: impl FnOnce(*const Out) -> i32,
    ) -> Result<Verdict, CoinError> {
        self.trust()?;
        let slot = question.slot;
        let mut text = Vec::new();
        let mut take = |bytes: &[u8]| text.extend_from_slice(bytes);
        let mut receiver = Receiver::new(MAX_TEXT, &mut take);
        let running = self.calls.begin(question);
        let answer = call(&receiver.out());
        drop(running);
        let reason = || readable(&text);
        match answer {
            status::OK => Ok(Verdict::Done),
            status::SKIPPED => Ok(Verdict::Skipped),
            status::BY_DESCRIPTOR => Ok(Verdict::ByDescriptor),
            status::STOPPED => Ok(Verdict::Stopped),
            status::ASK_NODE => Ok(Verdict::AskNode),
            status::MALFORMED => Err(CoinError::Refused { reason: reason() }),
            status::PANIC => Err(self.break_down(format!("{slot} panicked: {}", reason()))),
            other => Err(self.break_down(format!(
                "{slot} answers {other}, which means nothing: {}",
                reason()
            ))),
        }
    }

    /// Looks at what the callbacks of a call saw; tells whether they said stop.
    pub(crate) fn settle(&self, slot: &'static str, halt: Halt) -> Result<bool, CoinError> {
        if let Some(panic) = halt.panic {
            resume_unwind(panic);
        }
        if let Some(fault) = halt.fault {
            return Err(self.break_down(format!("{slot}: {fault}")));
        }
        if halt.ignored > 0 {
            return Err(self.break_down(format!("{slot} goes on after it was told to stop")));
        }
        Ok(halt.is_stopped)
    }

    /// Calls a slot that hands out bytes; `None` where the descriptor is to decide.
    pub(crate) fn bytes(
        &self,
        question: Question,
        limit: usize,
        call: impl FnOnce(*const Out, *const Out) -> i32,
    ) -> Result<Option<Vec<u8>>, CoinError> {
        let mut bytes = Vec::new();
        let mut take = |more: &[u8]| bytes.extend_from_slice(more);
        let mut receiver = Receiver::new(limit, &mut take);
        let out = receiver.out();
        let verdict = self.call(question, |error| call(&out, error));
        self.settle(question.slot, receiver.halt)?;
        match verdict? {
            Verdict::Done => Ok(Some(bytes)),
            Verdict::ByDescriptor => Ok(None),
            other => Err(self.meaningless(question.slot, other)),
        }
    }

    /// Breaks down over an answer that this slot cannot give.
    pub(crate) fn meaningless(&self, slot: &'static str, verdict: Verdict) -> CoinError {
        self.break_down(format!(
            "{slot} answers {verdict:?}, which means nothing there"
        ))
    }

    /// Notes that the plugin is not to be asked again; the first reason stays.
    pub(crate) fn break_down(&self, reason: String) -> CoinError {
        let reason = self.broken.get_or_init(|| reason).clone();
        CoinError::Plugin { reason }
    }

    /// Refuses to go on with a plugin that broke down.
    pub(crate) fn trust(&self) -> Result<(), CoinError> {
        match self.broken.get() {
            None => Ok(()),
            Some(reason) => Err(CoinError::Plugin {
                reason: reason.clone(),
            }),
        }
    }
}
