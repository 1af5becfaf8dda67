//! Reading from a socket without a buffer for each session.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

/// Bytes read at a time.
const CHUNK_LEN: usize = 16 << 10;

/// Waits for bytes and hands them to `take`; tells how many there were, 0 at the end.
///
/// The buffer is on the stack and lives only while bytes are there: ten thousand idle sessions
/// need none. It is not even zeroed: a session looks for bytes whenever anything happens to it, and
/// nearly always there are none. Dropping the future loses nothing.
pub(crate) async fn read_chunk<R: AsyncRead + Unpin>(
    source: &mut R,
    mut take: impl FnMut(&[u8]),
) -> io::Result<usize> {
    poll_fn(|context| poll_chunk(source, context, &mut take)).await
}

/// Does the same where the caller waits.
pub(crate) fn poll_chunk<R: AsyncRead + Unpin>(
    source: &mut R,
    context: &mut Context<'_>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    let mut bytes = [MaybeUninit::uninit(); CHUNK_LEN];
    let mut buffer = ReadBuf::uninit(&mut bytes);
    ready!(Pin::new(source).poll_read(context, &mut buffer))?;
    take(buffer.filled());
    Poll::Ready(Ok(buffer.filled().len()))
}
