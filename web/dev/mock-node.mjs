// A stand-in for a node, for development and the web app's own tests: the REST surface from memory, and y-websocket's
// framing with the node's promise about durable state vectors. Nothing is stored; nobody is authorised or refused.
//   node dev/mock-node.mjs [--port 8479] [--import FILE] [--dist ../web/dist] [--token T]
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocketServer } from 'ws';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import { toDocument } from './chatgpt.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export async function startMockNode({ port = 0, dist = join(here, '../dist'), token = '' } = {}) {
  const rooms = new Map();
  const jobs = new Map();
  const blobs = new Map();
  const watchers = new Set();
  const wss = new WebSocketServer({ noServer: true });
  const emit = (event) => watchers.forEach((socket) => socket.send(JSON.stringify(event)));

  function addRoom(id = randomId()) {
    const doc = new Y.Doc();
    const awareness = new awarenessProtocol.Awareness(doc);
    awareness.setLocalState(null);
    const room = { id, doc, awareness, sockets: new Set(), grants: 0 };
    const send = (bytes) => room.sockets.forEach((socket) => socket.send(bytes));
    doc.on('update', (update) => {
      send(frame(0, (encoder) => syncProtocol.writeUpdate(encoder, update)));
      emit({ type: 'conversation:changed', id });
    });
    awareness.on('update', ({ added, updated, removed }, origin) => {
      if (origin?.clients) for (const client of added) origin.clients.add(client);
      const clients = [...added, ...updated, ...removed];
      send(
        frame(1, (encoder) =>
          encoding.writeVarUint8Array(
            encoder,
            awarenessProtocol.encodeAwarenessUpdate(awareness, clients),
          ),
        ),
      );
    });
    rooms.set(id, room);
    return room;
  }

  function importExport(list) {
    let added = 0;
    for (const source of list) {
      const original = source.conversation_id ?? source.id;
      if (
        [...rooms.values()].some(
          (room) => room.doc.getMap('provenance').get('original_id') === original,
        )
      )
        continue;
      const room = addRoom();
      toDocument(source, room.doc);
      emit({ type: 'conversation:added', id: room.id });
      added++;
    }
    return {
      conversations: list.length,
      added,
      unchanged: list.length - added,
      unknown_kinds: {},
      failed: 0,
    };
  }

  const summary = (room) => {
    const [meta, provenance] = [room.doc.getMap('meta'), room.doc.getMap('provenance')];
    return {
      id: room.id,
      title: room.doc.getText('title').toString(),
      provider: provenance.get('provider') ?? null,
      model: meta.get('model') ?? null,
      created: meta.get('created') ?? 0,
      updated: meta.get('updated') ?? 0,
      turns: room.doc.getMap('turns').size,
      shared: room.grants > 0,
    };
  };
  const sorted = (sort) =>
    [...rooms.values()]
      .map(summary)
      .sort((a, b) =>
        sort === 'title'
          ? a.title.localeCompare(b.title)
          : sort === 'oldest'
            ? a.updated - b.updated
            : b.updated - a.updated,
      );

  function search(query, sort) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = [];
    for (const room of rooms.values()) {
      for (const [turn, map] of room.doc.getMap('turns')) {
        const text = map.get('text')?.toString() ?? '';
        const lower = text.toLowerCase();
        if (
          words.length === 0 ||
          map.get('deleted') ||
          !words.every((word) => lower.includes(word))
        )
          continue;
        const at = lower.indexOf(words[0]);
        const from = Math.max(0, at - 60);
        const snippet = [
          { text: (from > 0 ? '…' : '') + text.slice(from, at), match: false },
          { text: text.slice(at, at + words[0].length), match: true },
          { text: text.slice(at + words[0].length, at + 120), match: false },
        ];
        hits.push({
          conversation: room.id,
          title: summary(room).title,
          turn,
          role: map.get('role'),
          time: map.get('time') ?? null,
          snippet,
          score: lower.split(words[0]).length,
        });
      }
    }
    return hits.sort((a, b) =>
      sort === 'best' ? b.score - a.score : (b.time ?? 0) - (a.time ?? 0),
    );
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://mock');
    const json = (status, body) =>
      response
        .writeHead(status, {
          'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
          'cache-control': 'no-store',
        })
        .end(body === undefined ? '' : JSON.stringify(body));
    const problem = (status, title, detail) =>
      json(status, {
        type: 'about:blank',
        title,
        status,
        code: title.toLowerCase().replaceAll(' ', '_'),
        detail,
      });
    if (url.searchParams.get('token'))
      return response
        .writeHead(302, {
          'set-cookie': `vivim_session=${url.searchParams.get('token')}; Path=/; HttpOnly; SameSite=Strict`,
          location: '/',
        })
        .end();
    if (!url.pathname.startsWith('/api/v2/')) return serveStatic(url.pathname, response);
    if (
      token &&
      !`${request.headers.cookie ?? ''} ${request.headers.authorization ?? ''}`.includes(token)
    )
      return problem(401, 'Not authorised', 'The session token is missing.');
    const path = url.pathname.slice('/api/v2/'.length).split('/').map(decodeURIComponent);
    const body = await read(request);
    const room = path[0] === 'conversations' ? rooms.get(path[1]) : undefined;
    switch (`${request.method} ${path[0]}${path[1] ? '/*' : ''}${path[2] ? `/${path[2]}` : ''}`) {
      case 'GET status':
        return json(200, {
          version: 'mock',
          peer_id: '12D3KooWMock',
          conversations: rooms.size,
          peers: 0,
        });
      case 'GET conversations': {
        const all = sorted(url.searchParams.get('sort'));
        const limit = Number(url.searchParams.get('limit') ?? 50);
        const from = Number(url.searchParams.get('after') ?? 0);
        return json(200, {
          conversations: all.slice(from, from + limit),
          ...(from + limit < all.length ? { next: String(from + limit) } : {}),
        });
      }
      case 'POST conversations': {
        const made = addRoom();
        made.doc.transact(() => {
          made.doc.getText('title').insert(0, JSON.parse(body || '{}').title ?? '');
          for (const [key, value] of Object.entries({
            schema: 1,
            created: Date.now(),
            updated: Date.now(),
          }))
            made.doc.getMap('meta').set(key, value);
        });
        emit({ type: 'conversation:added', id: made.id });
        return json(201, { id: made.id });
      }
      case 'GET conversations/*':
        return room ? json(200, summary(room)) : problem(404, 'No such conversation');
      case 'DELETE conversations/*':
        rooms.delete(path[1]);
        room?.sockets.forEach((socket) => socket.close(4404));
        room?.awareness.destroy();
        emit({ type: 'conversation:removed', id: path[1] });
        return json(204);
      case 'POST conversations/*/share': {
        if (!room) return problem(404, 'No such conversation');
        room.grants++;
        const ticket = `vivim1${Buffer.from(room.id)
          .toString('hex')
          .replaceAll(/[0189]/g, 'x')}${room.id}`;
        emit({ type: 'conversation:changed', id: room.id });
        return json(200, {
          ticket,
          url: `vivim://join/${ticket}`,
          link: `http://${request.headers.host}/#/join/${ticket}`,
          grant: `g${room.grants}`,
        });
      }
      case 'GET conversations/*/shares':
        return json(200, {
          grants: Array.from({ length: room?.grants ?? 0 }, (_, at) => ({
            grant: `g${at + 1}`,
            made_by_us: true,
          })),
          members: [],
        });
      case 'DELETE conversations/*/shares':
        if (room) room.grants = 0;
        return json(204);
      case 'POST join': {
        const id = JSON.parse(body).ticket.slice(-26);
        return rooms.has(id)
          ? json(200, { id, title: summary(rooms.get(id)).title })
          : problem(400, 'Not a ticket', 'This ticket is damaged.');
      }
      case 'GET search': {
        const [limit, offset] = [
          Number(url.searchParams.get('limit') ?? 20),
          Number(url.searchParams.get('offset') ?? 0),
        ];
        return json(200, {
          hits: search(url.searchParams.get('q') ?? '', url.searchParams.get('sort')).slice(
            offset,
            offset + limit,
          ),
          indexing: { pending: 0 },
        });
      }
      case 'POST import/*/upload':
      case 'POST import/*': {
        const id = `job${jobs.size + 1}`;
        try {
          jobs.set(id, {
            id,
            state: 'done',
            bytes: body.length,
            bytes_total: body.length,
            report: importExport(JSON.parse(body)),
          });
        } catch (error) {
          jobs.set(id, {
            id,
            state: 'failed',
            bytes: 0,
            bytes_total: body.length,
            problem: {
              title: 'The file could not be read',
              status: 422,
              detail: String(error.message),
            },
          });
        }
        emit({ type: 'job:progress', ...jobs.get(id), job: id });
        return json(202, { job: id });
      }
      case 'GET jobs/*':
        return jobs.has(path[1]) ? json(200, jobs.get(path[1])) : problem(404, 'No such job');
      case 'GET blobs/*':
        return blobs.has(path[1])
          ? response
              .writeHead(200, {
                'content-type': blobs.get(path[1]).mime,
                'cache-control': 'immutable, max-age=31536000',
              })
              .end(blobs.get(path[1]).bytes)
          : problem(404, 'No such block');
      case 'GET conversations/*/export':
        return json(200, room ? summary(room) : {});
      default:
        return problem(404, 'No such route');
    }
  });

  function serveStatic(pathname, response) {
    const name = normalize(pathname === '/' ? '/index.html' : pathname);
    const file = join(dist, name);
    if (name.includes('..') || !existsSync(file)) return response.writeHead(404).end('not found');
    const caching = name.startsWith('/assets/')
      ? 'public, max-age=31536000, immutable'
      : 'no-cache';
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': policy,
      'cache-control': caching,
      'x-content-type-options': 'nosniff',
    });
    return createReadStream(file).pipe(response);
  }

  server.on('upgrade', (request, socket, head) => {
    const path = new URL(request.url, 'http://mock').pathname;
    wss.handleUpgrade(request, socket, head, (ws) => {
      ws.binaryType = 'nodebuffer';
      if (path === '/api/v2/events') {
        watchers.add(ws);
        ws.on('close', () => watchers.delete(ws));
      } else {
        const room = rooms.get(path.split('/')[2]);
        if (room) join_(room, ws);
        else ws.close(4404, 'no such document');
      }
    });
  });

  function join_(room, ws) {
    ws.clients = new Set();
    room.sockets.add(ws);
    const step1 = () =>
      ws.send(frame(0, (encoder) => syncProtocol.writeSyncStep1(encoder, room.doc)));
    ws.on('message', (message) => {
      const decoder = decoding.createDecoder(new Uint8Array(message));
      const type = decoding.readVarUint(decoder);
      if (type === 1)
        return awarenessProtocol.applyAwarenessUpdate(
          room.awareness,
          decoding.readVarUint8Array(decoder),
          ws,
        );
      if (type !== 0) return undefined;
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, 0);
      const kind = syncProtocol.readSyncMessage(decoder, encoder, room.doc, ws);
      if (encoding.length(encoder) > 1) ws.send(encoding.toUint8Array(encoder));
      if (kind === 0) step1();
      return undefined;
    });
    ws.on('close', () => {
      room.sockets.delete(ws);
      awarenessProtocol.removeAwarenessStates(room.awareness, [...ws.clients], null);
    });
    const states = [...room.awareness.getStates().keys()];
    if (states.length > 0)
      ws.send(
        frame(1, (encoder) =>
          encoding.writeVarUint8Array(
            encoder,
            awarenessProtocol.encodeAwarenessUpdate(room.awareness, states),
          ),
        ),
      );
  }

  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    rooms,
    blobs,
    addRoom,
    importExport,
    async stop() {
      for (const client of wss.clients) client.terminate();
      for (const room of rooms.values()) room.awareness.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const randomId = () =>
  Array.from(
    crypto.getRandomValues(new Uint8Array(26)),
    (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte & 31],
  ).join('');

function frame(type, write) {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return encoding.toUint8Array(encoder);
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, otherwise) =>
    process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise;
  const node = await startMockNode({
    port: Number(option('--port', 8479)),
    dist: option('--dist', join(here, '../dist')),
    token: option('--token', ''),
  });
  const file = option('--import', '');
  if (file) console.log(node.importExport(JSON.parse(readFileSync(file, 'utf8'))));
  console.log(node.url);
}
