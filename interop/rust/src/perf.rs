//! /perf/1.0.0: the size of the download, the upload, its end; then the download.

use std::time::Instant;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{PeerId, Stream, StreamProtocol};
use serde_json::{Value, json};

use crate::{Failure, bulk::BLOCK};

pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/perf/1.0.0");

async fn drain(stream: &mut Stream) -> Result<u64, Failure> {
    let mut buffer = vec![0; BLOCK];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(total),
            count => total += count as u64,
        }
    }
}

async fn send_zeros(stream: &mut Stream, mut size: u64) -> Result<(), Failure> {
    let buffer = vec![0; BLOCK];
    while size > 0 {
        let part = BLOCK.min(size as usize);
        stream.write_all(&buffer[..part]).await?;
        size -= part as u64;
    }
    stream.close().await?;
    Ok(())
}

pub async fn answer(mut stream: Stream) -> Result<(), Failure> {
    let mut header = [0; 8];
    stream.read_exact(&mut header).await?;
    drain(&mut stream).await?;
    send_zeros(&mut stream, u64::from_be_bytes(header)).await
}

pub async fn run(control: &mut libp2p_stream::Control, peer: PeerId, upload: u64, download: u64) -> Result<Value, Failure> {
    let begin = Instant::now();
    let mut stream = control.open_stream(peer, PROTOCOL).await?;
    stream.write_all(&download.to_be_bytes()).await?;
    send_zeros(&mut stream, upload).await?;
    let received = drain(&mut stream).await?;
    if received != download {
        return Err(format!("{received} bytes came instead of {download}").into());
    }
    Ok(json!({"seconds": begin.elapsed().as_secs_f64()}))
}
