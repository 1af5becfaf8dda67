//! The C border as memory: every struct, constant and function type that both sides see.
//!
//! Frozen within a major version: [`Vtable`] may only grow at its end, nothing else changes.
//! `include/electrode_coin.h` says the same for other languages. No ownership crosses: what is
//! handed in is borrowed for the call, what comes out is copied by the receiver during the call.

use std::{
    ffi::{CStr, c_char, c_void},
    mem::{self, offset_of},
    ptr, slice,
};

use electrode_coin::{OutPoint, OutputView, TxView, Txid};

/// The first bytes of every plugin's header.
pub const MAGIC: [u8; 8] = *b"ELECTROD";

/// Version of the border: plugins of another one cannot be used.
pub const ABI_MAJOR: u32 = 1;

/// Version of the border's additions: plugins of any can be used.
pub const ABI_MINOR: u32 = 0;

/// The data symbol that every plugin exports, a [`PluginHeader`].
pub const SYMBOL: &CStr = c"electrode_coin_plugin";

/// Every feature bit that has a meaning: none so far.
pub const FEATURES: u64 = 0;

/// What a slot answers; every other number counts as [`status::PANIC`].
pub mod status {
    /// It did what it was asked.
    pub const OK: i32 = 0;
    /// The bytes are not what this chain calls a block, a header, a transaction, an address.
    pub const MALFORMED: i32 = 1;
    /// The transaction is valid, but there is nothing in it to index.
    pub const SKIPPED: i32 = 2;
    /// The server is to do what the descriptor says; allowed in every slot from `header_len` on.
    pub const BY_DESCRIPTOR: i32 = 3;
    /// The receiver asked to stop.
    pub const STOPPED: i32 = 4;
    /// Of `header_hash`: only the node knows; the hash under which it gives the block counts.
    pub const ASK_NODE: i32 = 5;
    /// The plugin broke down; it is not asked again.
    pub const PANIC: i32 = -1;
}

/// What a callback of the server answers.
pub mod answer {
    /// Go on.
    pub const CONTINUE: i32 = 0;
    /// Return [`STOPPED`](super::status::STOPPED) now.
    pub const STOP: i32 = 1;
}

/// An instance of a coin, which only its plugin looks into.
pub type Instance = *mut c_void;

/// A borrowed array, valid for the call that receives it.
///
/// The pointer is never null, not even where there is nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Array<T> {
    ptr: *const T,
    len: usize,
}

/// Borrowed bytes, valid for the call that receives them.
pub type Bytes = Array<u8>;

impl<T> From<&[T]> for Array<T> {
    #[inline]
    fn from(items: &[T]) -> Self {
        Self {
            ptr: items.as_ptr(),
            len: items.len(),
        }
    }
}

impl<T> Array<T> {
    /// Refers to what a peer hands over.
    #[must_use]
    #[inline]
    pub fn from_raw(ptr: *const T, len: usize) -> Self {
        Self { ptr, len }
    }

    /// Gives how many items there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tells whether the pointer is what the border asks for.
    #[must_use]
    #[inline]
    pub fn is_sound(&self) -> bool {
        !self.ptr.is_null() && self.ptr.is_aligned()
    }

    /// Looks at the items; a null pointer reads as none.
    ///
    /// # Safety
    /// Unless null, the pointer is aligned, and the peer keeps the items unchanged for `'a`, as it
    /// promises for the call that hands them over.
    #[must_use]
    #[inline]
    pub unsafe fn as_slice<'a>(self) -> &'a [T] {
        if self.ptr.is_null() {
            return &[];
        }
        // SAFETY: what the caller vouches for is what is needed.
        unsafe { slice::from_raw_parts(self.ptr, self.len) }
    }
}

/// A created output: an [`OutputView`] of which nothing is known to be true.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawOutput {
    /// In the smallest unit.
    pub value: u64,
    /// The output script.
    pub script: Bytes,
}

