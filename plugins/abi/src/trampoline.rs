//! The slots of the table for a Rust type: one function for every method of the trait, those with
//! a default included, so that none can be forgotten.
//!
//! Every function here is called by the server alone, which keeps the promises of the border: an
//! instance comes from `create` of the same table and is not destroyed yet, bytes and callbacks
//! are valid for the call, places for answers can be written.

use std::ops::ControlFlow;

use electrode_coin::{Coin, Height, Parsed};

use crate::{
    Bytes, CoinFactory, Instance, Out, Sink, Vtable,
    guard::{Refusal, guard, keep_panics_quiet},
    writer::{Emitter, Writer},
};

/// Fills the table.
pub(crate) const fn vtable<C: CoinFactory>() -> Vtable {
    Vtable {
        create: Some(create::<C>),
        destroy: Some(destroy::<C>),
        describe: Some(describe::<C>),
        header_len: Some(header_len::<C>),
        header_hash: Some(header_hash::<C>),
        header_prev: Some(header_prev::<C>),
        client_header: Some(client_header::<C>),
        parse_block: Some(parse_block::<C>),
        parse_tx: Some(parse_tx::<C>),
        index_scripts: Some(index_scripts::<C>),
        address_to_script: Some(address_to_script::<C>),
        script_to_address: Some(script_to_address::<C>),
    }
}

unsafe extern "C" fn create<C: CoinFactory>(
    net: Bytes,
    options: Bytes,
    place: *mut Instance,
    error: *const Out,
) -> i32 {
    keep_panics_quiet();
    guard(error, || {
        // SAFETY: the server lends the bytes for the call.
        let net = text(unsafe { net.as_slice() })?;
        // SAFETY: as above.
        let options = text(unsafe { options.as_slice() })?;
        let coin = C::create(net, options).map_err(Refusal::Malformed)?;
        // SAFETY: the server gives a place for the instance.
        unsafe { place.write(Box::into_raw(Box::new(coin)).cast()) };
        Ok(())
    })
}

unsafe extern "C" fn destroy<C: CoinFactory>(coin: Instance) {
    guard(std::ptr::null(), || {
        // SAFETY: the server gives back what `create` made, once.
        drop(unsafe { Box::from_raw(coin.cast::<C>()) });
        Ok(())
    });
}

unsafe extern "C" fn describe<C: CoinFactory>(
    coin: Instance,
    out: *const Out,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        let text = coin
            .descriptor()
            .to_toml()
            .map_err(|error| Refusal::Malformed(error.to_string()))?;
        put(out, text.as_bytes())
    })
}

unsafe extern "C" fn header_len<C: Coin>(
    coin: Instance,
    height: u32,
    block: Bytes,
    place: *mut usize,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let block = unsafe { block.as_slice() };
        let len = coin.header_len(Height(height), block)?;
        // SAFETY: as above.
        unsafe { place.write(len) };
        Ok(())
    })
}

unsafe extern "C" fn header_hash<C: Coin>(
    coin: Instance,
    height: u32,
    header: Bytes,
    place: *mut [u8; 32],
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let header = unsafe { header.as_slice() };
        let hash = coin
            .header_hash(Height(height), header)?
            .ok_or(Refusal::AskNode)?;
        // SAFETY: as above.
        unsafe { place.write(hash.0) };
        Ok(())
    })
}

unsafe extern "C" fn header_prev<C: Coin>(
    coin: Instance,
    header: Bytes,
    place: *mut [u8; 32],
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let header = unsafe { header.as_slice() };
        let prev = coin.header_prev(header)?;
        // SAFETY: as above.
        unsafe { place.write(prev.0) };
        Ok(())
    })
}

unsafe extern "C" fn client_header<C: Coin>(
    coin: Instance,
    height: u32,
    header: Bytes,
    out: *const Out,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let header = unsafe { header.as_slice() };
        put(out, &coin.client_header(Height(height), header))
    })
}

unsafe extern "C" fn parse_block<C: Coin>(
    coin: Instance,
    height: u32,
    block: Bytes,
    sink: *const Sink,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let block = unsafe { block.as_slice() };
        // SAFETY: as above.
        let mut sink = unsafe { Emitter::borrow(sink) };
        Ok(coin.parse_block(Height(height), block, &mut sink)?)
    })
}

unsafe extern "C" fn parse_tx<C: Coin>(
    coin: Instance,
    raw: Bytes,
    sink: *const Sink,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let raw = unsafe { raw.as_slice() };
        // SAFETY: as above.
        let mut sink = unsafe { Emitter::borrow(sink) };
        match coin.parse_tx(raw, &mut sink)? {
            Parsed::Tx => Ok(()),
            Parsed::Skip(reason) => Err(Refusal::Skipped(reason)),
        }
    })
}

unsafe extern "C" fn index_scripts<C: Coin>(
    coin: Instance,
    script: Bytes,
    out: *const Out,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let script = unsafe { script.as_slice() };
        // SAFETY: as above.
        let writer = unsafe { Writer::borrow(out) };
        let mut taken = Ok(());
        coin.index_scripts(script, &mut |indexed| {
            if taken.is_ok() && writer.put(indexed).is_break() {
                taken = Err(Refusal::Stopped);
            }
        });
        taken
    })
}

unsafe extern "C" fn address_to_script<C: Coin>(
    coin: Instance,
    address: Bytes,
    out: *const Out,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let address = text(unsafe { address.as_slice() })?;
        put(out, &coin.address_to_script(address)?)
    })
}

unsafe extern "C" fn script_to_address<C: Coin>(
    coin: Instance,
    script: Bytes,
    out: *const Out,
    error: *const Out,
) -> i32 {
    guard(error, || {
        // SAFETY: the promises of the border.
        let coin = unsafe { instance::<C>(coin) };
        // SAFETY: as above.
        let script = unsafe { script.as_slice() };
        match coin.script_to_address(script) {
            Some(address) => put(out, address.as_bytes()),
            None => Ok(()),
        }
    })
}

/// Looks at the coin behind an instance.
///
/// # Safety
/// `coin` comes from `create::<C>` and lives for `'a`.
unsafe fn instance<'a, C: 'a>(coin: Instance) -> &'a C {
    // SAFETY: what the caller vouches for is what is needed.
    unsafe { &*coin.cast::<C>() }
}

fn put(out: *const Out, bytes: &[u8]) -> Result<(), Refusal> {
    // SAFETY: every slot hands on what the server lends for the call.
    let writer = unsafe { Writer::borrow(out) };
    match writer.put(bytes) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Refusal::Stopped),
    }
}

fn text(bytes: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(bytes).map_err(|error| Refusal::Malformed(error.to_string()))
}
