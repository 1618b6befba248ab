//! What a line may ask.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{Multiaddr, PeerId, StreamProtocol, multiaddr::Protocol, rendezvous, swarm::dial_opts::DialOpts};
use serde_json::{Value, json};

use crate::{Failure, allocations, bench, bulk, kad, peer::Peer, perf, pubsub, transport::is_relayed};

const PING: StreamProtocol = StreamProtocol::new("/ipfs/ping/1.0.0");

/// Peers and streams that are kept open until the process ends.
#[derive(Default)]
pub struct Held {
    pub peers: Mutex<Vec<Peer>>,
    pub streams: Mutex<Vec<libp2p::Stream>>,
}

pub fn number(asked: &Value, key: &str, otherwise: u64) -> u64 {
    asked[key].as_u64().unwrap_or(otherwise)
}

pub fn address(asked: &Value) -> Result<Multiaddr, Failure> {
    Ok(asked["addr"].as_str().ok_or("addr is missing")?.parse()?)
}

fn patience(asked: &Value) -> Duration {
    Duration::from_millis(number(asked, "timeoutMs", 30_000))
}

fn peer_of(address: &Multiaddr) -> Result<PeerId, Failure> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Ok(peer),
        _ => Err("the address does not end in /p2p".into()),
    }
}

pub async fn run(peer: &Peer, held: &Held, asked: &Value) -> Result<Value, Failure> {
    let command = asked["cmd"].as_str().unwrap_or_default();
    match command {
        "listen" => return listen(peer, asked).await,
        "dial" => return dial(peer, asked).await,
        "peers" => return peers(peer).await,
        "allocations" => return Ok(json!({"count": allocations::count()})),
        "relay-reserve" => return reserve(peer, asked).await,
        "autonat" => return autonat(peer, asked).await,
        _ if command.starts_with("kad-") => return kad::run(peer, command, asked).await,
        "connect-rate" => return bench::connect_rate(asked).await,
        "dial-many" => return bench::dial_many(held, asked).await,
        _ if command.starts_with("pubsub-") => return pubsub::run(peer, command, asked).await,
        _ => {}
    }
    let other: PeerId = asked["peer"].as_str().ok_or(format!("{command}: peer is missing, or no such command"))?.parse()?;
    match command {
        "ping" => ping(&mut peer.control.clone(), other, number(asked, "count", 1)).await,
        "identify" => identify(peer, asked, other).await,
        "bulk" => bulk::run(&peer.control, other, number(asked, "streams", 1), number(asked, "bytes", 0)).await,
        "perf" => perf::run(&mut peer.control.clone(), other, number(asked, "upload", 0), number(asked, "download", 0)).await,
        "open-streams" => bench::open_streams(peer, held, other, number(asked, "count", 1)).await,
        "direct" => direct(peer, asked, other).await,
        "mdns" => mdns(peer, asked, other).await,
        "rendezvous-register" => register(peer, asked, other).await,
        "rendezvous-discover" => discover(peer, asked, other).await,
        "disconnect" => {
            disconnect(peer, other).await?;
            Ok(json!({}))
        }
        _ => Err(format!("no such command: {command}").into()),
    }
}

async fn listen(peer: &Peer, asked: &Value) -> Result<Value, Failure> {
    let at = address(asked)?;
    let listener = peer.ask(move |swarm| swarm.listen_on(at)).await??;
    let id = peer.id;
    let all = peer
        .wait_for(patience(asked), "listen", |known| {
            known.listening.iter().any(|(by, _)| *by == listener).then(|| known.listening.clone())
        })
        .await?;
    let addresses: Vec<String> = all.iter().map(|(_, one)| format!("{one}/p2p/{id}")).collect();
    Ok(json!({"addrs": addresses}))
}

