//! The command line.

use serde_json::{Value, json};

use crate::Failure;

#[derive(Clone)]
pub struct Choice {
    pub transport: String,
    pub security: String,
    pub muxer: String,
    switches: Vec<String>,
    pub describe: bool,
}

impl Choice {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut choice = Self {
            transport: "tcp".into(),
            security: "noise".into(),
            muxer: "yamux".into(),
            switches: vec![],
            describe: false,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--transport" => choice.transport = value()?,
                "--security" => choice.security = value()?,
                "--muxer" => choice.muxer = value()?,
                "--describe" => choice.describe = true,
                _ => choice.switches.push(word),
            }
        }
        Ok(choice)
    }

    /// Whether `--name` was given: relay-serve, dcutr, autonat, autonat-serve, mdns, rendezvous-serve.
    pub fn has(&self, name: &str) -> bool {
        self.switches.iter().any(|switch| switch.strip_prefix("--") == Some(name))
    }
}

pub fn describe() -> Value {
    json!({
        "name": "rust-libp2p", "version": env!("LIBP2P_VERSION"),
        "transports": ["tcp", "ws", "quic-v1"],
        "securities": ["noise", "tls"],
        "muxers": ["yamux", "mplex"],
        "features": [
            "perf", "relay-serve", "relay-reserve", "dcutr", "autonat-v1-ask", "autonat-v1-serve", "autonat-v2-serve", "mdns", "rendezvous",
            "rendezvous-serve",
        ],
    })
}
