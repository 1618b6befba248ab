import { useEffect, useRef } from 'preact/hooks';
import { api } from '../api/client';
import { nodeOnline } from '../api/events';
import type { ConversationSummary, SearchHit } from '../api/types';
import { identity, initials } from '../lib/identity';
import * as library from '../lib/library';
import { go, route, routeHash } from '../lib/router';
import { theme } from '../lib/theme';
import { longDate, shortDate } from '../lib/time';
import { openDialog } from './dialog';
import {
  HelpIcon,
  ImportIcon,
  KeyIcon,
  MoonIcon,
  PlusIcon,
  ProviderMark,
  providerName,
  SearchIcon,
  SunIcon,
  SystemIcon,
} from './icons';
import { toastError } from './toasts';

export async function createConversation(): Promise<void> {
  try {
    const { id } = await api.create();
    library.setQuery('');
    go({ page: 'conversation', id });
  } catch (error) {
    toastError(error);
  }
}

export function Sidebar() {
  return (
    <nav class="sidebar" aria-label="Conversations">
      <Head />
      <SearchBox />
      {library.query.value.trim() === '' ? <ConversationList /> : <HitList />}
      <Foot />
    </nav>
  );
}

function Head() {
  const picker = useRef<HTMLInputElement>(null);
  const onPick = () => {
    const files = Array.from(picker.current?.files ?? []);
    if (picker.current) picker.current.value = '';
    void library.importFiles(files);
  };
  return (
    <header class="sidebar-head">
      <a class="brand" href="#/" aria-label="VIVIM, to the list">
        <img src="./icon.svg" alt="" width="26" height="26" />
        <span>vivim</span>
      </a>
      <div class="row">
        <button
          type="button"
          class="button quiet square"
          title="Join with a ticket"
          aria-label="Join a shared conversation"
          onClick={() => (openDialog.value = { kind: 'join', ticket: '' })}
        >
          <KeyIcon />
        </button>
        <button
          type="button"
          class="button quiet square"
          title="Import an export"
          aria-label="Import an export"
          onClick={() => picker.current?.click()}
        >
          <ImportIcon />
        </button>
        <button
          type="button"
          class="button primary square"
          title="New conversation (n)"
          aria-label="New conversation"
          onClick={() => void createConversation()}
        >
          <PlusIcon />
        </button>
      </div>
      <input
        ref={picker}
        type="file"
        accept=".zip,.json,application/zip,application/json"
        multiple
        hidden
        onChange={onPick}
        data-testid="import"
      />
    </header>
  );
}