/// One transaction, valid during the `emit` that hands it over: a [`TxView`] of which nothing is
/// known to be true.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawTx {
    /// Its name.
    pub txid: Txid,
    /// Where it starts in the bytes that are parsed.
    pub offset: usize,
    /// How many bytes it takes there.
    pub len: usize,
    /// Virtual size in vbytes.
    pub vsize: usize,
    /// What it spends.
    pub inputs: Array<OutPoint>,
    /// What it creates.
    pub outputs: Array<RawOutput>,
}

impl RawTx {
    /// Shows a transaction as the other side of the border sees it.
    #[must_use]
    #[inline]
    pub fn of<'a>(tx: &'a TxView<'_>) -> &'a Self {
        // SAFETY: both are laid out alike (below), and raw pointers promise less than references.
        unsafe { &*ptr::from_ref(tx).cast() }
    }

    /// Looks at the transaction; `None` where a pointer is not what the border asks for.
    ///
    /// # Safety
    /// The peer keeps unchanged for `'a` what the sound ones of its pointers refer to.
    #[must_use]
    #[inline]
    pub unsafe fn view<'a>(&'a self) -> Option<&'a TxView<'a>> {
        if !self.inputs.is_sound() || !self.outputs.is_sound() {
            return None;
        }
        // SAFETY: what the caller vouches for is what is needed.
        let outputs = unsafe { self.outputs.as_slice() };
        if !outputs.iter().all(|output| output.script.is_sound()) {
            return None;
        }
        // SAFETY: both are laid out alike (below), and the pointers were looked at.
        Some(unsafe { &*ptr::from_ref(self).cast() })
    }
}