/// Connects, and returns the peer at the other end.
pub async fn connect(peer: &Peer, at: Multiaddr, patience: Duration) -> Result<(PeerId, Multiaddr), Failure> {
    let options = DialOpts::from(at);
    let id = options.connection_id();
    peer.ask(move |swarm| swarm.dial(options)).await??;
    let outcome = peer
        .wait_for(patience, "dial", |known| {
            let failed = known.failed_dials.get(&id).map(|error| Err(error.clone()));
            failed.or(known.connections.get(&id).map(|found| Ok(found.clone())))
        })
        .await?;
    Ok(outcome?)
}

pub async fn disconnect(peer: &Peer, other: PeerId) -> Result<(), Failure> {
    let _ = peer.ask(move |swarm| swarm.disconnect_peer_id(other)).await?;
    let gone = |known: &crate::peer::Facts| known.connections.values().all(|(id, _)| *id != other).then_some(());
    peer.wait_for(Duration::from_secs(10), "disconnect", gone).await
}

async fn dial(peer: &Peer, asked: &Value) -> Result<Value, Failure> {
    let begin = Instant::now();
    let (other, remote) = connect(peer, address(asked)?, patience(asked)).await?;
    Ok(json!({"peer": other.to_string(), "remote": remote.to_string(), "limited": is_relayed(&remote),
              "ms": begin.elapsed().as_secs_f64() * 1000.0}))
}

async fn peers(peer: &Peer) -> Result<Value, Failure> {
    let all: Vec<Value> = peer
        .wait_for(Duration::from_secs(1), "peers", |known| {
            let tell = |(id, remote): &(PeerId, Multiaddr)| json!({"peer": id.to_string(), "remote": remote.to_string(), "limited": is_relayed(remote)});
            Some(known.connections.values().map(tell).collect())
        })
        .await?;
    Ok(json!({"peers": all}))
}

/// Several pings over one stream, in milliseconds. A rust peer answers one stream at a time, and the ping that its library
/// sends by itself may have taken the place of this one: then once more.
pub async fn ping(control: &mut libp2p_stream::Control, other: PeerId, count: u64) -> Result<Value, Failure> {
    match ping_once(control, other, count).await {
        Ok(told) => Ok(told),
        Err(_) => ping_once(control, other, count).await,
    }
}

