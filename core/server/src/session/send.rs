//! Writing to a transport that may keep some of it for itself.

use std::{future::poll_fn, io, pin::Pin, task::Poll};

use tokio::io::AsyncWrite;

/// What a transport took.
pub(super) struct Sent {
    /// How many bytes.
    pub(super) len: usize,
    /// Whether all of it went on to the network.
    pub(super) is_flushed: bool,
}

/// Waits until the transport takes some of `bytes`, or, when there are none, passes on what it
/// took before. Dropping the future loses nothing.
///
/// # Errors
/// The client is gone.
pub(super) async fn send<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8]) -> io::Result<Sent> {
    poll_fn(|context| {
        let mut len = 0;
        while let Some(rest) = bytes.get(len..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut *writer).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => len += taken,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if len == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        let is_flushed = match Pin::new(&mut *writer).poll_flush(context) {
            Poll::Ready(flushed) => flushed.map(|()| true)?,
            Poll::Pending if len == 0 => return Poll::Pending,
            Poll::Pending => false,
        };
        Poll::Ready(Ok(Sent { len, is_flushed }))
    })
    .await
}
