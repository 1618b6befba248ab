//! The command line.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Failure;

#[derive(Clone)]
pub struct Choice {
    pub transport: String,
    pub security: String,
    pub muxer: String,
    pub key: String,
    pub secrets: Option<PathBuf>,
    pub pubsub: Option<String>,
    pub pubsub_mesh: Option<usize>,
    autonat_version: Option<String>,
    switches: Vec<String>,
    pub describe: bool,
}

impl Choice {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut choice = Self {
            transport: "tcp".into(),
            security: "noise".into(),
            muxer: "yamux".into(),
            key: "ed25519".into(),
            secrets: None,
            pubsub: None,
            pubsub_mesh: None,
            autonat_version: None,
            switches: vec![],
            describe: false,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--transport" => choice.transport = value()?,
                "--security" => choice.security = value()?,
                "--muxer" => choice.muxer = value()?,
                "--key" => choice.key = value()?,
                "--secrets" => choice.secrets = Some(value()?.into()),
                "--pubsub" => choice.pubsub = Some(value()?),
                "--pubsub-mesh" => choice.pubsub_mesh = Some(value()?.parse()?),
                "--autonat-version" => choice.autonat_version = Some(value()?),
                "--describe" => choice.describe = true,
                _ => choice.switches.push(word),
            }
        }
        Ok(choice)
    }

    /// Whether `--name` was given: relay-serve, dcutr, autonat, autonat-serve, mdns, mdns-v6, rendezvous-serve, private-network, kad.
    pub fn has(&self, name: &str) -> bool {
        self.switches.iter().any(|switch| switch.strip_prefix("--") == Some(name))
    }

    /// Whether this version of AutoNAT is wanted: both, where nothing was said.
    pub fn has_autonat_version(&self, version: &str) -> bool {
        self.autonat_version.as_deref().is_none_or(|wanted| wanted == version)
    }
}

pub fn describe() -> Value {
    json!({
        "name": "rust-libp2p", "version": env!("LIBP2P_VERSION"),
        "transports": ["tcp", "ws", "wss", "quic-v1"],
        "securities": ["noise", "tls"],
        "muxers": ["yamux", "mplex"],
        "keys": ["ed25519", "secp256k1", "ecdsa", "rsa"],
        "features": [
            "perf", "wss-sni", "pnet", "identify-push", "relay-serve", "relay-reserve", "dcutr", "dcutr-tcp", "dcutr-quic-v1", "autonat-behind-nat",
            "autonat-v1-ask", "autonat-v1-serve", "autonat-v2-ask", "autonat-v2-serve", "mdns", "mdns-v6", "rendezvous", "rendezvous-serve", "pubsub", "kad",
        ],
    })
}
