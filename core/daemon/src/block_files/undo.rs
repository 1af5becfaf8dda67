//! What undo data says: the outputs that a block spends, as the node compresses them.

use bitcoin::{VarInt, consensus::Encodable as _, secp256k1::PublicKey};
use electrode_coin::Reader;

/// Fewest bytes that a spent output takes.
const MIN_OUTPUT_LEN: usize = 3;

/// Numbers below this stand for a script that is known but for its hash or key.
const SPECIAL_SCRIPTS: u64 = 6;

/// Turns the undo data at the reader's position into the body that `/rest/spenttxouts` has for
/// the block; `None` where it is not that.
///
/// Shape: `CompactSize` transactions, the coinbase not counted, for each `CompactSize` inputs, for
/// each height · 2 + 1 for a coinbase ‖ (height > 0) a number of old ‖ amount ‖ script, as
/// numbers of [`number`].
/// Source: Bitcoin Core's `undo.h` and `compressor.h`.
pub(super) fn to_spent_outputs(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(reader.remaining() + reader.remaining() / 4);
    let transactions = reader.count(1).ok()?;
    put_size(&mut body, transactions + 1);
    let coinbase_inputs = 0;
    put_size(&mut body, coinbase_inputs);
    for _ in 0..transactions {
        let inputs = reader.count(MIN_OUTPUT_LEN).ok()?;
        put_size(&mut body, inputs);
        for _ in 0..inputs {
            convert_output(reader, &mut body)?;
        }
    }
    Some(body)
}

/// Reads the number of transactions that undo data is about, the coinbase not counted.
pub(super) fn transactions(start: &[u8]) -> Option<u32> {
    let count = Reader::new(start, 0).compact_size().ok()?;
    u32::try_from(count).ok()
}

fn convert_output(reader: &mut Reader<'_>, body: &mut Vec<u8>) -> Option<()> {
    let origin = number(reader)?;
    let height = origin >> 1;
    if height > 0 {
        let _version_of_old = number(reader)?;
    }
    let value = amount(number(reader)?)?;
    body.extend_from_slice(&value.to_le_bytes());
    let kind = number(reader)?;
    match kind {
        0 => put_script(
            body,
            &[0x76, 0xa9, 20],
            reader.take(20).ok()?,
            &[0x88, 0xac],
        ),
        1 => put_script(body, &[0xa9, 20], reader.take(20).ok()?, &[0x87]),
        2 | 3 => {
            let sign = u8::try_from(kind).ok()?;
            put_script(body, &[33, sign], reader.take(32).ok()?, &[0xac]);
        }
        4 | 5 => {
            let sign = u8::try_from(kind - 2).ok()?;
            let key = uncompressed(sign, reader.array().ok()?)?;
            put_script(body, &[65], &key, &[0xac]);
        }
        _ => {
            let len = usize::try_from(kind - SPECIAL_SCRIPTS).ok()?;
            put_script(body, &[], reader.take(len).ok()?, &[]);
        }
    }
    Some(())
}

/// Reads a number as only the node's own files have it: seven bits a byte, the highest first, one
/// less before each byte that follows, so that there is one form for each number.
fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let mut number: u64 = 0;
    loop {
        let byte = reader.u8().ok()?;
        number = number.checked_mul(0x80)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(number);
        }
        number = number.checked_add(1)?;
    }
}

/// Decompresses an amount: of most amounts the decimal digits end in zeros.
fn amount(compressed: u64) -> Option<u64> {
    let Some(number) = compressed.checked_sub(1) else {
        return Some(0);
    };
    let zeros = u32::try_from(number % 10).ok()?;
    let number = number / 10;
    let digits = if zeros < 9 {
        (number / 9).checked_mul(10)?.checked_add(number % 9 + 1)?
    } else {
        number.checked_add(1)?
    };
    digits.checked_mul(10_u64.pow(zeros))
}

fn uncompressed(sign: u8, x: [u8; 32]) -> Option<[u8; 65]> {
    let mut compressed = [sign; 33];
    compressed.get_mut(1..)?.copy_from_slice(&x);
    let key = PublicKey::from_slice(&compressed).ok()?;
    Some(key.serialize_uncompressed())
}

