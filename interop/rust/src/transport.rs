//! One transport, with one security and one muxer, and the relay's circuits beside it.

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    Multiaddr, PeerId, Transport,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, OrTransport},
        upgrade::Version,
    },
    identity::Keypair,
    noise, pnet, quic, relay, tcp, tls, websocket, yamux,
};

use crate::{Failure, choice::Choice, secrets};

type Muxed = Boxed<(PeerId, StreamMuxerBox)>;

// The types differ with each choice; what is made of them does not.
macro_rules! multiplexed {
    ($authenticated:expr, $choice:expr) => {
        match $choice.muxer.as_str() {
            "yamux" => Ok($authenticated.multiplex(yamux::Config::default()).boxed()),
            "mplex" => Ok($authenticated.multiplex(libp2p_mplex::Config::new()).boxed()),
            other => Err(Failure::from(format!("no muxer {other}"))),
        }
    };
}

fn upgraded<T>(transport: T, key: &Keypair, choice: &Choice) -> Result<Muxed, Failure>
where
    T: Transport + Send + Unpin + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::ListenerUpgrade: Send,
    T::Dial: Send,
{
    let builder = transport.upgrade(Version::V1Lazy);
    match choice.security.as_str() {
        "noise" => multiplexed!(builder.authenticate(noise::Config::new(key)?), choice),
        "tls" => multiplexed!(builder.authenticate(tls::Config::new(key)?), choice),
        other => Err(format!("no security {other}").into()),
    }
}

fn tcp_transport() -> tcp::tokio::Transport {
    tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
}

fn direct(key: &Keypair, choice: &Choice) -> Result<Muxed, Failure> {
    match choice.transport.as_str() {
        "tcp" if choice.has("private-network") => {
            let members = pnet::PnetConfig::new(secrets::private_network(choice)?);
            upgraded(tcp_transport().and_then(move |socket, _| members.handshake(socket)), key, choice)
        }
        "tcp" => upgraded(tcp_transport(), key, choice),
        "wss" => {
            let mut secure = websocket::Config::new(tcp_transport());
            secure.set_tls_config(secrets::certificates(choice)?);
            upgraded(secure, key, choice)
        }
        "ws" => upgraded(websocket::Config::new(tcp_transport()), key, choice),
        "quic-v1" => Ok(quic::tokio::Transport::new(quic::Config::new(key))
            .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
            .boxed()),
        other => Err(format!("no transport {other}").into()),
    }
}

pub fn make(key: &Keypair, choice: &Choice) -> Result<(Muxed, relay::client::Behaviour), Failure> {
    let (circuits, behaviour) = relay::client::new(key.public().to_peer_id());
    let relayed = upgraded(circuits, key, choice)?;
    let both = OrTransport::new(relayed, direct(key, choice)?).map(|either, _| either.into_inner()).boxed();
    Ok((both, behaviour))
}

/// Whether a relay carries what is at this address.
pub fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == libp2p::multiaddr::Protocol::P2pCircuit)
}
