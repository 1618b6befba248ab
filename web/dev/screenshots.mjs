// The pictures of the README and the guide, from a real node: node web/dev/screenshots.mjs [folder]
// VIVIM_URL_A is a running node's address with its token; without it the stand-in is shown.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeExport } from '../e2e/fixture.mjs';
import { openConversation, startWorld } from '../e2e/harness.mjs';

const folder = process.argv[2] ?? 'docs/images';
mkdirSync(folder, { recursive: true });
const world = await startWorld();
try {
  await world.a.importFile('conversations.json', Buffer.from(JSON.stringify(makeExport(''))));
  const { conversations } = await world.a.call('GET', 'conversations');
  const { id } = conversations.find(({ title }) => title.startsWith('Sailing'));
  const views = [
    ['conversation.png', { colorScheme: 'light' }],
    ['dark.png', { colorScheme: 'dark' }],
    ['phone.png', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
  ];
  for (const [name, options] of views) {
    const browser = await world.openBrowser(world.a, options);
    await openConversation(browser, id);
    await browser.page.locator('.katex').first().waitFor();
    await browser.page.locator('.code .hljs-keyword').first().waitFor();
    await browser.page.screenshot({ path: join(folder, name) });
  }
} finally {
  await world.stop();
}