async fn ping_once(control: &mut libp2p_stream::Control, other: PeerId, count: u64) -> Result<Value, Failure> {
    let mut stream = control.open_stream(other, PING).await?;
    let mut times = vec![];
    for number in 0..count {
        let begin = Instant::now();
        let sent = [number as u8; 32];
        stream.write_all(&sent).await?;
        stream.flush().await?;
        let mut came = [0; 32];
        stream.read_exact(&mut came).await?;
        if came != sent {
            return Err("another echo than what was sent".into());
        }
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    stream.close().await?;
    Ok(json!({"ms": times}))
}

fn texts(all: &[impl ToString]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

async fn identify(peer: &Peer, asked: &Value, other: PeerId) -> Result<Value, Failure> {
    let info = peer.wait_for(patience(asked), "identify", |known| known.identified.get(&other).cloned()).await?;
    Ok(json!({"agent": info.agent_version, "protocols": texts(&info.protocols), "listenAddrs": texts(&info.listen_addrs),
              "observedAddr": info.observed_addr.to_string()}))
}

async fn reserve(peer: &Peer, asked: &Value) -> Result<Value, Failure> {
    let at = address(asked)?;
    let relay = peer_of(&at)?;
    let circuit = at.clone().with(Protocol::P2pCircuit);
    let listened = circuit.clone();
    peer.ask(move |swarm| swarm.listen_on(listened)).await??;
    let limits = peer
        .wait_for(patience(asked), "reservation", |known| {
            let failed = known.listen_errors.last().map(|error| Err(error.clone()));
            known.reservations.get(&relay).map(|limits| Ok(*limits)).or(failed)
        })
        .await??;
    Ok(json!({"addrs": [circuit.with(Protocol::P2p(peer.id)).to_string()], "limits": limits}))
}

/// Waits for a direct connection, and ends relayed ones then: streams would be opened on any of them.
async fn direct(peer: &Peer, asked: &Value, other: PeerId) -> Result<Value, Failure> {
    let remote = peer
        .wait_for(patience(asked), "direct connection", |known| {
            known.connections.values().find(|(id, remote)| *id == other && !is_relayed(remote)).cloned()
        })
        .await?;
    let relayed = |known: &crate::peer::Facts| {
        let of_other = known.connections.iter().filter(|(_, (id, remote))| *id == other && is_relayed(remote));
        of_other.map(|(id, _)| *id).collect::<Vec<_>>()
    };
    let ending = peer.wait_for(Duration::ZERO, "relayed connections", |known| Some(relayed(known))).await?;
    peer.ask(move |swarm| ending.into_iter().for_each(|id| drop(swarm.close_connection(id)))).await?;
    peer.wait_for(Duration::from_secs(10), "end of relayed connections", |known| relayed(known).is_empty().then_some(())).await?;
    Ok(json!({"remote": remote.1.to_string()}))
}

async fn mdns(peer: &Peer, asked: &Value, other: PeerId) -> Result<Value, Failure> {
    let found = peer.wait_for(patience(asked), "mDNS", |known| known.discovered.get(&other).cloned()).await?;
    Ok(json!({"addrs": texts(&found)}))
}

async fn autonat(peer: &Peer, asked: &Value) -> Result<Value, Failure> {
    let second = asked["version"].as_str() == Some("2");
    if let Some(candidate) = asked["candidate"].as_str() {
        let candidate: Multiaddr = candidate.parse()?;
        peer.ask(move |swarm| {
            let behaviour = swarm.behaviour_mut();
            match behaviour.autonat.as_mut() {
                Some(asks) if !second => asks.probe_address(candidate),
                _ => behaviour.serve.candidates.push_back(candidate),
            }
        })
        .await?;
    }
    let (reachable, about) = peer
        .wait_for(patience(asked), "AutoNAT", |known| if second { known.reachable_v2.clone() } else { known.reachable_v1.clone() })
        .await?;
    Ok(json!({"reachable": reachable, "about": about}))
}

fn namespace(asked: &Value) -> Result<rendezvous::Namespace, Failure> {
    Ok(rendezvous::Namespace::new(asked["namespace"].as_str().unwrap_or("vivim-interop").into())?)
}

async fn register(peer: &Peer, asked: &Value, point: PeerId) -> Result<Value, Failure> {
    let wanted = namespace(asked)?;
    peer.ask(move |swarm| swarm.behaviour_mut().rendezvous.register(wanted, point, None)).await??;
    let ttl = peer
        .wait_for(patience(asked), "registration", |known| {
            known.rendezvous.iter().find_map(|event| match event {
                rendezvous::client::Event::Registered { ttl, .. } => Some(Ok(*ttl)),
                rendezvous::client::Event::RegisterFailed { error, .. } => Some(Err(format!("{error:?}"))),
                _ => None,
            })
        })
        .await??;
    Ok(json!({"ttl": ttl}))
}

async fn discover(peer: &Peer, asked: &Value, point: PeerId) -> Result<Value, Failure> {
    let wanted = namespace(asked)?;
    peer.ask(move |swarm| swarm.behaviour_mut().rendezvous.discover(Some(wanted), None, None, point)).await?;
    let found = peer
        .wait_for(patience(asked), "discovery", |known| {
            known.rendezvous.iter().find_map(|event| match event {
                rendezvous::client::Event::Discovered { registrations, .. } => {
                    Some(Ok(registrations.iter().map(|one| one.record.peer_id().to_string()).collect::<Vec<_>>()))
                }
                rendezvous::client::Event::DiscoverFailed { error, .. } => Some(Err(format!("{error:?}"))),
                _ => None,
            })
        })
        .await??;
    Ok(json!({"peers": found}))
}
