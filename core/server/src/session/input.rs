//! From bytes to messages.

use std::collections::VecDeque;

use electrode_protocol::{Id, Incoming, LineDecoder, Refusal, RpcError, parse};

/// Cuts bytes into messages; a line that is too long is answered with an error.
pub(crate) fn decode(
    decoder: &mut LineDecoder,
    waiting: &mut VecDeque<Result<Incoming, Refusal>>,
    max_batch: usize,
    mut bytes: &[u8],
) {
    while let Some(line) = decoder.next_line(&mut bytes) {
        match line {
            Ok(line) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(line) => waiting.push_back(parse(&line, max_batch)),
            Err(too_long) => waiting.push_back(Err(Refusal {
                id: Id::null(),
                error: RpcError::request_too_large(too_long.max_line),
            })),
        }
    }
}
