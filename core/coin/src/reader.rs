//! A cursor over foreign bytes.

/// Bytes ended before what was being read did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes end at {offset}, inside what is being read")]
pub struct Truncated {
    /// Where the piece that does not fit starts.
    pub offset: usize,
}

/// Reads numbers and slices from borrowed bytes, never past their end.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at `offset` of `bytes`; an offset past the end reads as empty.
    #[must_use]
    pub fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self {
            bytes,
            offset: offset.min(bytes.len()),
        }
    }

    /// Gives the position of the next byte.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Gives the number of bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// Takes the next `len` bytes.
    ///
    /// # Errors
    /// Fewer are left; nothing is taken then.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Truncated> {
        let truncated = Truncated {
            offset: self.offset,
        };
        let end = self.offset.checked_add(len).ok_or(truncated)?;
        let taken = self.bytes.get(self.offset..end).ok_or(truncated)?;
        self.offset = end;
        Ok(taken)
    }

    /// Takes the next `N` bytes as an array.
    ///
    /// # Errors
    /// Fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let truncated = Truncated {
            offset: self.offset,
        };
        self.take(N)?.try_into().map_err(|_not_n_bytes| truncated)
    }

    /// Takes one byte.
    ///
    /// # Errors
    /// None is left.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array().map(|[byte]| byte)
    }

    /// Takes a little-endian `u32`.
    ///
    /// # Errors
    /// Fewer than 4 bytes are left.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_le_bytes)
    }

    /// Takes a little-endian `u64`.
    ///
    /// # Errors
    /// Fewer than 8 bytes are left.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes a `CompactSize`: 1, 3, 5 or 9 bytes.
    ///
    /// # Errors
    /// Fewer bytes are left than its first byte announces.
    #[inline]
    pub fn compact_size(&mut self) -> Result<u64, Truncated> {
        match self.u8()? {
            0xff => self.u64(),
            0xfe => self.u32().map(u64::from),
            0xfd => self.array().map(u16::from_le_bytes).map(u64::from),
            byte => Ok(u64::from(byte)),
        }
    }

    /// Takes a `CompactSize` that counts things of at least `min_len` bytes each, all of which
    /// must still fit: what it returns is safe to loop over and to allocate by.
    ///
    /// # Errors
    /// More are announced than bytes are left for.
    #[inline]
    pub fn count(&mut self, min_len: usize) -> Result<usize, Truncated> {
        let truncated = Truncated {
            offset: self.offset,
        };
        let count = usize::try_from(self.compact_size()?).map_err(|_too_big| truncated)?;
        if count > self.remaining() / min_len.max(1) {
            return Err(truncated);
        }
        Ok(count)
    }

    /// Takes a `CompactSize` and that many bytes.
    ///
    /// # Errors
    /// Fewer are left.
    #[inline]
    pub fn var_bytes(&mut self) -> Result<&'a [u8], Truncated> {
        let len = self.count(1)?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_compact_sizes_of_every_width() {
        let bytes = [
            &[0xfc][..],
            &[0xfd, 0x34, 0x12],
            &[0xfe, 0x78, 0x56, 0x34, 0x12],
            &[0xff, 1, 0, 0, 0, 0, 0, 0, 0x80],
        ]
        .concat();
        let mut reader = Reader::new(&bytes, 0);
        for expected in [0xfc, 0x1234, 0x1234_5678, 0x8000_0000_0000_0001] {
            assert_eq!(reader.compact_size(), Ok(expected));
        }
        assert_eq!(
            reader.u8(),
            Err(Truncated {
                offset: bytes.len()
            })
        );
    }

    #[test]
    fn refuses_a_count_that_cannot_fit() {
        let bytes = [0xff; 9];
        assert!(Reader::new(&bytes, 0).count(1).is_err());
        assert_eq!(Reader::new(&[3, 0, 0, 0], 0).count(1), Ok(3));
        assert!(Reader::new(&[3, 0, 0, 0], 0).count(2).is_err());
    }
}
