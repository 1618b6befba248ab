//! A rust-libp2p peer for the interop tests and benchmarks: one JSON object a line on standard input asks, one on
//! standard output answers (interop/README.md has the protocol). It ends when its standard input does.

mod allocations;
mod bench;
mod bulk;
mod choice;
mod commands;
mod kad;
mod peer;
mod perf;
mod pubsub;
mod secrets;
mod serve;
mod transport;

use std::{io::Write, sync::Arc};

use choice::Choice;
use commands::Held;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn print(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

async fn answer(peer: Arc<peer::Peer>, held: Arc<Held>, line: String) {
    let asked: Value = match serde_json::from_str(&line) {
        Ok(asked) => asked,
        Err(error) => return print(&json!({"ok": false, "error": error.to_string()})),
    };
    let mut told = match commands::run(&peer, &held, &asked).await {
        Ok(mut told) => {
            told["ok"] = json!(true);
            told
        }
        Err(error) => json!({"ok": false, "error": error.to_string()}),
    };
    told["id"] = asked["id"].clone();
    print(&told);
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let choice = Choice::parse(std::env::args().skip(1))?;
    let mut ready = choice::describe();
    if choice.describe {
        print(&ready);
        return Ok(());
    }
    let peer = Arc::new(peer::Peer::start(&choice)?);
    let held = Arc::new(Held::default());
    ready["event"] = json!("ready");
    ready["peer"] = json!(peer.id.to_string());
    print(&ready);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        tokio::spawn(answer(peer.clone(), held.clone(), line));
    }
    Ok(())
}
