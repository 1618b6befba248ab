//! Requests that make many connections or streams.

use std::time::{Duration, Instant};

use futures::{AsyncWriteExt, future::try_join_all};
use libp2p::{Multiaddr, PeerId};
use serde_json::{Value, json};

use crate::{
    Failure, bulk,
    choice::Choice,
    commands::{Held, address, connect, disconnect, number, ping},
    peer::Peer,
};

// A new connection is sometimes found closed at its first stream; that one does not count.
const FAILURES_MAX: u64 = 50;
const PATIENCE: Duration = Duration::from_secs(30);

fn another() -> Result<Peer, Failure> {
    Peer::start(&Choice::parse(std::env::args().skip(1))?)
}

async fn connect_often(at: Multiaddr, count: u64) -> Result<(), Failure> {
    let peer = another()?;
    let (mut left, mut failures) = (count, 0);
    while left > 0 {
        let (other, _) = connect(&peer, at.clone(), PATIENCE).await?;
        let pinged = ping(&mut peer.control.clone(), other, 1).await;
        disconnect(&peer, other).await?;
        match pinged {
            Ok(_) => left -= 1,
            Err(error) if failures == FAILURES_MAX => return Err(error),
            Err(_) => failures += 1,
        }
    }
    Ok(())
}

pub async fn connect_rate(asked: &Value) -> Result<Value, Failure> {
    let at = address(asked)?;
    let (parallel, count) = (number(asked, "parallel", 1), number(asked, "count", 1));
    let begin = Instant::now();
    let works = (0..parallel).map(|_| tokio::spawn(connect_often(at.clone(), count)));
    for ended in try_join_all(works).await? {
        ended?;
    }
    Ok(json!({"seconds": begin.elapsed().as_secs_f64(), "connections": parallel * count}))
}

pub async fn dial_many(held: &Held, asked: &Value) -> Result<Value, Failure> {
    let at = address(asked)?;
    for _ in 0..number(asked, "count", 1) {
        let peer = another()?;
        connect(&peer, at.clone(), PATIENCE).await?;
        held.peers.lock().map_err(|_| "poisoned")?.push(peer);
    }
    Ok(json!({}))
}

pub async fn open_streams(peer: &Peer, held: &Held, other: PeerId, count: u64) -> Result<Value, Failure> {
    for _ in 0..count {
        let mut stream = peer.control.clone().open_stream(other, bulk::PROTOCOL).await?;
        stream.write_all(&[0]).await?;
        stream.flush().await?;
        held.streams.lock().map_err(|_| "poisoned")?.push(stream);
    }
    Ok(json!({}))
}
