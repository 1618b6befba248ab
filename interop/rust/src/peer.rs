//! A swarm in a task of its own, what it has told so far, and jobs for it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, autonat,
    core::transport::ListenerId,
    dcutr, gossipsub, identify, identity,
    kad::QueryId,
    mdns, ping, relay, rendezvous,
    swarm::{Config, ConnectionId, NetworkBehaviour, SwarmEvent, behaviour::toggle::Toggle},
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{Failure, choice::Choice, kad, pubsub, secrets, serve, transport};

const KEEP: Duration = Duration::from_secs(3600);

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    pub streams: libp2p_stream::Behaviour,
    pub serve: serve::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay_client: relay::client::Behaviour,
    relay: Toggle<relay::Behaviour>,
    dcutr: Toggle<dcutr::Behaviour>,
    pub autonat: Toggle<autonat::v1::Behaviour>,
    autonat_client: Toggle<autonat::v2::client::Behaviour>,
    autonat_server: Toggle<autonat::v2::server::Behaviour>,
    mdns: Toggle<mdns::tokio::Behaviour>,
    pub rendezvous: rendezvous::client::Behaviour,
    rendezvous_server: Toggle<rendezvous::server::Behaviour>,
    pub gossipsub: Toggle<gossipsub::Behaviour>,
    pub kad: Toggle<kad::Kad>,
}

/// What the swarm has told so far.
#[derive(Default)]
pub struct Facts {
    pub listening: Vec<(ListenerId, Multiaddr)>,
    pub connections: HashMap<ConnectionId, (PeerId, Multiaddr)>,
    pub failed_dials: HashMap<ConnectionId, String>,
    pub identified: HashMap<PeerId, identify::Info>,
    pub reservations: HashMap<PeerId, bool>,
    pub listen_errors: Vec<String>,
    pub discovered: HashMap<PeerId, Vec<Multiaddr>>,
    pub rendezvous: Vec<rendezvous::client::Event>,
    pub gossiped: Vec<String>,
    pub reachable_v1: Option<(bool, String)>,
    pub reachable_v2: Option<(bool, String)>,
    pub kad: HashMap<QueryId, kad::Told>,
}

type Job = Box<dyn FnOnce(&mut Swarm<Behaviour>) + Send>;

pub struct Peer {
    pub id: PeerId,
    pub public_key: Vec<u8>,
    pub control: libp2p_stream::Control,
    jobs: mpsc::UnboundedSender<Job>,
    facts: watch::Receiver<Facts>,
}

fn behaviour(key: &identity::Keypair, choice: &Choice, relay_client: relay::client::Behaviour) -> Result<Behaviour, Failure> {
    let id = key.public().to_peer_id();
    let about = identify::Config::new("ipfs/0.1.0".into(), key.public()).with_agent_version("vivim-interop-rust/1.0.0".into()).with_push_listen_addr_updates(true);
    let quick = autonat::v1::Config {
        boot_delay: Duration::ZERO,
        retry_interval: Duration::from_secs(1),
        only_global_ips: false,
        confidence_max: 0,
        ..Default::default()
    };
    let client = autonat::v2::client::Config::default().with_probe_interval(Duration::from_millis(200));
    let serves = choice.has("autonat-serve");
    let asks = choice.has("autonat");
    let rng = || rand::SeedableRng::seed_from_u64(7);
    Ok(Behaviour {
        streams: libp2p_stream::Behaviour::new(),
        serve: serve::Behaviour::default(),
        identify: identify::Behaviour::new(about),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(KEEP)),
        relay_client,
        relay: choice.has("relay-serve").then(|| relay::Behaviour::new(id, Default::default())).into(),
        dcutr: choice.has("dcutr").then(|| dcutr::Behaviour::new(id)).into(),
        autonat: (choice.has_autonat_version("1") && (serves || asks)).then(|| autonat::v1::Behaviour::new(id, quick)).into(),
        autonat_client: (choice.has_autonat_version("2") && asks).then(|| autonat::v2::client::Behaviour::new(rng(), client)).into(),
        autonat_server: (choice.has_autonat_version("2") && serves).then(|| autonat::v2::server::Behaviour::new(rng())).into(),
        mdns: choice.has("mdns").then(|| mdns::tokio::Behaviour::new(mdns_config(choice), id)).transpose()?.into(),
        rendezvous: rendezvous::client::Behaviour::new(key.clone()),
        rendezvous_server: choice.has("rendezvous-serve").then(|| rendezvous::server::Behaviour::new(Default::default())).into(),
        gossipsub: choice.pubsub.as_deref().map(|policy| pubsub::behaviour(key, policy, choice.pubsub_mesh)).transpose()?.into(),
        kad: choice.has("kad").then(|| kad::make(id)).into(),
    })
}

/// It speaks over IPv4 or over IPv6.
fn mdns_config(choice: &Choice) -> mdns::Config {
    mdns::Config { enable_ipv6: choice.has("mdns-v6"), ..Default::default() }
}

