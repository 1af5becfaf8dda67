//! A coin put together from families by its descriptor alone.

use std::{borrow::Cow, ops::ControlFlow};

use crate::{
    AddressError, BlockHash, Coin, CoinError, Descriptor, Height, Parsed, Reader, Truncated,
    TxSink, TxView, address, block, script, sha256d, tx::TxParser,
};

/// Where a header names the block it builds on.
const PREV_HASH_AT: usize = 4;

/// A coin that is data only: its descriptor says which family reads its bytes.
#[derive(Clone, Debug)]
pub struct FamilyCoin {
    descriptor: Descriptor,
}

impl FamilyCoin {
    /// Makes the coin that `descriptor` describes.
    #[must_use]
    pub fn new(descriptor: Descriptor) -> Self {
        Self { descriptor }
    }
}

impl Coin for FamilyCoin {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn header_len(&self, _height: Height, block: &[u8]) -> Result<usize, CoinError> {
        let len = self.descriptor.header_len;
        if block.len() < len {
            return Err(CoinError::Malformed {
                what: "header",
                offset: block.len(),
            });
        }
        Ok(len)
    }

    fn header_hash(&self, height: Height, header: &[u8]) -> Result<BlockHash, CoinError> {
        let len = self.header_len(height, header)?;
        let hashed = Reader::new(header, 0).take(len).map_err(malformed_header)?;
        Ok(BlockHash(sha256d(hashed)))
    }

    fn header_prev(&self, header: &[u8]) -> Result<BlockHash, CoinError> {
        Reader::new(header, PREV_HASH_AT)
            .array()
            .map(BlockHash)
            .map_err(malformed_header)
    }

    fn client_header<'a>(&self, _height: Height, header: &'a [u8]) -> Cow<'a, [u8]> {
        Cow::Borrowed(header)
    }

    fn parse_block(
        &self,
        height: Height,
        block: &[u8],
        sink: &mut dyn TxSink,
    ) -> Result<(), CoinError> {
        let header_len = self.header_len(height, block)?;
        block::walk(self.descriptor.transactions, block, header_len, sink)
    }

    fn parse_tx(&self, raw: &[u8], sink: &mut dyn TxSink) -> Result<Parsed, CoinError> {
        let mut reader = Reader::new(raw, 0);
        let mut parser = TxParser::new(self.descriptor.transactions);
        let tx: TxView<'_> = parser.parse(raw, &mut reader).map_err(malformed_tx)?;
        if reader.remaining() != 0 {
            return Err(malformed_tx(Truncated {
                offset: reader.offset(),
            }));
        }
        match sink.tx(&tx) {
            ControlFlow::Continue(()) => Ok(Parsed::Tx),
            ControlFlow::Break(()) => Err(CoinError::Stopped),
        }
    }

    fn is_unspendable(&self, script: &[u8]) -> bool {
        script::is_data_carrier(script)
    }

    fn address_to_script(&self, address: &str) -> Result<Vec<u8>, AddressError> {
        address::to_script(&self.descriptor.addresses, address)
    }

    fn script_to_address(&self, script: &[u8]) -> Option<String> {
        address::from_script(&self.descriptor.addresses, script)
    }
}

fn malformed_header(Truncated { offset }: Truncated) -> CoinError {
    CoinError::Malformed {
        what: "header",
        offset,
    }
}

fn malformed_tx(Truncated { offset }: Truncated) -> CoinError {
    CoinError::Malformed {
        what: "transaction",
        offset,
    }
}
