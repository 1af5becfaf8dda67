//! Hanging up so that the last words arrive.

use std::{io, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use crate::chunk::read_chunk;

/// Longest time the client may take to hang up after the server did.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Most bytes that are read from it meanwhile: what one that reads its answers has under way.
const MAX_LEN: usize = 16 << 20;

/// Says that nothing more will come, and waits a moment for the client to say so too: a connection
/// that is dropped with unread bytes takes back what the client has not read yet.
pub(crate) async fn farewell(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
) {
    let farewell = async {
        writer.shutdown().await?;
        let mut read = 0;
        while read < MAX_LEN {
            match read_chunk(reader, |_too_late| {}).await? {
                0 => break,
                len => read += len,
            }
        }
        Ok::<_, io::Error>(())
    };
    // A client that does not answer has had its moment.
    drop(tokio::time::timeout(TIMEOUT, farewell).await);
}
