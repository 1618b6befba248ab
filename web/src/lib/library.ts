import { batch, signal } from '@preact/signals';
import { api, ApiError } from '../api/client';
import { onNodeEvent } from '../api/events';
import type { ConversationSummary, Job, ListSort, SearchHit, SearchSort } from '../api/types';
import { toast, toastError } from '../ui/toasts';
import { storage } from './storage';

/** The list of conversations, the search in it, and imports: what the left side shows. */

const pageSize = 50;
const keptMax = 200;
const debounceMs = 180;
const refreshMs = 250;

export const conversations = signal<readonly ConversationSummary[]>(
  storage.getJson<ConversationSummary[]>('list') ?? [],
);
export const listState = signal<'loading' | 'ready' | 'offline'>('loading');
export const nextPage = signal<string | null>(null);
export const listSort = signal<ListSort>('newest');
/** The node wants the session's token. */
export const unauthorised = signal(false);

export const query = signal('');
export const searchSort = signal<SearchSort>('newest');
export const hits = signal<readonly SearchHit[] | null>(null);
export const hitsMore = signal(false);
export const searching = signal(false);

export const importing = signal<{ name: string; job: Job | null } | null>(null);

function setList(list: readonly ConversationSummary[], next: string | null | undefined): void {
  batch(() => {
    conversations.value = list;
    nextPage.value = next ?? null;
    listState.value = 'ready';
    unauthorised.value = false;
  });
  if (listSort.value === 'newest') storage.set('list', JSON.stringify(list.slice(0, keptMax)));
}

function onListError(error: unknown): void {
  if (error instanceof ApiError && error.isUnauthorised) unauthorised.value = true;
  else if (error instanceof ApiError && error.isOffline) listState.value = 'offline';
  else toastError(error);
}

let listGeneration = 0;

/** Loads the list again, as many as are shown now. */
export async function refreshList(): Promise<void> {
  const generation = ++listGeneration;
  try {
    const limit = Math.max(pageSize, Math.min(conversations.value.length, 500));
    const page = await api.list({ limit, sort: listSort.value });
    if (generation === listGeneration) setList(page.conversations, page.next);
  } catch (error) {
    if (generation === listGeneration) onListError(error);
  }
}

export async function loadMore(): Promise<void> {
  const after = nextPage.value;
  if (after === null) return;
  const generation = ++listGeneration;
  try {
    const page = await api.list({ limit: pageSize, after, sort: listSort.value });
    if (generation !== listGeneration) return;
    const known = new Set(conversations.value.map((item) => item.id));
    setList(
      [...conversations.value, ...page.conversations.filter((item) => !known.has(item.id))],
      page.next,
    );
  } catch (error) {
    onListError(error);
  }
}

export function setListSort(sort: ListSort): void {
  listSort.value = sort;
  void refreshList();
}

let searchTimer: ReturnType<typeof setTimeout> | undefined;
let searchAbort: AbortController | undefined;

export function setQuery(text: string): void {
  query.value = text;
  clearTimeout(searchTimer);
  searchAbort?.abort();
  if (text.trim() === '') {
    hits.value = null;
    searching.value = false;
    return;
  }
  searching.value = true;
  searchTimer = setTimeout(() => void runSearch(0), debounceMs);
}

export function setSearchSort(sort: SearchSort): void {
  searchSort.value = sort;
  if (query.value.trim() !== '') void runSearch(0);
}

const hitsPage = 40;

async function runSearch(offset: number): Promise<void> {
  searchAbort?.abort();
  const abort = new AbortController();
  searchAbort = abort;
  searching.value = true;
  try {
    const result = await api.search(
      { q: query.value.trim(), sort: searchSort.value, limit: hitsPage, offset },
      abort.signal,
    );
    if (abort.signal.aborted) return;
    hits.value = offset === 0 ? result.hits : [...(hits.value ?? []), ...result.hits];
    hitsMore.value = result.hits.length === hitsPage;
  } catch (error) {
    if (abort.signal.aborted) return;
    hits.value = [];
    hitsMore.value = false;
    onListError(error);
  }
  searching.value = false;
}

export const moreHits = () => runSearch(hits.value?.length ?? 0);

/** Imports one file after the other; the report of each is said in passing. */
export async function importFiles(files: readonly File[]): Promise<void> {
  for (const file of files) {
    importing.value = { name: file.name, job: null };
    try {
      const { job } = await api.upload(file);
      sayReport(file.name, await finished(file.name, job));
    } catch (error) {
      toastError(error);
    }
  }
  importing.value = null;
  await refreshList();
}

/** Waits for the end of a job: by its events, and by asking now and then in case one was missed. */
async function finished(name: string, id: string): Promise<Job> {
  for (let wait = 60; ; wait = Math.min(wait * 1.6, 1_000)) {
    const job = await api.job(id);
    importing.value = { name, job };
    if (job.state !== 'running') return job;
    await nextNews(id, wait);
  }
}

function nextNews(job: string, waitMs: number): Promise<void> {
  return new Promise((done) => {
    const stop = onNodeEvent(
      (event) =>
        event.type === 'job:progress' && (event['job'] === job || event['id'] === job) && end(),
    );
    const timer = setTimeout(() => end(), waitMs);
    const end = () => {
      stop();
      clearTimeout(timer);
      done();
    };
  });
}

function sayReport(name: string, job: Job): void {
  if (job.state === 'failed') {
    const why = job.problem?.detail ?? job.problem?.title ?? 'The import failed.';
    toast(`${name}: ${why}`, { tone: 'bad' });
    return;
  }
  const count = (key: string) =>
    typeof job.report?.[key] === 'number' ? (job.report[key] as number) : 0;
  const unknown = Object.values((job.report?.['unknown_kinds'] ?? {}) as Record<string, number>);
  const verbatim = unknown.reduce((sum, kind) => sum + kind, 0);
  const failed = count('failed');
  const words = [
    `${count('added')} new`,
    ...(count('updated') > 0 ? [`${count('updated')} with news`] : []),
    ...(count('unchanged') > 0 ? [`${count('unchanged')} already here`] : []),
    ...(verbatim > 0 ? [`${verbatim} parts kept verbatim`] : []),
    ...(failed > 0 ? [`${failed} could not be read`] : []),
  ];
  toast(`Imported ${name}: ${words.join(', ')}`, { tone: failed > 0 ? 'bad' : 'plain' });
}

let refreshTimer: ReturnType<typeof setTimeout> | undefined;

/** Keeps the list true to the node's events; bursts become one request. */
export function startLibrary(): void {
  void refreshList();
  onNodeEvent((event) => {
    if (!event.type.startsWith('conversation:') && event.type !== 'reconnected') return;
    if (refreshTimer !== undefined) return;
    refreshTimer = setTimeout(() => {
      refreshTimer = undefined;
      void refreshList();
    }, refreshMs);
  });
}