impl Peer {
    pub fn start(choice: &Choice) -> Result<Self, Failure> {
        let key = secrets::identity(choice)?;
        let id = key.public().to_peer_id();
        let public_key = key.public().encode_protobuf();
        let (transport, relay_client) = transport::make(&key, choice)?;
        let config = Config::with_tokio_executor().with_idle_connection_timeout(KEEP);
        let swarm = Swarm::new(transport, behaviour(&key, choice, relay_client)?, id, config);
        let control = swarm.behaviour().streams.new_control();
        let (jobs, queue) = mpsc::unbounded_channel();
        let (sender, facts) = watch::channel(Facts::default());
        let has = |names: [&str; 2]| names.iter().any(|name| choice.has(name));
        // Who asks whether an address is reachable must not say so beforehand: it would not be asked about.
        let reachable = has(["relay-serve", "rendezvous-serve"]) || !has(["private", "autonat"]);
        tokio::spawn(run(swarm, queue, sender, reachable));
        Ok(Self { id, public_key, control, jobs, facts })
    }

    /// Runs a job between two steps of the swarm.
    pub async fn ask<T: Send + 'static>(&self, job: impl FnOnce(&mut Swarm<Behaviour>) -> T + Send + 'static) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        let boxed: Job = Box::new(move |swarm| drop(sender.send(job(swarm))));
        self.jobs.send(boxed).map_err(|_| "the swarm has ended")?;
        Ok(receiver.await?)
    }

    /// Waits until the swarm has told something.
    pub async fn wait_for<T>(&self, patience: Duration, what: &str, check: impl Fn(&Facts) -> Option<T>) -> Result<T, Failure> {
        let mut facts = self.facts.clone();
        let end = Instant::now() + patience;
        loop {
            if let Some(found) = check(&facts.borrow_and_update()) {
                return Ok(found);
            }
            tokio::time::timeout(end.saturating_duration_since(Instant::now()), facts.changed())
                .await
                .map_err(|_| format!("{what}: not in time"))??;
        }
    }
}

async fn run(mut swarm: Swarm<Behaviour>, mut queue: mpsc::UnboundedReceiver<Job>, facts: watch::Sender<Facts>, reachable: bool) {
    loop {
        tokio::select! {
            job = queue.recv() => match job {
                Some(job) => job(&mut swarm),
                None => return,
            },
            event = swarm.select_next_some() => {
                if let SwarmEvent::NewListenAddr { address, .. } = &event && reachable && !transport::is_relayed(address) {
                    swarm.add_external_address(address.clone());
                }
                kad::on_event(&mut swarm, &event);
                facts.send_modify(|known| take(known, event));
            }
        }
    }
}

fn take(known: &mut Facts, event: SwarmEvent<BehaviourEvent>) {
    match event {
        SwarmEvent::NewListenAddr { listener_id, address } => known.listening.push((listener_id, address)),
        SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
            known.connections.insert(connection_id, (peer_id, endpoint.get_remote_address().clone()));
        }
        SwarmEvent::ConnectionClosed { connection_id, .. } => {
            known.connections.remove(&connection_id);
        }
        SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
            known.failed_dials.insert(connection_id, error.to_string());
        }
        SwarmEvent::IncomingConnectionError { error, .. } => eprintln!("incoming connection: {error}"),
        SwarmEvent::ListenerClosed { reason: Err(error), .. } => known.listen_errors.push(error.to_string()),
        SwarmEvent::Behaviour(event) => take_behaviour(known, event),
        _ => {}
    }
}

fn take_behaviour(known: &mut Facts, event: BehaviourEvent) {
    match event {
        BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
            known.identified.insert(peer_id, info);
        }
        BehaviourEvent::RelayClient(relay::client::Event::ReservationReqAccepted { relay_peer_id, limit, .. }) => {
            known.reservations.insert(relay_peer_id, limit.is_some());
        }
        BehaviourEvent::Mdns(mdns::Event::Discovered(all)) => {
            for (peer, address) in all {
                known.discovered.entry(peer).or_default().push(address);
            }
        }
        BehaviourEvent::Gossipsub(gossipsub::Event::Message { message, .. }) => known.gossiped.push(pubsub::label(&message.data)),
        BehaviourEvent::Rendezvous(event) => known.rendezvous.push(event),
        BehaviourEvent::Autonat(autonat::v1::Event::OutboundProbe(probe)) => match probe {
            autonat::v1::OutboundProbeEvent::Response { address, .. } => known.reachable_v1 = Some((true, address.to_string())),
            autonat::v1::OutboundProbeEvent::Error {
                error: autonat::v1::OutboundProbeError::Response(error), ..
            } => known.reachable_v1 = Some((false, format!("{error:?}"))),
            _ => {}
        },
        BehaviourEvent::AutonatClient(event) => {
            let address = event.tested_addr.to_string();
            known.reachable_v2 = Some(match event.result {
                Ok(()) => (true, address),
                Err(error) => (false, format!("{address}: {error}")),
            });
        }
        BehaviourEvent::Kad(libp2p::kad::Event::OutboundQueryProgressed { id, result, step, .. }) => {
            let told = known.kad.entry(id).or_default();
            told.results.push(result);
            told.last = step.last;
        }
        BehaviourEvent::Dcutr(event) => {
            if let Err(error) = event.result {
                eprintln!("dcutr: {error}");
            }
        }
        _ => {}
    }
}
