//! One row of bench/crdt in native yrs:
//!
//!   vivim-bench-yrs ROW FOLDER WARM-UPS REPETITIONS
//!
//! prints {"ms": [processor milliseconds of each repetition], "text": ..., "state": ..., "bytes": ...}: what
//! bench/crdt/worker.mjs prints for npm's Yjs. The files are those of bench/crdt/data.mjs.

use std::fs;

use yrs::block::ClientID;
use yrs::updates::decoder::Decode;
use yrs::{Array, Doc, GetString, Map, OffsetKind, Options, Out, ReadTxn, StateVector, Text, Transact, Update, merge_updates_v1};

/// Of a document whose memory is measured.
const COPIES: usize = 20;

type Blobs = Vec<Vec<u8>>;

struct Patch {
    at: u32,
    removed: u32,
    inserted: String,
}

fn read(folder: &str, name: &str) -> Vec<u8> {
    let path = format!("{folder}/{name}");
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn read_list(folder: &str, name: &str) -> Blobs {
    let bytes = read(folder, name);
    let mut blobs = Blobs::new();
    let mut at = 0;
    while at < bytes.len() {
        let size = number(&bytes, at) as usize;
        blobs.push(bytes[at + 4..at + 4 + size].to_vec());
        at += 4 + size;
    }
    blobs
}

fn read_trace(folder: &str, name: &str) -> Vec<Patch> {
    read_list(folder, &format!("{name}.trace"))
        .iter()
        .map(|blob| Patch {
            at: number(blob, 0),
            removed: number(blob, 4),
            inserted: String::from_utf8(blob[8..].to_vec()).unwrap(),
        })
        .collect()
}

/// FNV-1a of 64 bits.
fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn spent() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

/// Bytes in use, as the C library counts them.
fn memory() -> f64 {
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as f64
}

// Offsets in bytes: the texts are ASCII, and so yrs is at its fastest.
fn open(client: u64) -> Doc {
    Doc::with_options(Options {
        client_id: ClientID::new(client),
        offset_kind: OffsetKind::Bytes,
        ..Options::default()
    })
}

fn apply(doc: &Doc, update: &[u8]) {
    let update = Update::decode_v1(update).unwrap();
    doc.transact_mut().apply_update(update).unwrap();
}

fn loaded(update: &[u8]) -> Doc {
    let doc = open(2);
    apply(&doc, update);
    doc
}

fn encode(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&StateVector::default())
}

fn encode_v2(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v2(&StateVector::default())
}

fn text(doc: &Doc) -> String {
    let text = doc.get_or_insert_text("text");
    text.get_string(&doc.transact())
}

fn chat(doc: &Doc) -> String {
    let messages = doc.get_or_insert_array("messages");
    let transaction = doc.transact();
    let texts: Vec<String> = messages
        .iter(&transaction)
        .map(|message| match message {
            Out::YMap(map) => match map.get(&transaction, "text") {
                Some(Out::YText(text)) => text.get_string(&transaction),
                other => panic!("a message without a text: {other:?}"),
            },
            other => panic!("not a message: {other:?}"),
        })
        .collect();
    texts.join("\n")
}

fn replay(doc: &Doc, patches: &[Patch]) {
    let text = doc.get_or_insert_text("text");
    for patch in patches {
        let mut transaction = doc.transact_mut();
        if patch.removed > 0 {
            text.remove_range(&mut transaction, patch.at, patch.removed);
        }
        if !patch.inserted.is_empty() {
            text.insert(&mut transaction, patch.at, &patch.inserted);
        }
    }
}

/// All at once takes it time that grows with the square: in a tree it is at its best.
fn merge(updates: &[Vec<u8>]) -> Vec<u8> {
    let join = |some: &[Vec<u8>]| merge_updates_v1(some).unwrap();
    let mut level: Blobs = updates.chunks(64).map(join).collect();
    while level.len() > 1 {
        level = level.chunks(64).map(join).collect();
    }
    level.remove(0)
}

/// What came of a repetition.
struct Outcome {
    text: String,
    state: Option<Vec<u8>>,
    bytes: Option<f64>,
}

impl Outcome {
    fn of(doc: &Doc, read: fn(&Doc) -> String) -> Self {
        Self { text: read(doc), state: Some(encode(doc)), bytes: None }
    }
}

/// One repetition: its processor milliseconds, and what came of it.
type Row = Box<dyn Fn() -> (f64, Outcome)>;

fn timed<T>(run: impl FnOnce() -> T) -> (f64, T) {
    let before = spent();
    let value = run();
    (spent() - before, value)
}

