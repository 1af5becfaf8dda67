//! Listeners for few: operators and what watches the server.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{Service, endurance::Endurance};

/// Whose connections are accepted, and how many of them at once; further ones wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Few {
    /// As the log has it.
    pub(crate) whose: &'static str,
    pub(crate) max: usize,
}

impl Few {
    /// Accepts connections until the service stops, and talks on each in a task of its own.
    pub(crate) async fn serve<T: Future<Output = ()> + Send + 'static>(
        self,
        service: &Service,
        listener: TcpListener,
        mut talk: impl FnMut(TcpStream, SocketAddr) -> T,
    ) {
        let mut stopping = service.stopping();
        let places = Arc::new(Semaphore::new(self.max));
        let mut endurance = Endurance::new(self.whose);
        loop {
            let accepted = tokio::select! {
                () = stopping.wait() => return,
                accepted = accept(&listener, &places) => accepted,
            };
            match accepted {
                Ok((stream, peer, place)) => start(talk(stream, peer), place),
                Err(error) => endurance.endure(error).await,
            }
        }
    }
}

fn start(talk: impl Future<Output = ()> + Send + 'static, place: OwnedSemaphorePermit) {
    tokio::spawn(async move {
        talk.await;
        drop(place);
    });
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}
