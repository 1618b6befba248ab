import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  badge,
  edited,
  kept,
  openConversation,
  setOffline,
  startWorld,
  turnTexts,
  until,
} from './harness.mjs';

let world;
let first;
let second;
let traveller;
let id;
let longId;

before(async () => {
  world = await startWorld();
  first = await world.openBrowser(world.a);
  second = await world.openBrowser(world.b);
  traveller = await world.openBrowser(world.a, { cuttable: true });
});

after(async () => {
  await world?.stop();
  assert.deepEqual(world?.problems, []);
});

test('an export is imported by the picker, and appears in the list by itself', async () => {
  const { page } = first;
  await page.getByTestId('import').setInputFiles({
    name: 'conversations.json',
    mimeType: 'application/json',
    buffer: world.exported(),
  });
  await page.locator('a.item', { hasText: world.titles.short }).waitFor();
  await page.locator('a.item', { hasText: world.titles.long }).waitFor();
  id = await until('the conversation by REST', () => world.a.find(world.titles.short));
  longId = await world.a.find(world.titles.long);
  await world.shareToB(id);
  await second.page.locator('a.item', { hasText: world.titles.short }).waitFor();
});

test('a conversation is rendered: Markdown, formulas, code, tools, thoughts; the hidden turn on demand', async () => {
  const { page } = first;
  await openConversation(first, id);
  await page.locator('.katex').first().waitFor();
  await page.locator('.code .hljs-keyword').first().waitFor();
  await page.locator('.output', { hasText: '11.92266' }).waitFor();
  assert.equal(await page.locator('.prose table').count(), 1);
  assert.equal(await page.locator('.turn', { hasText: 'patient navigator' }).count(), 0);
  await page.locator('summary', { hasText: 'Geometry of the horizon' }).click();
  await page.locator('.thought', { hasText: 'touches the sphere' }).waitFor();
  await page.getByRole('button', { name: /hidden/ }).click();
  await page.locator('.turn', { hasText: 'patient navigator' }).waitFor();
  await page.getByRole('button', { name: /Hide/ }).click();
  assert.match((await page.locator('.facts').textContent()) ?? '', /ChatGPT.*gpt-5-2.*2025/);
});

test('branches are switched by mouse and by keyboard', async () => {
  const { page } = first;
  await openConversation(first, id);
  const count = page.locator('.fork-count');
  assert.equal(await count.textContent(), '1/3');
  await page.getByRole('button', { name: 'Next branch' }).click();
  await page.locator('.turn', { hasText: 'Thank you, that is enough.' }).waitFor();
  assert.equal(await count.textContent(), '2/3');
  await page.locator('.turn', { hasText: 'A shorter answer' }).focus();
  await page.keyboard.press(']');
  await page.locator('.turn:focus', { hasText: 'The third answer' }).waitFor();
  await page.locator('.turn', { hasText: 'Which list?' }).waitFor();
  await page.keyboard.press(']');
  await page.locator('.turn:focus', { hasText: 'The rule of thumb' }).waitFor();
  await page.keyboard.press('[');
  assert.equal(await count.textContent(), '3/3');
});

test('two browsers that type at once converge, and see each other', async () => {
  await Promise.all([first, second].map((browser) => openConversation(browser, id)));
  const pages = [first.page, second.page];
  for (const page of pages) {
    await page.locator('.turn').first().focus();
    await page.keyboard.press('e');
    await page.locator('.cm-content:focus').waitFor();
  }
  const before = await edited(first.page);
  await first.page.keyboard.press('Control+Home');
  await Promise.all([
    first.page.keyboard.type('a'.repeat(150), { delay: 3 }),
    second.page.keyboard.type('b'.repeat(150), { delay: 4 }),
  ]);
  const wanted = before.length + 300;
  await until('both texts to be whole and equal', async () => {
    const [one, two] = await Promise.all(pages.map(edited));
    return one === two && one.length === wanted;
  });
  assert.equal(await edited(first.page), 'a'.repeat(150) + before + 'b'.repeat(150));
  await Promise.all(
    pages.map((page) => page.locator('.cm-ySelectionInfo').waitFor({ state: 'attached' })),
  );
  await Promise.all(pages.map((page) => page.locator('.visitors .avatar').first().waitFor()));
  await Promise.all(pages.map((page) => badge(page, 'online')));
  for (const page of pages) await page.keyboard.press('Escape');
  await first.page.locator('.turn .prose', { hasText: 'bbbbbb' }).waitFor();
});

test('undo takes back only what this browser did', async () => {
  const { page } = first;
  await openConversation(first, id);
  await openConversation(second, id);
  await page.locator('#composer').fill('A turn by the first.');
  await page.keyboard.press('Control+Enter');
  await second.page.locator('.turn', { hasText: 'A turn by the first.' }).waitFor();
  await second.page.locator('#composer').fill('A turn by the second.');
  await second.page.getByRole('button', { name: 'Add turn' }).click();
  await page.locator('.turn', { hasText: 'A turn by the second.' }).waitFor();
  const added = page.locator('.turn', { hasText: 'A turn by the first.' });
  await added.focus();
  await page.keyboard.press('Delete');
  await added.waitFor({ state: 'detached' });
  await page.locator('.turn', { hasText: 'A turn by the second.' }).focus();
  await page.keyboard.press('Control+z');
  await added.waitFor();
  await second.page.locator('.turn', { hasText: 'A turn by the second.' }).waitFor();
});