fn local(folder: &str, name: &str) -> Row {
    let patches = read_trace(folder, name);
    Box::new(move || {
        let doc = open(1);
        let heard = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = heard.clone();
        let _listening = doc
            .observe_update_v1(move |_, event| {
                counter.fetch_add(event.update.len(), std::sync::atomic::Ordering::Relaxed);
            })
            .unwrap();
        let (ms, ()) = timed(|| replay(&doc, &patches));
        (ms, Outcome::of(&doc, text))
    })
}

fn remote(folder: &str, name: &str, read: fn(&Doc) -> String) -> Row {
    let updates = read_list(folder, &format!("{name}.updates"));
    Box::new(move || {
        let doc = open(2);
        let (ms, ()) = timed(|| {
            for update in &updates {
                apply(&doc, update);
            }
        });
        (ms, Outcome::of(&doc, read))
    })
}

fn encoded(folder: &str, name: &str, write: fn(&Doc) -> Vec<u8>, times_before: usize) -> Row {
    let update = read(folder, &format!("{name}.v1"));
    Box::new(move || {
        let doc = loaded(&update);
        for _ in 0..times_before {
            write(&doc);
        }
        let (ms, out) = timed(|| write(&doc));
        (ms, Outcome { text: text(&doc), state: Some(out), bytes: None })
    })
}

fn held(folder: &str, name: &str) -> Row {
    let update = read(folder, &format!("{name}.v1"));
    Box::new(move || {
        let before = memory();
        let (ms, docs) = timed(|| (0..COPIES).map(|_| loaded(&update)).collect::<Vec<_>>());
        let bytes = (memory() - before) / COPIES as f64;
        (ms, Outcome { bytes: Some(bytes), ..Outcome::of(&docs[0], text) })
    })
}

fn load(folder: &str) -> Row {
    let update = read(folder, "b4.v1");
    Box::new(move || {
        let (ms, (doc, text)) = timed(|| {
            let doc = loaded(&update);
            let text = text(&doc);
            (doc, text)
        });
        (ms, Outcome { text, state: Some(encode(&doc)), bytes: None })
    })
}

fn merged(folder: &str) -> Row {
    let updates = read_list(folder, "b4.updates");
    Box::new(move || {
        let (ms, merged) = timed(|| merge(&updates));
        (ms, Outcome::of(&loaded(&merged), text))
    })
}

fn open_chats(folder: &str) -> Row {
    let updates = read_list(folder, "chats.updates");
    Box::new(move || {
        let (ms, docs) = timed(|| updates.iter().map(|update| loaded(update)).collect::<Vec<_>>());
        let texts: Vec<String> = docs.iter().map(chat).collect();
        (ms, Outcome { text: texts.join("\n"), state: None, bytes: None })
    })
}

fn row(name: &str, folder: &str) -> Row {
    match name {
        "b4-local" => local(folder, "b4"),
        "random-local" => local(folder, "random"),
        "b4-remote" => remote(folder, "b4", text),
        "b4-load" => load(folder),
        "b4-encode" => encoded(folder, "b4", encode, 0),
        "b4-encode-again" => encoded(folder, "b4", encode, 2),
        "b4-encode-v2" => encoded(folder, "b4", encode_v2, 0),
        "b4-merge" => merged(folder),
        "chats-open" => open_chats(folder),
        "b4-memory" => held(folder, "b4"),
        "random-memory" => held(folder, "random"),
        "conflict" | "format" | "reverse" => remote(folder, name, text),
        "chat" => remote(folder, "chat", chat),
        _ => panic!("knows no row {name}"),
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder, warm_ups, repetitions] = words.as_slice() else {
        panic!("wants ROW FOLDER WARM-UPS REPETITIONS");
    };
    let run = row(name, folder);
    for _ in 0..warm_ups.parse().unwrap() {
        run();
    }
    let mut ms = Vec::new();
    let mut last = None;
    for _ in 0..repetitions.parse().unwrap() {
        let (spent, outcome) = run();
        ms.push(format!("{spent:.6}"));
        last = Some(outcome);
    }
    let last = last.expect("at least one repetition");
    let quoted = |bytes: &[u8]| format!("\"{}\"", fingerprint(bytes));
    println!(
        "{{\"ms\": [{}], \"text\": {}, \"state\": {}, \"bytes\": {}}}",
        ms.join(", "),
        quoted(last.text.as_bytes()),
        last.state.map_or("null".to_owned(), |state| quoted(&state)),
        last.bytes.map_or("null".to_owned(), |bytes| bytes.to_string()),
    );
}
