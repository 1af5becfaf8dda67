//! The disguise that bitcoind puts on its block files, lest virus scanners find things in them.

/// The key of the disguise: eight bytes, repeated from the start of each file.
///
/// Source: `Obfuscation` of Bitcoin Core's `util/obfuscation.h`, since version 28.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct XorKey(pub(super) [u8; 8]);

impl XorKey {
    /// Takes the disguise off bytes that stand at `offset` of a file, or puts it on.
    pub(super) fn apply(self, bytes: &mut [u8], offset: u64) {
        if self == Self::default() {
            return;
        }
        let mut key = self.0;
        let phase = offset % 8;
        key.rotate_left(usize::try_from(phase).expect("less than 8"));
        let word = u64::from_ne_bytes(key);
        let (words, rest) = bytes.as_chunks_mut();
        for bytes in words {
            *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the key off zeros: what comes is the key.
    fn check(offset: u64, len: usize) {
        let key = [1, 2, 4, 8, 16, 32, 64, 128];
        let mut bytes = vec![0; len];
        XorKey(key).apply(&mut bytes, offset);
        for (at, byte) in (offset..).zip(bytes) {
            let expected = key[usize::try_from(at % 8).unwrap()];
            assert_eq!(byte, expected, "byte {at} of {len} from {offset} on");
        }
    }

    #[test]
    fn repeats_the_key_from_the_start_of_the_file() {
        for offset in 0..20 {
            (0..40).for_each(|len| check(offset, len));
        }
    }

    #[test]
    fn changes_nothing_without_a_key() {
        let mut bytes = [7; 9];
        XorKey::default().apply(&mut bytes, 3);
        assert_eq!(bytes, [7; 9]);
    }
}
