//! The C border as memory: every struct, constant and function type that both sides see.
//!
//! Frozen within a major version: [`Vtable`] may only grow at its end, nothing else changes.
//! `include/electrode_coin.h` says the same for other languages. No ownership crosses: what is
//! handed in is borrowed for the call, what comes out is copied by the receiver during the call.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr, slice,
};

use electrode_coin::{OutPoint, Txid};

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

/// Borrowed bytes, valid for the call that receives them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    ptr: *const u8,
    len: usize,
}

impl From<&[u8]> for Bytes {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        Self {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }
}

impl Bytes {
    /// Refers to what a peer hands over.
    #[must_use]
    #[inline]
    pub fn from_raw(ptr: *const u8, len: usize) -> Self {
        Self { ptr, len }
    }

    /// Gives how many there are.
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

    /// Looks at them; a null pointer reads as no bytes.
    ///
    /// # Safety
    /// The peer keeps them unchanged for `'a`, as it promises for the call that hands them over.
    #[must_use]
    #[inline]
    pub unsafe fn as_slice<'a>(self) -> &'a [u8] {
        // SAFETY: what the caller vouches for is what is needed.
        unsafe { borrow(self.ptr, self.len) }
    }
}

/// A created output.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawOutput {
    /// In the smallest unit.
    pub value: u64,
    /// The output script.
    pub script: Bytes,
}

/// One transaction, valid during the `emit` that hands it over.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RawTx {
    txid: *const Txid,
    /// Where it starts in the bytes that are parsed.
    pub offset: usize,
    /// How many bytes it takes there.
    pub len: usize,
    /// Virtual size in vbytes.
    pub vsize: usize,
    inputs: *const OutPoint,
    inputs_len: usize,
    outputs: *const RawOutput,
    outputs_len: usize,
}

impl RawTx {
    /// Refers to what the transaction spends and creates.
    #[must_use]
    #[inline]
    pub fn with(mut self, inputs: &[OutPoint], outputs: &[RawOutput]) -> Self {
        (self.inputs, self.inputs_len) = (inputs.as_ptr(), inputs.len());
        (self.outputs, self.outputs_len) = (outputs.as_ptr(), outputs.len());
        self
    }

    /// Describes a transaction that spends and creates nothing yet.
    #[must_use]
    #[inline]
    pub fn new(txid: &Txid, offset: usize, len: usize, vsize: usize) -> Self {
        Self {
            txid: ptr::from_ref(txid),
            offset,
            len,
            vsize,
            inputs: ptr::null(),
            inputs_len: 0,
            outputs: ptr::null(),
            outputs_len: 0,
        }
    }

    /// Reads its name; `None` where the pointer is null.
    ///
    /// # Safety
    /// The peer keeps the name unchanged for `'a`.
    #[must_use]
    #[inline]
    pub unsafe fn txid<'a>(&self) -> Option<&'a Txid> {
        // SAFETY: what the caller vouches for is what is needed.
        unsafe { self.txid.as_ref() }
    }

    /// Gives how many inputs and outputs are announced.
    #[must_use]
    #[inline]
    pub fn counts(&self) -> (usize, usize) {
        (self.inputs_len, self.outputs_len)
    }

    /// Looks at what it spends.
    ///
    /// # Safety
    /// The peer keeps the array unchanged for `'a`.
    #[must_use]
    #[inline]
    pub unsafe fn inputs<'a>(&self) -> &'a [OutPoint] {
        // SAFETY: what the caller vouches for is what is needed.
        unsafe { borrow(self.inputs, self.inputs_len) }
    }

    /// Looks at what it creates.
    ///
    /// # Safety
    /// The peer keeps the array unchanged for `'a`.
    #[must_use]
    #[inline]
    pub unsafe fn outputs<'a>(&self) -> &'a [RawOutput] {
        // SAFETY: what the caller vouches for is what is needed.
        unsafe { borrow(self.outputs, self.outputs_len) }
    }
}

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

/// Borrows an array of a peer; a null pointer reads as empty.
///
/// # Safety
/// Unless null, `ptr` is aligned and `len` items behind it stay unchanged for `'a`.
#[inline]
unsafe fn borrow<'a, T>(ptr: *const T, len: usize) -> &'a [T] {
    if ptr.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: what the caller vouches for is what is needed.
    unsafe { slice::from_raw_parts(ptr, len) }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use std::mem::offset_of;

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
            (size_of::<RawTx>(), 64),
            (offset_of!(RawTx, offset), 8),
            (offset_of!(RawTx, len), 16),
            (offset_of!(RawTx, vsize), 24),
            (offset_of!(RawTx, inputs), 32),
            (offset_of!(RawTx, inputs_len), 40),
            (offset_of!(RawTx, outputs), 48),
            (offset_of!(RawTx, outputs_len), 56),
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
        let null = Bytes {
            ptr: ptr::null(),
            len: 5,
        };
        // SAFETY: null is allowed.
        assert_eq!(unsafe { null.as_slice() }, b"");
    }
}