// Transactions cross the border without a copy: a compiler that lays them out in another way, on
// either side, must not get past this.
const _: () = {
    assert!(size_of::<RawTx>() == size_of::<TxView<'_>>());
    assert!(align_of::<RawTx>() == align_of::<TxView<'_>>());
    assert!(offset_of!(RawTx, txid) == offset_of!(TxView<'_>, txid));
    assert!(offset_of!(RawTx, offset) == offset_of!(TxView<'_>, offset));
    assert!(offset_of!(RawTx, len) == offset_of!(TxView<'_>, len));
    assert!(offset_of!(RawTx, vsize) == offset_of!(TxView<'_>, vsize));
    assert!(offset_of!(RawTx, inputs) == offset_of!(TxView<'_>, inputs));
    assert!(offset_of!(RawTx, outputs) == offset_of!(TxView<'_>, outputs));
    assert!(size_of::<RawOutput>() == size_of::<OutputView<'_>>());
    assert!(offset_of!(RawOutput, value) == offset_of!(OutputView<'_>, value));
    assert!(offset_of!(RawOutput, script) == offset_of!(OutputView<'_>, script));
    // A slice is a pointer and then a length. The other way round, a pointer would be read as a
    // number here, which is no constant.
    // SAFETY: both hold a pointer and a number, of which any is valid.
    let slice: Bytes = unsafe { mem::transmute::<&[u8], Bytes>(&[1, 2, 3]) };
    assert!(slice.len == 3);
};

/// Takes bytes from the plugin; owned by the server.
#[repr(C)]
#[derive(Debug)]
pub struct Out {
    /// To be handed back with every call.
    pub ctx: *mut c_void,
    /// Copies bytes; of a list, one item a call. Gives an [`answer`].
    pub write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
}

/// Takes transactions from the plugin; owned by the server.
#[repr(C)]
#[derive(Debug)]
pub struct Sink {
    /// To be handed back with every call.
    pub ctx: *mut c_void,
    /// Copies one transaction. Gives an [`answer`].
    pub emit: unsafe extern "C" fn(*mut c_void, *const RawTx) -> i32,
}

/// Network, options (TOML) → instance.
pub type CreateFn = unsafe extern "C" fn(Bytes, Bytes, *mut Instance, *const Out) -> i32;
/// Frees an instance.
pub type DestroyFn = unsafe extern "C" fn(Instance);
/// → bytes.
pub type DescribeFn = unsafe extern "C" fn(Instance, *const Out, *const Out) -> i32;
/// Height, bytes → length.
pub type MeasureFn = unsafe extern "C" fn(Instance, u32, Bytes, *mut usize, *const Out) -> i32;
/// Height, bytes → hash.
pub type HashFn = unsafe extern "C" fn(Instance, u32, Bytes, *mut [u8; 32], *const Out) -> i32;
/// Bytes → hash.
pub type PrevFn = unsafe extern "C" fn(Instance, Bytes, *mut [u8; 32], *const Out) -> i32;
/// Height, bytes → bytes.
pub type CutFn = unsafe extern "C" fn(Instance, u32, Bytes, *const Out, *const Out) -> i32;
/// Height, bytes → transactions.
pub type WalkFn = unsafe extern "C" fn(Instance, u32, Bytes, *const Sink, *const Out) -> i32;
/// Bytes → transaction.
pub type ParseFn = unsafe extern "C" fn(Instance, Bytes, *const Sink, *const Out) -> i32;
/// Bytes → bytes, or a list of them.
pub type ConvertFn = unsafe extern "C" fn(Instance, Bytes, *const Out, *const Out) -> i32;

/// The table of functions. Every slot must be filled; slots are only ever appended.
///
/// All but `create` and `destroy` are called at the same time from many threads. The [`Out`] that
/// each gets last is for the text that explains an answer other than OK.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Vtable {
    /// Makes an instance for a net.
    pub create: Option<CreateFn>,
    /// Frees what `create` made.
    pub destroy: Option<DestroyFn>,
    /// Gives the descriptor (TOML).
    pub describe: Option<DescribeFn>,
    /// Gives the length of the header that a block starts with.
    pub header_len: Option<MeasureFn>,
    /// Gives the hash of a header in internal order.
    pub header_hash: Option<HashFn>,
    /// Gives the hash of the block that a header builds on.
    pub header_prev: Option<PrevFn>,
    /// Gives the header as wallets get it beside a checkpoint proof.
    pub client_header: Option<CutFn>,
    /// Gives every transaction of a block in order.
    pub parse_block: Option<WalkFn>,
    /// Gives a transaction that travels alone, or answers SKIPPED.
    pub parse_tx: Option<ParseFn>,
    /// Gives the scripts that an output is filed under, the owner's first. Called only where the
    /// descriptor says `unspendable = "custom"`: it would cost every output a call.
    pub index_scripts: Option<ConvertFn>,
    /// Gives the output script of an address.
    pub address_to_script: Option<ConvertFn>,
    /// Gives the address of an output script; nothing where it has none.
    pub script_to_address: Option<ConvertFn>,
}

/// The part of a plugin's header that is the same in every version of the border, ever.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Preamble {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`ABI_MAJOR`] of the plugin.
    pub abi_major: u32,
    /// [`ABI_MINOR`] of the plugin.
    pub abi_minor: u32,
    /// Bytes of the whole [`PluginHeader`].
    pub header_size: u32,
    /// Bytes of the [`Vtable`].
    pub vtable_size: u32,
    /// What the server must know to use the plugin, of [`FEATURES`].
    pub features: u64,
}

/// What a plugin exports as [`SYMBOL`]: read before any function of it is called.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PluginHeader {
    /// The part that never changes.
    pub preamble: Preamble,
    /// Name of the plugin, ending with a zero byte.
    pub name: *const c_char,
    /// Version of the plugin, ending with a zero byte.
    pub version: *const c_char,
    /// What it was built with, ending with a zero byte.
    pub built_with: *const c_char,
    /// Its functions.
    pub vtable: *const Vtable,
}

// SAFETY: a header is never written to, and what it points to is static.
unsafe impl Sync for PluginHeader {}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// Plugins in the field count on these numbers: a change of any means a new major version.
    #[test]
    fn keeps_every_size_and_offset() {
        let frozen = [
            (size_of::<Bytes>(), 16),
            (offset_of!(Bytes, len), 8),
            (size_of::<OutPoint>(), 36),
            (offset_of!(OutPoint, vout), 32),
            (size_of::<RawOutput>(), 24),
            (offset_of!(RawOutput, script), 8),
            (size_of::<RawTx>(), 88),
            (offset_of!(RawTx, offset), 32),
            (offset_of!(RawTx, len), 40),
            (offset_of!(RawTx, vsize), 48),
            (offset_of!(RawTx, inputs), 56),
            (offset_of!(RawTx, outputs), 72),
            (size_of::<Out>(), 16),
            (offset_of!(Out, write), 8),
            (size_of::<Sink>(), 16),
            (offset_of!(Sink, emit), 8),
            (size_of::<Preamble>(), 32),
            (offset_of!(Preamble, abi_major), 8),
            (offset_of!(Preamble, abi_minor), 12),
            (offset_of!(Preamble, header_size), 16),
            (offset_of!(Preamble, vtable_size), 20),
            (offset_of!(Preamble, features), 24),
            (size_of::<PluginHeader>(), 64),
            (offset_of!(PluginHeader, name), 32),
            (offset_of!(PluginHeader, version), 40),
            (offset_of!(PluginHeader, built_with), 48),
            (offset_of!(PluginHeader, vtable), 56),
        ];
        for (line, (found, expected)) in frozen.into_iter().enumerate() {
            assert_eq!(found, expected, "entry {line}");
        }
    }

    #[test]
    fn keeps_every_slot_in_its_place() {
        let slots = [
            offset_of!(Vtable, create),
            offset_of!(Vtable, destroy),
            offset_of!(Vtable, describe),
            offset_of!(Vtable, header_len),
            offset_of!(Vtable, header_hash),
            offset_of!(Vtable, header_prev),
            offset_of!(Vtable, client_header),
            offset_of!(Vtable, parse_block),
            offset_of!(Vtable, parse_tx),
            offset_of!(Vtable, index_scripts),
            offset_of!(Vtable, address_to_script),
            offset_of!(Vtable, script_to_address),
        ];
        for (position, offset) in slots.into_iter().enumerate() {
            assert_eq!(offset, 8 * position);
        }
        assert_eq!(
            size_of::<Vtable>(),
            8 * slots.len(),
            "a slot is not listed here"
        );
    }

    #[test]
    fn reads_null_as_nothing() {
        let null = Bytes::from_raw(ptr::null(), 5);
        // SAFETY: null is allowed.
        assert_eq!(unsafe { null.as_slice() }, b"");
    }

    #[test]
    fn shows_no_transaction_with_a_null_pointer() {
        let script = OutputView::default();
        let tx = TxView {
            txid: Txid::default(),
            offset: 1,
            len: 2,
            vsize: 3,
            inputs: &[OutPoint::NULL],
            outputs: &[script],
        };
        let good = *RawTx::of(&tx);
        // SAFETY: it refers to what lives as long as this test.
        let seen = unsafe { good.view() }.unwrap();
        assert_eq!(format!("{seen:?}"), format!("{tx:?}"));

        let no_inputs = Array::from_raw(ptr::null(), 0);
        let no_outputs = Array::from_raw(ptr::null(), 0);
        let no_script = RawOutput {
            value: 5,
            script: Array::from_raw(ptr::null(), 0),
        };
        let outputs = [no_script];
        for bad in [
            RawTx {
                inputs: no_inputs,
                ..good
            },
            RawTx {
                outputs: no_outputs,
                ..good
            },
            RawTx {
                outputs: outputs.as_slice().into(),
                ..good
            },
        ] {
            // SAFETY: as above.
            assert!(unsafe { bad.view() }.is_none());
        }
    }
}
