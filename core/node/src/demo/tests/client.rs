//! The demonstration node as Electrode's own client of full nodes sees it.

use std::time::Duration;

use bitcoin::{Block, Transaction, consensus::encode};

use electrode_coin::Height;
use electrode_daemon::{Change, Daemon, DaemonConfig, DaemonUrl};

use super::STILL;
use crate::demo::DemoNode;

fn daemon(node: &DemoNode) -> Daemon {
    let urls = vec![DaemonUrl::parse(&node.url(), 18443).unwrap()];
    Daemon::new(DaemonConfig {
        urls,
        ..DaemonConfig::default()
    })
    .unwrap()
}

#[tokio::test]
async fn gives_the_client_its_blocks() {
    let node = DemoNode::start(STILL).await.unwrap();
    let daemon = daemon(&node);
    let tip = daemon.tip().await.unwrap();
    let hashes = daemon.block_hashes(Height(0), 1000).await.unwrap();
    assert_eq!((tip.height, hashes.len()), (Height(140), 141));
    assert_eq!(hashes.last(), Some(&tip.hash));
    let source = daemon.block_source().await.unwrap();
    for hash in &hashes {
        let fetched = source.fetch(hash).await.unwrap();
        let block: Block = encode::deserialize(&fetched.block).unwrap();
        assert_eq!(block.block_hash().to_string(), hash.to_string());
    }
}

#[tokio::test]
async fn gives_the_client_its_mempool_and_fees() {
    let node = DemoNode::start(STILL).await.unwrap();
    let daemon = daemon(&node);
    (0..5).for_each(|_| node.pay());
    let txids = daemon.mempool_txids().await.unwrap();
    let raws = daemon.raw_transactions(&txids).await.unwrap();
    assert_eq!(raws.len(), 5);
    for (txid, raw) in txids.iter().zip(raws) {
        let tx: Transaction = encode::deserialize(&raw.unwrap()).unwrap();
        assert_eq!(tx.compute_txid().to_string(), txid.to_string());
        assert_eq!(
            daemon.broadcast(&encode::serialize_hex(&tx)).await.unwrap(),
            *txid
        );
    }
    let explained = daemon.verbose_transaction(&txids[0]).await.unwrap();
    assert!(explained.get().contains("vout"));
    assert!(daemon.estimate_fee(2, None).await.unwrap() > Some(1e-5));
    assert_eq!(daemon.relay_fee().await.unwrap(), 1e-5);
    daemon.mempool_info().await.unwrap();
    daemon.network_info().await.unwrap();
    assert_eq!(
        daemon.broadcast("00").await.unwrap_err().rpc().unwrap().0,
        -22
    );
}

#[tokio::test]
async fn tells_the_client_of_blocks() {
    let node = DemoNode::start(STILL).await.unwrap();
    let daemon = daemon(&node);
    let mut changes = daemon.changes();
    let new_block = async {
        // The first change may only tell that there is a chain.
        while changes.next().await != Change::Block || tip(&daemon).await == Height(140) {}
    };
    // Mines until told: nobody knows when the client starts to listen.
    let mine = async {
        let mut blocks = tokio::time::interval(Duration::from_millis(20));
        loop {
            blocks.tick().await;
            node.mine();
        }
    };
    let told = async {
        tokio::select! {
            () = new_block => {}
            () = mine => {}
        }
    };
    // Sooner than by the client's polling, which is every five seconds.
    tokio::time::timeout(Duration::from_secs(4), told)
        .await
        .unwrap();
}

async fn tip(daemon: &Daemon) -> Height {
    daemon.tip().await.unwrap().height
}