function SearchBox() {
  return (
    <div class="search" role="search">
      <SearchIcon />
      <input
        id="search"
        type="search"
        placeholder="Search every word"
        aria-label="Search conversations"
        aria-keyshortcuts="/"
        autocomplete="off"
        value={library.query.value}
        onInput={(event) => library.setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && library.query.value !== '') {
            library.setQuery('');
            event.stopPropagation();
          }
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

interface SwitchProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** A few choices side by side; one tab stop, arrows choose (it is a radio group). */
export function Switch<T extends string>({ label, value, options, onChange }: SwitchProps<T>) {
  return (
    <fieldset class="switch">
      <legend class="sr">{label}</legend>
      {options.map(([key, text]) => (
        <label key={key} data-checked={key === value}>
          <input type="radio" name={label} checked={key === value} onChange={() => onChange(key)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

function onListKeys(event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const links = Array.from(
    (event.currentTarget as Element).querySelectorAll<HTMLElement>('a.item'),
  );
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  links[at + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
}

function ConversationList() {
  const list = library.conversations.value;
  const state = library.listState.value;
  const current = route.value.page === 'conversation' ? route.value.id : null;
  const now = Date.now();
  return (
    <div class="list" onKeyDown={onListKeys}>
      <div class="list-head">
        <h2>
          {list.length === 0
            ? 'Conversations'
            : `${list.length}${library.nextPage.value === null ? '' : '+'} conversations`}
        </h2>
        <Switch
          label="Order of the list"
          value={library.listSort.value}
          options={[
            ['newest', 'Newest'],
            ['oldest', 'Oldest'],
            ['title', 'A–Z'],
          ]}
          onChange={library.setListSort}
        />
      </div>
      {state === 'offline' && (
        <p class="note">The node does not answer. What you see was kept by this browser.</p>
      )}
      {list.length === 0 && state === 'ready' && <EmptyList />}
      <ul>
        {list.map((item) => (
          <ListItem key={item.id} item={item} current={item.id === current} now={now} />
        ))}
      </ul>
      {library.nextPage.value !== null && <MoreButton run={library.loadMore} />}
    </div>
  );
}

/** Loads the next page when it comes near, or when pressed. */
function MoreButton({ run }: { run: () => Promise<void> }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && void run(),
      { rootMargin: '400px' },
    );
    if (button.current) observer.observe(button.current);
    return () => observer.disconnect();
  });
  return (
    <button ref={button} type="button" class="button quiet more" onClick={() => void run()}>
      Show more
    </button>
  );
}

function EmptyList() {
  return (
    <div class="empty-list">
      <p>
        <strong>Nothing here yet.</strong>
      </p>
      <p>
        Drop an export from ChatGPT or Claude anywhere on this page, or press the import button
        above.
      </p>
    </div>
  );
}

function ListItem({
  item,
  current,
  now,
}: {
  item: ConversationSummary;
  current: boolean;
  now: number;
}) {
  const time = item.updated ?? item.created;
  return (
    <li>
      <a
        class="item"
        href={routeHash({ page: 'conversation', id: item.id })}
        aria-current={current ? 'page' : undefined}
      >
        <ProviderMark provider={item.provider} />
        <span class="item-text">
          <span class="item-title">{item.title || 'Untitled'}</span>
          <span class="item-facts">
            {providerName(item.provider)}
            {item.model && item.model !== 'auto' && <span> · {item.model}</span>}
            {item.shared && <span class="item-shared"> · shared</span>}
          </span>
        </span>
        {time ? (
          <time class="item-time" dateTime={new Date(time).toISOString()} title={longDate(time)}>
            {shortDate(time, now)}
          </time>
        ) : null}
      </a>
    </li>
  );
}

function HitList() {
  const list = library.hits.value;
  const now = Date.now();
  return (
    <div class="list" onKeyDown={onListKeys} aria-busy={library.searching.value}>
      <div class="list-head">
        <h2 role="status">
          {list === null
            ? 'Searching…'
            : list.length === 0
              ? 'Nothing found'
              : `${list.length}${library.hitsMore.value ? '+' : ''} places`}
        </h2>
        <Switch
          label="Order of what was found"
          value={library.searchSort.value}
          options={[
            ['newest', 'Newest'],
            ['best', 'Best'],
          ]}
          onChange={library.setSearchSort}
        />
      </div>
      <ul>
        {(list ?? []).map((hit) => (
          <Hit key={`${hit.conversation}/${hit.turn ?? ''}`} hit={hit} now={now} />
        ))}
      </ul>
      {library.hitsMore.value && <MoreButton run={library.moreHits} />}
    </div>
  );
}

function Hit({ hit, now }: { hit: SearchHit; now: number }) {
  const target = hit.turn
    ? { page: 'conversation' as const, id: hit.conversation, turn: hit.turn }
    : { page: 'conversation' as const, id: hit.conversation };
  return (
    <li>
      <a class="item hit" href={routeHash(target)}>
        <span class="item-text">
          <span class="item-line">
            <span class="item-title">{hit.title || 'Untitled'}</span>
            {hit.time ? <time class="item-time">{shortDate(hit.time, now)}</time> : null}
          </span>
          <span class="snippet">
            {hit.snippet.map((piece, at) =>
              piece.match ? <mark key={at}>{piece.text}</mark> : piece.text,
            )}
          </span>
        </span>
      </a>
    </li>
  );
}

function Foot() {
  const { name, colour } = identity.value;
  const next = { system: 'light', light: 'dark', dark: 'system' } as const;
  const Icon = { system: SystemIcon, light: SunIcon, dark: MoonIcon }[theme.value];
  const online = nodeOnline.value;
  return (
    <footer class="sidebar-foot">
      <button
        type="button"
        class="me"
        onClick={() => (openDialog.value = { kind: 'identity' })}
        title="Your name and colour"
      >
        <span class="avatar" style={{ background: colour }} aria-hidden="true">
          {initials(name)}
        </span>
        <span class="me-name">{name}</span>
        <span class="me-node">
          {online === null ? 'Looking for the node…' : online ? 'Node is running' : 'Node is away'}
        </span>
      </button>
      <div class="row">
        <button
          type="button"
          class="button quiet square"
          title={`Colours: ${theme.value}`}
          aria-label={`Colours: ${theme.value}. Change to ${next[theme.value]}`}
          onClick={() => (theme.value = next[theme.value])}
        >
          <Icon />
        </button>
        <button
          type="button"
          class="button quiet square"
          title="Keyboard help (?)"
          aria-label="Keyboard help"
          onClick={() => (openDialog.value = { kind: 'help' })}
        >
          <HelpIcon />
        </button>
      </div>
    </footer>
  );
}
