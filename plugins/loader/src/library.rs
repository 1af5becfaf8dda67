//! The library of a plugin: loaded, and its header and table read before any function is called.

use std::{
    error::Error as _,
    ffi::c_char,
    os::fd::IntoRawFd as _,
    path::{Path, PathBuf},
};

use electrode_plugin::{
    ABI_MAJOR, ConvertFn, CreateFn, CutFn, DescribeFn, DestroyFn, FEATURES, HashFn, MAGIC,
    MeasureFn, ParseFn, PluginHeader, Preamble, PrevFn, SYMBOL, Vtable, WalkFn,
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::{LoadError, PluginFile, Reason};

/// Longest text of a header that is read.
const MAX_TEXT: usize = 200;

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginInfo {
    /// Its file.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it was built with.
    pub built_with: String,
    /// Version of the border that it speaks.
    pub abi: (u32, u32),
}

/// A library that is a plugin of this border: its table is complete, and nothing was called yet.
#[derive(Clone, Debug)]
pub struct Plugin {
    pub(crate) file: PluginFile,
    pub(crate) info: PluginInfo,
    pub(crate) slots: Slots,
}

/// The table without holes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(crate) create: CreateFn,
    pub(crate) destroy: DestroyFn,
    pub(crate) describe: DescribeFn,
    pub(crate) header_len: MeasureFn,
    pub(crate) header_hash: HashFn,
    pub(crate) header_prev: PrevFn,
    pub(crate) client_header: CutFn,
    pub(crate) parse_block: WalkFn,
    pub(crate) parse_tx: ParseFn,
    pub(crate) index_scripts: ConvertFn,
    pub(crate) address_to_script: ConvertFn,
    pub(crate) script_to_address: ConvertFn,
}

impl Plugin {
    /// Loads a plugin; only the constructors of its library have run then.
    ///
    /// # Errors
    /// It fails a step of the ladder up to the table.
    pub fn open(file: &PluginFile) -> Result<Self, LoadError> {
        // The descriptor is never closed: the system's loader knows libraries by their path, and
        // the next plugin must not come by this one's.
        let descriptor = file.open()?.into_raw_fd();
        let opened = PathBuf::from(format!("/proc/self/fd/{descriptor}"));
        let header = dlopen(&opened).and_then(check_header);
        let slots = header.and_then(|header| Ok((header, check_table(&header)?)));
        let (header, slots) = slots.map_err(|reason| file.refused(reason))?;
        let info = PluginInfo {
            path: file.path.clone(),
            name: text(header.name),
            version: text(header.version),
            built_with: text(header.built_with),
            abi: (header.preamble.abi_major, header.preamble.abi_minor),
        };
        let file = file.clone();
        Ok(Self { file, info, slots })
    }

    /// Tells what the plugin says of itself.
    #[must_use]
    pub fn info(&self) -> &PluginInfo {
        &self.info
    }
}

fn dlopen(path: &Path) -> Result<*const PluginHeader, Reason> {
    // SAFETY: constructors of the library run here. That the operator trusts it with that is what
    // the checks of the file stand for.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| {
        let text = error.source().unwrap_or(&error).to_string();
        let prefix = format!("{}: ", path.display());
        Reason::NotALibrary(text.strip_prefix(&prefix).unwrap_or(&text).to_owned())
    })?;
    // SAFETY: the symbol is taken for a pointer to data, which nobody follows before its magic
    // is known.
    let symbol = unsafe { library.get::<*const PluginHeader>(SYMBOL.to_bytes_with_nul()) };
    let header = symbol
        .map(|symbol| *symbol)
        .map_err(|_missing| Reason::NoSymbol);
    // Libraries stay: what they left with threads and exit handlers cannot be taken back.
    let _handle = library.into_raw();
    header
}

fn check_header(header: *const PluginHeader) -> Result<PluginHeader, Reason> {
    if header.is_null() {
        return Err(Reason::NoSymbol);
    }
    // SAFETY: the exported symbol has a preamble, or it is the data of some other library that
    // exports this very name; its magic tells.
    let preamble = unsafe { header.cast::<Preamble>().read_unaligned() };
    let Preamble {
        magic,
        abi_major,
        abi_minor,
        header_size,
        features,
        ..
    } = preamble;
    if magic != MAGIC {
        return Err(Reason::Magic { found: magic });
    }
    if abi_major != ABI_MAJOR {
        return Err(Reason::AbiMajor {
            major: abi_major,
            minor: abi_minor,
        });
    }
    let expected = size_of::<PluginHeader>();
    if !holds(header_size, expected) {
        return Err(Reason::HeaderSize {
            found: header_size,
            expected,
        });
    }
    if features & !FEATURES != 0 {
        return Err(Reason::Features {
            bits: features & !FEATURES,
        });
    }
    // SAFETY: a plugin of this major version says that its header is this long.
    Ok(unsafe { header.read_unaligned() })
}

fn check_table(header: &PluginHeader) -> Result<Slots, Reason> {
    let (found, expected) = (header.preamble.vtable_size, size_of::<Vtable>());
    let slots = complete(&read_table(header));
    match slots {
        Ok(slots) => Ok(slots),
        Err(slot) if !holds(found, expected) => Err(Reason::ShortTable {
            found,
            expected,
            slot,
        }),
        Err(slot) => Err(Reason::EmptySlot { slot }),
    }
}

/// Reads the slots that the table has; the others stay empty.
fn read_table(header: &PluginHeader) -> Vtable {
    let mut table = Vtable::default();
    let slot_len = size_of::<Option<CreateFn>>();
    let len = usize::try_from(header.preamble.vtable_size).unwrap_or(usize::MAX);
    let whole_slots = len.min(size_of::<Vtable>()) / slot_len * slot_len;
    if !header.vtable.is_null() {
        let place = (&raw mut table).cast::<u8>();
        // SAFETY: the plugin says that its table is at least this long, and ours is; a slot of
        // any bits but null is a function, as the plugin promises, null is an empty slot.
        unsafe { place.copy_from_nonoverlapping(header.vtable.cast(), whole_slots) };
    }
    table
}

/// Gives the name of the first empty slot otherwise.
fn complete(table: &Vtable) -> Result<Slots, &'static str> {
    Ok(Slots {
        create: table.create.ok_or("create")?,
        destroy: table.destroy.ok_or("destroy")?,
        describe: table.describe.ok_or("describe")?,
        header_len: table.header_len.ok_or("header_len")?,
        header_hash: table.header_hash.ok_or("header_hash")?,
        header_prev: table.header_prev.ok_or("header_prev")?,
        client_header: table.client_header.ok_or("client_header")?,
        parse_block: table.parse_block.ok_or("parse_block")?,
        parse_tx: table.parse_tx.ok_or("parse_tx")?,
        index_scripts: table.index_scripts.ok_or("index_scripts")?,
        address_to_script: table.address_to_script.ok_or("address_to_script")?,
        script_to_address: table.script_to_address.ok_or("script_to_address")?,
    })
}

fn holds(size: u32, expected: usize) -> bool {
    usize::try_from(size).is_ok_and(|size| size >= expected)
}

/// Reads a text that ends with a zero byte.
fn text(start: *const c_char) -> String {
    if start.is_null() {
        return String::new();
    }
    let mut bytes = Vec::new();
    for at in 0..MAX_TEXT {
        // SAFETY: no zero byte came so far, so that the text goes on at least to here.
        let place = unsafe { start.cast::<u8>().add(at) };
        // SAFETY: as above.
        match unsafe { place.read() } {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    readable(&bytes)
}

/// Makes what a plugin says fit for one line of a log.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
