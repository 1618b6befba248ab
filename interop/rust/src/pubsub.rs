//! Gossipsub with the message ids that the mixed meshes agree on.

use std::time::Duration;

use libp2p::{
    gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode},
    identity::Keypair,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Failure, commands::number, peer::Peer};

const MESSAGE_MAX: usize = 1 << 20;

/// Author and sequence number; anonymous: 20 bytes of SHA-256 over topic, behind its length, and data.
fn id_of(message: &gossipsub::Message) -> MessageId {
    if let (Some(author), Some(number)) = (message.source, message.sequence_number) {
        return MessageId::from([author.to_bytes(), number.to_be_bytes().to_vec()].concat());
    }
    let topic = message.topic.as_str();
    let mut length = vec![];
    let mut left = topic.len();
    while left >= 0x80 {
        length.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    length.push(left as u8);
    let digest = Sha256::new().chain_update(length).chain_update(topic).chain_update(&message.data).finalize();
    MessageId::from(digest[..20].to_vec())
}

pub fn behaviour(key: &Keypair, policy: &str, mesh: Option<usize>) -> Result<gossipsub::Behaviour, Failure> {
    let (authenticity, mode) = match policy {
        "sign" => (MessageAuthenticity::Signed(key.clone()), ValidationMode::Strict),
        "anonymous" => (MessageAuthenticity::Anonymous, ValidationMode::Anonymous),
        _ => return Err(format!("no policy {policy}").into()),
    };
    let mut config = gossipsub::ConfigBuilder::default();
    if let Some(mesh) = mesh {
        config.mesh_n(mesh).mesh_n_low(mesh).mesh_n_high(mesh);
    }
    let config = config
        .validation_mode(mode)
        .message_id_fn(id_of)
        .max_transmit_size(MESSAGE_MAX)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .build()?;
    Ok(gossipsub::Behaviour::new(authenticity, config)?)
}

/// What comes before the filling of a large message.
pub fn label(data: &[u8]) -> String {
    String::from_utf8_lossy(data.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

pub async fn run(peer: &Peer, command: &str, asked: &Value) -> Result<Value, Failure> {
    let name = asked["topic"].as_str().unwrap_or_default().to_string();
    let topic = IdentTopic::new(name);
    match command {
        "pubsub-subscribe" => {
            peer.ask(move |swarm| gossip(swarm)?.subscribe(&topic).map_err(|error| Failure::from(error.to_string()))).await??;
            Ok(json!({}))
        }
        "pubsub-publish" => {
            let mut data = asked["text"].as_str().unwrap_or_default().as_bytes().to_vec();
            data.resize(data.len().max(number(asked, "bytes", 0) as usize), 0);
            peer.ask(move |swarm| gossip(swarm)?.publish(topic, data).map_err(|error| Failure::from(error.to_string()))).await??;
            Ok(json!({}))
        }
        "pubsub-peers" => {
            let peers = peer
                .ask(move |swarm| {
                    let hash = topic.hash();
                    let all = gossip(swarm)?.all_peers().filter(|(_, topics)| topics.contains(&&hash));
                    Ok::<_, Failure>(all.map(|(id, _)| id.to_string()).collect::<Vec<_>>())
                })
                .await??;
            Ok(json!({"peers": peers}))
        }
        "pubsub-received" => {
            let texts = peer.wait_for(Duration::ZERO, "messages", |known| Some(known.gossiped.clone())).await?;
            Ok(json!({"texts": texts}))
        }
        _ => Err(format!("no such command: {command}").into()),
    }
}

fn gossip(swarm: &mut libp2p::Swarm<crate::peer::Behaviour>) -> Result<&mut gossipsub::Behaviour, Failure> {
    swarm.behaviour_mut().gossipsub.as_mut().ok_or_else(|| "this peer was started without --pubsub".into())
}