test('the title is edited in place and follows live', async () => {
  await openConversation(first, id);
  await openConversation(second, id);
  await first.page.locator('.title-field').fill(`${world.titles.short}, by stars`);
  await second.page.waitForFunction(
    (title) => document.querySelector('.title-field').value === title,
    `${world.titles.short}, by stars`,
  );
  await second.page.locator('a.item', { hasText: `${world.titles.short}, by stars` }).waitFor();
});

test('a turn is added as a branch of any turn', async () => {
  const { page } = first;
  await openConversation(first, id);
  const turns = await page.locator('.turn').count();
  await page.locator('.turn').first().focus();
  await page.keyboard.press('b');
  await page.locator('.composer-target').waitFor();
  await page.getByRole('radio', { name: 'Note' }).check({ force: true });
  await page.locator('#composer').fill('Another way from here.');
  await page.keyboard.press('Control+Enter');
  await page.locator('.turn[data-role="note"]', { hasText: 'Another way from here.' }).waitFor();
  assert.equal(await page.locator('.turn').count(), 2);
  assert.equal(await page.locator('.fork-count').textContent(), '2/2');
  await page.locator('.turn', { hasText: 'Another way' }).focus();
  await page.keyboard.press('[');
  await until(
    'the first branch again',
    async () => (await page.locator('.turn').count()) > turns / 2,
  );
  await badge(page, 'online');
});

test('edits made offline are kept and merged on return', async () => {
  await openConversation(traveller, id);
  await openConversation(second, id);
  const { page } = traveller;
  await setOffline(traveller, true);
  await badge(page, 'offline');
  await page.locator('.turn').first().focus();
  await page.keyboard.press('e');
  await page.locator('.cm-content:focus').waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' written offline');
  await page.keyboard.press('Escape');
  await page.locator('#composer').fill('An offline turn.');
  await page.keyboard.press('Control+Enter');
  await second.page.locator('#composer').fill('Meanwhile, an online turn.');
  await second.page.keyboard.press('Control+Enter');
  await badge(second.page, 'online');
  await setOffline(traveller, false);
  await badge(page, 'online');
  for (const each of [page, second.page]) {
    await each.locator('.turn', { hasText: 'written offline' }).waitFor();
    // Both were added below the same turn: two branches, neither lost.
    await each.locator('.fork-count', { hasText: '/2' }).last().waitFor();
  }
});

test('offline, the app itself loads, with the list and the conversations that were opened; the edits survive', async () => {
  const { page } = traveller;
  await openConversation(traveller, id);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await kept(page);
  await setOffline(traveller, true);
  await page.reload();
  await page.locator('.turn', { hasText: 'written offline' }).waitFor();
  await badge(page, 'offline');
  await page.locator('a.item', { hasText: world.titles.short }).waitFor();
  await page.locator('#composer').fill('After a reload without a node.');
  await page.keyboard.press('Control+Enter');
  await page.locator('.turn', { hasText: 'After a reload without a node.' }).waitFor();
  await kept(page);
  await page.reload();
  await page.locator('.turn', { hasText: 'After a reload without a node.' }).waitFor();
  await setOffline(traveller, false);
  await badge(page, 'online');
  const turn = await page
    .locator('.turn', { hasText: 'After a reload without a node.' })
    .getAttribute('id');
  await second.page.goto(`${world.b.url}#/c/${id}/${turn.replace('turn-', '')}`);
  await second.page.locator('.turn:focus', { hasText: 'After a reload without a node.' }).waitFor();
});

test('search finds words and goes to their turn, on whatever branch it is', async () => {
  const { page } = first;
  await page.goto(`${world.a.url}#/`);
  await page.locator('#search').fill('Which list');
  const hit = page.locator('a.hit', { hasText: world.mark });
  await hit.locator('mark').first().waitFor();
  await hit.first().click();
  await page.locator('.turn:focus', { hasText: 'Which list?' }).waitFor();
  await page.locator('#search').fill('');
  await page.locator('a.item', { hasText: world.titles.long }).waitFor();
});