fn put_script(body: &mut Vec<u8>, before: &[u8], known: &[u8], behind: &[u8]) {
    put_size(body, before.len() + known.len() + behind.len());
    for part in [before, known, behind] {
        body.extend_from_slice(part);
    }
}

fn put_size(body: &mut Vec<u8>, size: usize) {
    VarInt::from(size)
        .consensus_encode(body)
        .expect("memory can be written to");
}

#[cfg(test)]
mod tests {
    use bitcoin::hex::FromHex as _;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        Vec::from_hex(hex).unwrap()
    }

    /// Source: Bitcoin Core's `serialize_tests.cpp`, `varints_bitpatterns`.
    #[test]
    fn reads_numbers() {
        for (hex, expected) in [
            ("00", 0),
            ("7f", 0x7f),
            ("8000", 0x80),
            ("a334", 0x1234),
            ("82fe7f", 0xffff),
            ("c7e756", 0x0012_3456),
            ("86ffc7e756", 0x8012_3456),
            ("8efefefe7f", 0xffff_ffff),
            ("80fefefefefefefefe7f", u64::MAX),
        ] {
            assert_eq!(
                number(&mut Reader::new(&bytes(hex), 0)),
                Some(expected),
                "{hex}"
            );
        }
        for hex in ["", "80", "80fefefefefefefeff00", "ffffffffffffffffffff7f"] {
            assert_eq!(number(&mut Reader::new(&bytes(hex), 0)), None, "{hex}");
        }
    }

    /// Source: Bitcoin Core's `compress_tests.cpp`.
    #[test]
    fn decompresses_amounts() {
        const COIN: u64 = 100_000_000;
        for (compressed, sats) in [
            (0, 0),
            (1, 1),
            (7, COIN / 100),
            (9, COIN),
            (0x32, 50 * COIN),
            (0x0140_6f40, 21_000_000 * COIN),
        ] {
            assert_eq!(amount(compressed), Some(sats), "{compressed}");
        }
        assert_eq!(amount(u64::MAX), None);
    }

    /// Undo data of one transaction with one input.
    fn undo_of(script: &str) -> Vec<u8> {
        // Height 100, not a coinbase: 200 is 80 48. One coin.
        [&[1, 1, 0x80, 0x48, 0, 9][..], &bytes(script)].concat()
    }

    fn check(compressed: &str, script: &str) {
        let script = bytes(script);
        let undo = undo_of(compressed);
        let mut reader = Reader::new(&undo, 0);
        let body = to_spent_outputs(&mut reader).unwrap();
        let expected = [
            &[2, 0, 1, 0, 0xe1, 0xf5, 5, 0, 0, 0, 0][..],
            &[u8::try_from(script.len()).unwrap()],
            &script,
        ];
        assert_eq!(body, expected.concat(), "{compressed}");
        assert_eq!(reader.remaining(), 0);
    }

    /// The key is that of the genesis block's coinbase.
    #[test]
    fn decompresses_scripts() {
        let (hash, x) = (
            "62e907b15cbf27d5425399ebf6f0fb50ebb88f18",
            "678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6",
        );
        let y = "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f";
        check(&format!("00{hash}"), &format!("76a914{hash}88ac"));
        check(&format!("01{hash}"), &format!("a914{hash}87"));
        check(&format!("02{x}"), &format!("2102{x}ac"));
        check(&format!("03{x}"), &format!("2103{x}ac"));
        check(&format!("05{x}"), &format!("4104{x}{y}ac"));
        check("06", "");
        check("0a01020304", "01020304");
    }

    #[test]
    fn gives_nothing_for_what_is_no_undo_data() {
        for undo in [
            &[][..],
            &[1],
            &[1, 1, 2],
            // More inputs than there can be.
            &[1, 0xfe, 0xff, 0xff, 0xff, 0xff, 2, 0, 9, 6],
            // A script that ends too early.
            &undo_of("0a0102"),
            // No point of the curve.
            &undo_of(&format!("04{}", "ff".repeat(32))),
        ] {
            assert_eq!(
                to_spent_outputs(&mut Reader::new(undo, 0)),
                None,
                "{undo:?}"
            );
        }
    }
}
