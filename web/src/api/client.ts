import type {
  ConversationPage,
  Job,
  ListSort,
  NodeStatus,
  Problem,
  SearchResult,
  SearchSort,
  Shares,
  Ticket,
} from './types';

/** An answer that says no, or no answer at all (`status` 0). */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }

  get isOffline(): boolean {
    return this.problem.status === 0;
  }

  /** The session's token is missing or old. */
  get isUnauthorised(): boolean {
    return this.problem.status === 401 || this.problem.status === 403;
  }
}

const apiBase = () => new URL('api/v2/', document.baseURI);

/** The WebSocket address of a path of this node. */
export function socketUrl(path: string): string {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  url.search = '';
  return url.href;
}

interface CallOptions {
  json?: unknown;
  body?: Blob;
  signal?: AbortSignal;
  query?: Record<string, string | number | undefined>;
}

async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const url = new URL(path, apiBase());
  for (const [key, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) url.searchParams.set(key, String(value));
  }
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: { accept: 'application/json' },
  };
  if (options.signal) init.signal = options.signal;
  if (options.json !== undefined) {
    init.body = JSON.stringify(options.json);
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
  } else if (options.body) {
    init.body = options.body;
  }
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError({
      title: 'The node does not answer',
      status: 0,
      hint: 'Is it running? Start it with: vivim run',
    });
  }
  if (!answer.ok) throw new ApiError(await readProblem(answer));
  if (answer.status === 204) return undefined as T;
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function readProblem(answer: Response): Promise<Problem> {
  try {
    const body = (await answer.json()) as Partial<Problem>;
    return { ...body, title: body.title ?? answer.statusText, status: answer.status };
  } catch {
    return { title: answer.statusText || `Error ${answer.status}`, status: answer.status };
  }
}

const at = (id: string) => `conversations/${encodeURIComponent(id)}`;

export const api = {
  status: () => call<NodeStatus>('GET', 'status'),
  list: (
    query: { limit: number; after?: string | undefined; sort: ListSort },
    signal?: AbortSignal,
  ) => call<ConversationPage>('GET', 'conversations', { query, ...(signal ? { signal } : {}) }),
  search: (
    query: { q: string; sort: SearchSort; limit: number; offset: number },
    signal?: AbortSignal,
  ) => call<SearchResult>('GET', 'search', { query, ...(signal ? { signal } : {}) }),
  create: (title?: string) =>
    call<{ id: string }>('POST', 'conversations', { json: title === undefined ? {} : { title } }),
  remove: (id: string) => call<void>('DELETE', at(id)),
  upload: (file: File) =>
    call<{ job: string }>('POST', 'import/upload', { query: { name: file.name }, body: file }),
  job: (id: string) => call<Job>('GET', `jobs/${encodeURIComponent(id)}`),
  share: (id: string) => call<Ticket>('POST', `${at(id)}/share`, { json: {} }),
  shares: (id: string) => call<Shares>('GET', `${at(id)}/shares`),
  unshare: (id: string) => call<void>('DELETE', `${at(id)}/shares`),
  join: (ticket: string) =>
    call<{ id: string; title?: string }>('POST', 'join', { json: { ticket } }),
};

export const blobUrl = (cid: string) => new URL(`blobs/${encodeURIComponent(cid)}`, apiBase()).href;
export const exportUrl = (id: string, format: 'json' | 'md' | 'html') =>
  new URL(`${at(id)}/export?format=${format}`, apiBase()).href;