test('everything is reached by keyboard alone', async () => {
  const { page } = first;
  await page.goto(`${world.a.url}#/`);
  await page.reload();
  await page.locator('a.item', { hasText: world.titles.short }).waitFor();
  await page.keyboard.press('Tab');
  await page.locator('.skip:focus').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('Nothing else moves');
  await page.locator('a.hit', { hasText: world.mark }).first().waitFor();
  for (let step = 0; step < 12 && (await page.locator('a.hit:focus').count()) === 0; step++)
    await page.keyboard.press('Tab');
  await page.locator('a.hit:focus').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.turn:focus').waitFor();
  await page.keyboard.press('k');
  await page.keyboard.press('j');
  await page.keyboard.press('?');
  await page.locator('dialog[open]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
  await page.locator('.turn:focus').waitFor();
  await page.keyboard.press('e');
  await page.locator('.cm-content:focus').waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' By keyboard alone.');
  await page.keyboard.press('Escape');
  await page.locator('.turn:focus', { hasText: 'By keyboard alone.' }).waitFor();
  await page.keyboard.press('r');
  await page.keyboard.type('A new turn by keyboard.');
  await page.keyboard.press('Control+Enter');
  await page.locator('.turn', { hasText: 'A new turn by keyboard.' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('s');
  await page.locator('dialog[open]', { hasText: 'Share' }).waitFor();
  await page.keyboard.press('Escape');
});

test('a long conversation renders one turn at a keystroke, not all', async () => {
  const { page } = first;
  await openConversation(first, longId);
  await page.locator('.turn').nth(499).waitFor({ state: 'attached' });
  await page.locator('.turn').nth(3).focus();
  await page.keyboard.press('e');
  await page.locator('.cm-content:focus').waitFor();
  await page.evaluate(() => {
    globalThis.changed = new Set();
    const observer = new MutationObserver((records) => {
      for (const record of records) {
        const turn = (
          record.target.nodeType === 1 ? record.target : record.target.parentElement
        )?.closest('.turn');
        if (turn) globalThis.changed.add(turn.id);
      }
    });
    observer.observe(document.querySelector('.turns'), {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  });
  await page.keyboard.type('forty keystrokes in a turn among hundreds');
  await page.keyboard.press('Escape');
  await page.locator('.turn', { hasText: 'forty keystrokes' }).waitFor();
  const changed = await page.evaluate(() => globalThis.changed.size);
  assert.ok(changed <= 2, `${changed} turns changed`);
});

test('a conversation is shared, joined in the dialog, and unshared', async () => {
  const { page } = first;
  await openConversation(first, longId);
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('button', { name: 'Make a ticket' }).click();
  const field = page.getByRole('textbox', { name: 'Ticket' });
  await field.waitFor();
  const ticket = await field.inputValue();
  assert.match(ticket, /^vivim1[a-z2-7]+$/);
  await page.keyboard.press('Escape');
  await second.page.goto(`${world.b.url}#/join/${ticket}`);
  await second.page.getByRole('button', { name: 'Join', exact: true }).click();
  await second.page.locator('.turn', { hasText: 'forty keystrokes' }).waitFor();
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('button', { name: 'Stop sharing' }).click();
  await page.getByText('No ticket opens this conversation any more').waitFor();
  await page.keyboard.press('Escape');
});

test('on a phone the list and the conversation are two screens, and nothing scrolls sideways', async () => {
  const phone = await world.openBrowser(world.a, {
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    deviceScaleFactor: 2,
  });
  const { page } = phone;
  const sideways = () =>
    page.evaluate(() =>
      [
        document.documentElement,
        ...document.querySelectorAll('.sidebar, .list, .conversation, .scroll, .bar, dialog[open]'),
      ]
        .filter(
          (element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0,
        )
        .map(
          (element) =>
            `${element.className || element.tagName}: ${element.scrollWidth} > ${element.clientWidth}`,
        ),
    );
  await page.locator('a.item', { hasText: world.titles.short }).waitFor();
  assert.deepEqual(await sideways(), []);
  assert.equal(await page.locator('main').isVisible(), false);
  await page.locator('a.item', { hasText: world.titles.short }).tap();
  await page.locator('.turn').first().waitFor();
  assert.equal(await page.locator('.sidebar').isVisible(), false);
  assert.deepEqual(await sideways(), []);
  await page.getByRole('button', { name: 'Share', exact: true }).tap();
  await page.locator('dialog[open]').waitFor();
  assert.deepEqual(await sideways(), []);
  await page.getByRole('button', { name: 'Close' }).tap();
  await page.getByRole('button', { name: 'Back to the list' }).tap();
  await page.locator('.sidebar').waitFor();
});

test('a new conversation is made, written in and deleted', async () => {
  const { page } = first;
  await page.goto(`${world.a.url}#/`);
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.locator('.title-field').waitFor();
  await page.locator('.title-field').fill(`Fresh ${world.mark}`);
  await page.locator('#composer').fill('First words.');
  await page.keyboard.press('Control+Enter');
  await page.locator('.turn', { hasText: 'First words.' }).waitFor();
  assert.deepEqual(await turnTexts(page), ['First words.']);
  await page.locator('a.item', { hasText: `Fresh ${world.mark}` }).waitFor();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: /Delete conversation/ }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await page.locator('a.item', { hasText: `Fresh ${world.mark}` }).waitFor({ state: 'detached' });
  assert.equal(await world.a.find(`Fresh ${world.mark}`), undefined);
});
