//! What makes a Rust type a plugin: a filled table of functions and the symbol that names it.

use crate::{ABI_MAJOR, ABI_MINOR, CoinFactory, MAGIC, PluginHeader, Preamble, Vtable, trampoline};

/// Exports a coin as a plugin; once in a crate of type `cdylib`.
///
/// Name and version of the plugin are those of the crate.
#[macro_export]
macro_rules! export_coin {
    ($coin:ty) => {
        /// What the server looks for.
        #[unsafe(no_mangle)]
        #[allow(non_upper_case_globals, reason = "the border fixes the name")]
        pub static electrode_coin_plugin: $crate::PluginHeader = $crate::header::<$coin>(
            concat!(env!("CARGO_PKG_NAME"), "\0"),
            concat!(env!("CARGO_PKG_VERSION"), "\0"),
        );
    };
}

/// SDK and compiler, ending with a zero byte.
const BUILT_WITH: &str = concat!(
    "electrode-plugin ",
    env!("CARGO_PKG_VERSION"),
    ", ",
    env!("ELECTRODE_BUILT_BY"),
    "\0"
);

/// Makes the header of a plugin; the texts end with a zero byte. For [`export_coin!`].
///
/// # Panics
/// While compiling: a text does not end with a zero byte.
#[must_use]
pub const fn header<C: CoinFactory>(name: &'static str, version: &'static str) -> PluginHeader {
    assert!(
        ends_with_zero(name) && ends_with_zero(version),
        "texts end with a zero byte"
    );
    PluginHeader {
        preamble: Preamble {
            magic: MAGIC,
            abi_major: ABI_MAJOR,
            abi_minor: ABI_MINOR,
            header_size: size_of_u32::<PluginHeader>(),
            vtable_size: size_of_u32::<Vtable>(),
            features: 0,
        },
        name: name.as_ptr().cast(),
        version: version.as_ptr().cast(),
        built_with: BUILT_WITH.as_ptr().cast(),
        vtable: &const { trampoline::vtable::<C>() },
    }
}

const fn ends_with_zero(text: &str) -> bool {
    matches!(text.as_bytes(), [.., 0])
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "structs of the border are small"
)]
const fn size_of_u32<T>() -> u32 {
    // cast: tens of bytes.
    size_of::<T>() as u32
}
