//! VIVIM's DHT, and the commands about it: keys and values are hexadecimal.

use std::{collections::HashSet, time::Duration};

use libp2p::{
    PeerId, StreamProtocol, Swarm, identify, kad,
    kad::{GetProvidersOk, GetRecordOk, QueryId, QueryResult, Quorum, Record, RecordKey, store::MemoryStore},
    swarm::SwarmEvent,
};
use serde_json::{Value, json};

use crate::{
    Failure,
    commands::number,
    peer::{Behaviour, BehaviourEvent, Peer},
};

pub type Kad = kad::Behaviour<MemoryStore>;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/vivim/kad/1.0.0");

pub fn make(id: PeerId) -> Kad {
    let mut made = Kad::with_config(id, MemoryStore::new(id), kad::Config::new(PROTOCOL));
    made.set_mode(Some(kad::Mode::Server));
    made
}

/// Its library leaves it to the application to take into the table who says that it is a node of the DHT.
pub fn on_event(swarm: &mut Swarm<Behaviour>, event: &SwarmEvent<BehaviourEvent>) {
    if let SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. })) = event
        && info.protocols.contains(&PROTOCOL)
        && let Some(kad) = swarm.behaviour_mut().kad.as_mut()
    {
        for address in &info.listen_addrs {
            kad.add_address(peer_id, address.clone());
        }
    }
}

/// What a query has told so far, and whether that is all.
#[derive(Default)]
pub struct Told {
    pub results: Vec<QueryResult>,
    pub last: bool,
}

fn bytes(asked: &Value, name: &str) -> Result<Vec<u8>, Failure> {
    let text = asked[name].as_str().unwrap_or_default();
    (0..text.len() / 2).map(|i| Ok(u8::from_str_radix(&text[2 * i..2 * i + 2], 16)?)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn patience(asked: &Value) -> Duration {
    Duration::from_millis(number(asked, "timeoutMs", 60_000))
}

/// Begins a query, and waits until it has told everything.
async fn query(
    peer: &Peer,
    asked: &Value,
    begin: impl FnOnce(&mut Kad) -> Result<QueryId, Failure> + Send + 'static,
) -> Result<Vec<QueryResult>, Failure> {
    let id = peer.ask(move |swarm| begin(swarm.behaviour_mut().kad.as_mut().ok_or("not started with --kad")?)).await??;
    peer.wait_for(patience(asked), "query", |known| known.kad.get(&id).filter(|told| told.last).map(|told| told.results.clone())).await
}

async fn put(peer: &Peer, asked: &Value, key: Vec<u8>, value: Vec<u8>) -> Result<Value, Failure> {
    let told = json!({"key": hex(&key), "value": hex(&value)});
    let results = query(peer, asked, |kad| Ok(kad.put_record(Record::new(key, value), Quorum::One)?)).await?;
    match results.into_iter().next_back() {
        Some(QueryResult::PutRecord(Ok(_))) => Ok(told),
        other => Err(format!("not put: {other:?}").into()),
    }
}

async fn get(peer: &Peer, asked: &Value, key: Vec<u8>) -> Result<Value, Failure> {
    for result in query(peer, asked, |kad| Ok(kad.get_record(RecordKey::from(key)))).await? {
        if let QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(found))) = result {
            return Ok(json!({"value": hex(&found.record.value)}));
        }
    }
    Err("no such value".into())
}

async fn provide(peer: &Peer, asked: &Value, key: Vec<u8>) -> Result<Value, Failure> {
    let results = query(peer, asked, |kad| Ok(kad.start_providing(RecordKey::from(key))?)).await?;
    match results.into_iter().next_back() {
        Some(QueryResult::StartProviding(Ok(_))) => Ok(json!({})),
        other => Err(format!("not provided: {other:?}").into()),
    }
}

async fn providers(peer: &Peer, asked: &Value, key: Vec<u8>) -> Result<Value, Failure> {
    let mut found = HashSet::new();
    for result in query(peer, asked, |kad| Ok(kad.get_providers(RecordKey::from(key)))).await? {
        if let QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { providers, .. })) = result {
            found.extend(providers);
        }
    }
    Ok(json!({"peers": found.iter().map(ToString::to_string).collect::<Vec<_>>()}))
}

async fn find(peer: &Peer, asked: &Value) -> Result<Value, Failure> {
    let other: PeerId = asked["peer"].as_str().ok_or("peer is missing")?.parse()?;
    for result in query(peer, asked, move |kad| Ok(kad.get_closest_peers(other))).await? {
        if let QueryResult::GetClosestPeers(Ok(found)) = result
            && let Some(found) = found.peers.iter().find(|one| one.peer_id == other)
        {
            return Ok(json!({"addrs": found.addrs.iter().map(ToString::to_string).collect::<Vec<_>>()}));
        }
    }
    Err("no such peer".into())
}

async fn wait(peer: &Peer, asked: &Value) -> Result<Value, Failure> {
    let end = tokio::time::Instant::now() + patience(asked);
    loop {
        let count = peer
            .ask(|swarm| swarm.behaviour_mut().kad.as_mut().map(|kad| kad.kbuckets().map(|bucket| bucket.num_entries()).sum::<usize>()))
            .await?
            .ok_or("not started with --kad")?;
        if count as u64 >= number(asked, "count", 1) {
            return Ok(json!({"count": count}));
        }
        if tokio::time::Instant::now() > end {
            return Err(format!("{count} nodes in the table").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn run(peer: &Peer, command: &str, asked: &Value) -> Result<Value, Failure> {
    let key = bytes(asked, "key")?;
    match command {
        "kad-wait" => wait(peer, asked).await,
        "kad-put" => put(peer, asked, key, bytes(asked, "value")?).await,
        "kad-put-own-key" => {
            let key = [b"/pk/".as_slice(), &peer.id.to_bytes()].concat();
            put(peer, asked, key, peer.public_key.clone()).await
        }
        "kad-get" => get(peer, asked, key).await,
        "kad-provide" => provide(peer, asked, key).await,
        "kad-providers" => providers(peer, asked, key).await,
        "kad-find" => find(peer, asked).await,
        _ => Err(format!("no such command: {command}").into()),
    }
}
