//! The server's callbacks as a plugin sees them: a writer of bytes and a sink of transactions.

use std::ops::ControlFlow;

use electrode_coin::{TxSink, TxView};

use crate::{Out, RawTx, Sink, answer};

/// Hands bytes to the server.
pub(crate) struct Writer<'a>(Option<&'a Out>);

impl Writer<'_> {
    /// Borrows what the server lends for a call; null takes nothing.
    ///
    /// # Safety
    /// Unless null, `out` is valid for as long as the writer lives, and so is what it refers to.
    pub(crate) unsafe fn borrow(out: *const Out) -> Self {
        // SAFETY: what the caller vouches for is what is needed.
        Self(unsafe { out.as_ref() })
    }

    /// Hands over bytes, or one item of a list.
    pub(crate) fn put(&self, bytes: &[u8]) -> ControlFlow<()> {
        let Some(out) = self.0 else {
            return ControlFlow::Break(());
        };
        // SAFETY: `borrow` was promised that the callback and its context are valid; the bytes
        // are borrowed for the call.
        proceed(unsafe { (out.write)(out.ctx, bytes.as_ptr(), bytes.len()) })
    }
}

/// Hands transactions to the server.
pub(crate) struct Emitter<'a>(Option<&'a Sink>);

impl Emitter<'_> {
    /// Borrows what the server lends for a call; null takes nothing.
    ///
    /// # Safety
    /// Unless null, `sink` is valid for as long as the emitter lives, and so is what it refers to.
    pub(crate) unsafe fn borrow(sink: *const Sink) -> Self {
        // SAFETY: what the caller vouches for is what is needed.
        Self(unsafe { sink.as_ref() })
    }
}

impl TxSink for Emitter<'_> {
    fn tx(&mut self, tx: &TxView<'_>) -> ControlFlow<()> {
        let Some(sink) = self.0 else {
            return ControlFlow::Break(());
        };
        // SAFETY: `borrow` was promised that the callback and its context are valid; the
        // transaction is borrowed for the call.
        proceed(unsafe { (sink.emit)(sink.ctx, RawTx::of(tx)) })
    }
}

fn proceed(answer: i32) -> ControlFlow<()> {
    if answer == answer::CONTINUE {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}
