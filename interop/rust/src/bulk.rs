//! /vivim/interop/bulk/1.0.0: bytes both ways at once, compared by their hashes.

use std::time::Instant;

use futures::{AsyncReadExt, AsyncWriteExt, future::try_join_all};
use libp2p::{PeerId, Stream, StreamProtocol};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Failure;

pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/vivim/interop/bulk/1.0.0");
pub const BLOCK: usize = 64 * 1024;

async fn send_blocks(to: &mut (impl futures::AsyncWrite + Unpin), size: u64) -> Result<Vec<u8>, Failure> {
    let mut hash = Sha256::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut buffer: Vec<u8> = (0..BLOCK)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    let mut left = size;
    for number in 0_u64.. {
        if left == 0 {
            break;
        }
        buffer[..8].copy_from_slice(&number.to_be_bytes());
        let part = &buffer[..BLOCK.min(left as usize)];
        hash.update(part);
        to.write_all(part).await?;
        left -= part.len() as u64;
    }
    to.flush().await?;
    Ok(hash.finalize().to_vec())
}

async fn hash_of(from: &mut (impl futures::AsyncRead + Unpin), size: u64) -> Result<Vec<u8>, Failure> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BLOCK];
    let mut left = size;
    while left > 0 {
        let most = BLOCK.min(left as usize);
        let count = from.read(&mut buffer[..most]).await?;
        if count == 0 {
            return Err("the stream ended too early".into());
        }
        hash.update(&buffer[..count]);
        left -= count as u64;
    }
    Ok(hash.finalize().to_vec())
}

async fn require_same(from: &mut (impl futures::AsyncRead + Unpin), expected: &[u8], what: &str) -> Result<(), Failure> {
    let mut told = vec![0; expected.len()];
    from.read_exact(&mut told).await?;
    if told != expected {
        return Err(format!("{what}: hashes differ").into());
    }
    Ok(())
}

async fn require_end(from: &mut (impl futures::AsyncRead + Unpin)) -> Result<(), Failure> {
    match from.read(&mut [0]).await? {
        0 => Ok(()),
        _ => Err("bytes behind the end".into()),
    }
}

pub async fn answer(stream: Stream) -> Result<(), Failure> {
    let (mut reader, mut writer) = stream.split();
    let mut sizes = [0; 16];
    reader.read_exact(&mut sizes).await?;
    let upload = u64::from_be_bytes(sizes[..8].try_into()?);
    let download = u64::from_be_bytes(sizes[8..].try_into()?);
    let receive = async {
        let received = hash_of(&mut reader, upload).await?;
        require_same(&mut reader, &received, "upload").await?;
        require_end(&mut reader).await?;
        Ok::<_, Failure>(received)
    };
    let (received, sent) = futures::try_join!(receive, send_blocks(&mut writer, download))?;
    writer.write_all(&sent).await?;
    writer.write_all(&received).await?;
    writer.close().await?;
    Ok(())
}

async fn one_stream(mut control: libp2p_stream::Control, peer: PeerId, size: u64) -> Result<(), Failure> {
    let stream = control.open_stream(peer, PROTOCOL).await?;
    let (mut reader, mut writer) = stream.split();
    let send = async {
        writer.write_all(&size.to_be_bytes()).await?;
        writer.write_all(&size.to_be_bytes()).await?;
        let sent = send_blocks(&mut writer, size).await?;
        writer.write_all(&sent).await?;
        writer.close().await?;
        Ok::<_, Failure>(sent)
    };
    let (received, sent) = futures::try_join!(hash_of(&mut reader, size), send)?;
    require_same(&mut reader, &received, "download").await?;
    require_same(&mut reader, &sent, "upload").await?;
    require_end(&mut reader).await
}

pub async fn run(control: &libp2p_stream::Control, peer: PeerId, streams: u64, size: u64) -> Result<Value, Failure> {
    let begin = Instant::now();
    try_join_all((0..streams).map(|_| one_stream(control.clone(), peer, size))).await?;
    Ok(json!({"seconds": begin.elapsed().as_secs_f64()}))
}
