// What the end-to-end tests stand on: nodes (from VIVIM_URL_A and VIVIM_URL_B, or the stand-in), Chromium, and waiting.
// A URL is what the node prints, with its token: http://127.0.0.1:8470/?token=...
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startMockNode } from '../dev/mock-node.mjs';
import { makeExport } from './fixture.mjs';

const browserArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const patienceMs = Number(process.env.VIVIM_E2E_PATIENCE_MS ?? 20_000);

class Node {
  constructor(printed) {
    const url = new URL(printed);
    this.token = url.searchParams.get('token') ?? '';
    url.search = '';
    url.hash = '';
    this.url = url.href;
    this.entry = printed;
  }

  async call(method, path, { json, body } = {}) {
    const headers = {
      ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
      ...(json ? { 'content-type': 'application/json' } : {}),
      origin: new URL(this.url).origin,
    };
    const answer = await fetch(new URL(`api/v2/${path}`, this.url), {
      method,
      headers,
      body: json ? JSON.stringify(json) : body,
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Imports bytes as a file and waits for the end of the job. */
  async importFile(name, body) {
    const { job } = await this.call('POST', `import/upload?name=${encodeURIComponent(name)}`, {
      body,
    });
    await until(`import of ${name}`, async () => {
      const { state, problem } = await this.call('GET', `jobs/${job}`);
      assert.notEqual(state, 'failed', JSON.stringify(problem));
      return state === 'done';
    });
  }

  async find(title) {
    let after;
    do {
      const page = await this.call(
        'GET',
        `conversations?limit=100&sort=newest${after ? `&after=${encodeURIComponent(after)}` : ''}`,
      );
      const found = page.conversations.find((item) => item.title === title);
      if (found) return found.id;
      after = page.next;
    } while (after);
    return undefined;
  }
}

/** Asks again until the answer is true. For conditions outside a browser; inside, Playwright waits. */
export async function until(what, condition) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `waited too long for: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** The world of one test file: two nodes that share the test's conversations, a browser, and an end of it all. */
export async function startWorld() {
  const mark = `m${randomBytes(4).toString('hex')}`;
  const mock = process.env.VIVIM_URL_A ? null : await startMockNode();
  const a = new Node(process.env.VIVIM_URL_A ?? mock.url);
  const b = new Node(process.env.VIVIM_URL_B ?? process.env.VIVIM_URL_A ?? mock.url);
  const profiles = [];
  const problems = [];

  const world = {
    mark,
    a,
    b,
    mock,
    titles: { short: `Sailing at night ${mark}`, long: `A long watch ${mark}` },
    exported: () => Buffer.from(JSON.stringify(makeExport(mark))),
    /** What went wrong in any page: a test fails for it at its end. */
    problems,
    /** A browser of its own: separate storage, cookies and service workers. Signed in to `node`. */
    async openBrowser(node, { cuttable = false, ...options } = {}) {
      const profile = await mkdtemp(join(tmpdir(), 'vivim-e2e-'));
      const context = await chromium.launchPersistentContext(profile, {
        executablePath: process.env.VIVIM_CHROMIUM ?? '/usr/bin/chromium',
        args: browserArguments,
        viewport: { width: 1280, height: 860 },
        reducedMotion: 'reduce',
        ...options,
      });
      context.setDefaultTimeout(patienceMs);
      const cable = cuttable ? await routeSockets(context) : undefined;
      profiles.push({ profile, context, cable });
      const page = context.pages()[0] ?? (await context.newPage());
      page.on('pageerror', (error) => problems.push(String(error.stack ?? error)));
      page.on(
        'console',
        (message) =>
          /Content Security Policy|Refused to/.test(message.text()) &&
          problems.push(message.text()),
      );
      await page.goto(node.entry);
      await page.locator('.sidebar').waitFor();
      return { context, page, node, cable };
    },
    /** Shares a conversation of A so that B has it too; its id is the same on both. */
    async shareToB(id) {
      if (a.url === b.url) return;
      const { ticket } = await a.call('POST', `conversations/${id}/share`, { json: {} });
      await b.call('POST', 'join', { json: { ticket } });
      const turns = (await a.call('GET', `conversations/${id}`)).turns.length;
      await until(
        'the conversation on node B',
        async () => (await b.call('GET', `conversations/${id}`)).turns.length === turns,
      );
    },
    async stop() {
      for (const { context, profile, cable } of profiles) {
        // A context that a failed test left without a network does not close.
        if (cable?.cut) await setOffline({ context, cable }, false);
        await context.close();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      }
      await mock?.stop();
    },
  };
  return world;
}

export async function openConversation({ page, node }, id) {
  await page.goto(`${node.url}#/c/${id}`);
  await page.locator('.title-field').waitFor();
  await badge(page, 'online');
}

/** Waits until the badge says so. */
export const badge = (page, state) => page.locator(`.badge[data-state="${state}"]`).waitFor();

/** Waits until every edit is in the browser's own storage: then a reload cannot lose it. */
export const kept = (page) => page.locator('.badge[data-kept]').waitFor();

/** The words of the turn that is being edited. */
export const edited = (page) =>
  page.evaluate(() =>
    Array.from(document.querySelectorAll('.cm-line'), (line) =>
      Array.from(line.childNodes, (node) =>
        node.nodeType === 1 && node.classList.contains('cm-ySelectionCaret')
          ? ''
          : node.textContent,
      ).join(''),
    ).join('\n'),
  );

export const turnTexts = (page) =>
  page.evaluate(() =>
    Array.from(document.querySelectorAll('.turn'), (turn) =>
      turn.querySelector('.turn-body').textContent.trim(),
    ),
  );

/**
 * Chromium's offline mode stops requests, but lets WebSockets that are open live on: for browsers that will be cut off,
 * the sockets go through here. Everything is passed on untouched until then.
 */
async function routeSockets(context) {
  const cable = { cut: false, sockets: new Set() };
  await context.routeWebSocket(/./, (socket) => {
    if (cable.cut) {
      void socket.close({ code: 1011 });
      return;
    }
    socket.connectToServer();
    cable.sockets.add(socket);
  });
  return cable;
}

/** Cuts a (cuttable) browser's network, or gives it back: requests and sockets, new and open. */
export async function setOffline({ context, cable }, offline) {
  cable.cut = offline;
  await context.setOffline(offline);
  if (!offline) return;
  for (const socket of cable.sockets) await socket.close({ code: 1011 });
  cable.sockets.clear();
}
