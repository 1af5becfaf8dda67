//! The callbacks that a plugin calls: bounded, checked, and never left by a panic.

use std::{
    any::Any,
    ffi::c_void,
    io::Write as _,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use electrode_coin::TxSink;
use electrode_plugin::{Bytes, Out, RawTx, Sink, answer};

/// Callbacks after the one that said stop, at which a plugin counts as one that never returns.
const MAX_IGNORED: u32 = 1_000_000;

/// Exit code for an unusable plugin.
const UNUSABLE: i32 = 69;

/// What became of the callbacks of one call.
#[derive(Default)]
pub(crate) struct Halt {
    /// Whether the plugin was told to stop.
    pub(crate) is_stopped: bool,
    /// How often it called back nevertheless.
    pub(crate) ignored: u32,
    /// What it did wrong.
    pub(crate) fault: Option<String>,
    /// What the server's own code threw, to be thrown on when the plugin has returned.
    pub(crate) panic: Option<Box<dyn Any + Send>>,
}

impl Halt {
    /// Runs the body of a callback; an error is a fault of the plugin.
    fn run(&mut self, body: impl FnOnce() -> Result<ControlFlow<()>, String>) -> i32 {
        if self.is_stopped {
            self.ignored += 1;
            if self.ignored >= MAX_IGNORED {
                give_up();
            }
            return answer::STOP;
        }
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(Ok(ControlFlow::Continue(()))) => return answer::CONTINUE,
            Ok(Ok(ControlFlow::Break(()))) => {}
            Ok(Err(fault)) => self.fault = Some(fault),
            Err(panic) => self.panic = Some(panic),
        }
        self.is_stopped = true;
        answer::STOP
    }
}

/// Ends the process: foreign code that does not return cannot be ended in any other way, and the
/// index takes the end of the process at any time.
#[expect(clippy::exit, reason = "see above")]
fn give_up() -> ! {
    let _written = writeln!(
        std::io::stderr(),
        "electrode: a plugin was told {MAX_IGNORED} times to stop and goes on calling: \
         it cannot be used; ask its author for a newer version"
    );
    std::process::exit(UNUSABLE)
}

/// Takes bytes, or a list of them, up to a limit.
pub(crate) struct Receiver<'a> {
    take: &'a mut dyn FnMut(&[u8]),
    left: usize,
    pub(crate) halt: Halt,
}

impl<'a> Receiver<'a> {
    pub(crate) fn new(limit: usize, take: &'a mut dyn FnMut(&[u8])) -> Self {
        Self {
            take,
            left: limit,
            halt: Halt::default(),
        }
    }

    /// Gives what the plugin gets for one call, in which nobody else uses the receiver.
    pub(crate) fn out(&mut self) -> Out {
        Out {
            ctx: (&raw mut *self).cast(),
            write,
        }
    }
}

unsafe extern "C" fn write(ctx: *mut c_void, ptr: *const u8, len: usize) -> i32 {
    // SAFETY: `Receiver::out` made the context, for a call that is still going on.
    let receiver = unsafe { &mut *ctx.cast::<Receiver<'_>>() };
    let (take, left) = (&mut receiver.take, &mut receiver.left);
    receiver.halt.run(|| {
        let fits = left.checked_sub(len);
        *left = fits.ok_or_else(|| format!("it hands out {len} bytes where {left} are left"))?;
        // SAFETY: the plugin lends the bytes for this call.
        take(unsafe { Bytes::from_raw(ptr, len).as_slice() });
        Ok(ControlFlow::Continue(()))
    })
}

/// Takes the transactions of a block, or a lone one.
pub(crate) struct TxReceiver<'a> {
    pub(crate) taker: Taker<'a>,
    pub(crate) halt: Halt,
}

impl<'a> TxReceiver<'a> {
    /// Takes transactions that lie in `len` bytes.
    pub(crate) fn new(len: usize, sink: &'a mut dyn TxSink) -> Self {
        Self {
            taker: Taker {
                sink,
                len,
                next: None,
                count: 0,
            },
            halt: Halt::default(),
        }
    }

    /// Gives what the plugin gets for one call, in which nobody else uses the receiver.
    pub(crate) fn sink(&mut self) -> Sink {
        Sink {
            ctx: (&raw mut *self).cast(),
            emit,
        }
    }
}

/// Checks transactions and passes them on.
pub(crate) struct Taker<'a> {
    sink: &'a mut dyn TxSink,
    /// Length of the bytes that are parsed.
    len: usize,
    /// Where the next transaction must start; the first may start anywhere.
    next: Option<usize>,
    /// How many transactions came so far.
    pub(crate) count: usize,
}

impl Taker<'_> {
    /// Checks where a transaction lies and how much it claims to hold.
    fn place(&mut self, raw: &RawTx) -> Result<(), String> {
        let RawTx { offset, len, .. } = *raw;
        let end = offset
            .checked_add(len)
            .filter(|end| *end <= self.len && len > 0);
        let follows = self.next.is_none_or(|next| next == offset);
        if end.is_none() || !follows {
            return Err(format!(
                "it places a transaction at {offset} with length {len}, where the one before ends \
                 at {} of {} bytes",
                self.next.unwrap_or(0),
                self.len
            ));
        }
        let (inputs, outputs) = (raw.inputs.len(), raw.outputs.len());
        if inputs > len || outputs > len {
            return Err(format!(
                "it finds {inputs} inputs and {outputs} outputs in a transaction of {len} bytes"
            ));
        }
        self.next = end;
        Ok(())
    }

    fn take(&mut self, raw: &RawTx) -> Result<ControlFlow<()>, String> {
        self.place(raw)?;
        // SAFETY: the plugin lends the transaction for this call.
        let Some(tx) = (unsafe { raw.view() }) else {
            return Err("it hands out a transaction with a null pointer in it".to_owned());
        };
        let longest = tx.outputs.iter().map(|output| output.script.len()).max();
        if let Some(len) = longest.filter(|len| *len > tx.len) {
            return Err(format!(
                "it finds a script of {len} bytes in a transaction of {}",
                tx.len
            ));
        }
        self.count += 1;
        Ok(self.sink.tx(tx))
    }
}

unsafe extern "C" fn emit(ctx: *mut c_void, raw: *const RawTx) -> i32 {
    // SAFETY: `TxReceiver::sink` made the context, for a call that is still going on.
    let TxReceiver { taker, halt } = unsafe { &mut *ctx.cast::<TxReceiver<'_>>() };
    // SAFETY: the plugin lends the transaction for this call.
    let raw = unsafe { raw.as_ref() };
    halt.run(|| match raw {
        Some(raw) => taker.take(raw),
        None => Err("it hands out a null pointer for a transaction".to_owned()),
    })
}
