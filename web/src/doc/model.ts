/** The document's schema as plain values: docs/protocol/conversation.md. Everything read from a peer is checked here. */

export type Role = 'user' | 'assistant' | 'system' | 'tool' | 'none';

export interface Thought {
  summary: string;
  content: string;
}

/** A part of a turn: `type` and whatever keys its type has. Read with the helpers below: a peer may have written anything. */
export interface Part {
  type: string;
  [key: string]: unknown;
}

export interface TurnFields {
  id: string;
  parent: string | null;
  role: Role;
  time?: number;
  updated?: number;
  index?: number;
  name?: string;
  model?: string;
  channel?: string;
  recipient?: string;
  status?: string;
  content?: string;
  hidden: boolean;
  deleted: boolean;
  parts: Part[];
}

export interface Meta {
  created?: number;
  updated?: number;
  current?: string;
  model?: string;
}

export interface Provenance {
  provider?: string;
  originalId?: string;
  imported?: number;
}

const roles: readonly string[] = ['user', 'assistant', 'system', 'tool', 'none'];

export const asString = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
export const asNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Sets only what is there, as `exactOptionalPropertyTypes` wants it. */
function put<T extends object, K extends keyof T>(
  target: T,
  key: K,
  value: T[K] | undefined,
): void {
  if (value !== undefined) target[key] = value;
}

export interface Getter {
  get(key: string): unknown;
}

export function readTurn(id: string, map: Getter): TurnFields {
  const role = asString(map.get('role')) ?? 'none';
  const parts = map.get('parts');
  const turn: TurnFields = {
    id,
    parent: asString(map.get('parent')) ?? null,
    role: (roles.includes(role) ? role : 'none') as Role,
    hidden: map.get('hidden') === true,
    deleted: map.get('deleted') === true,
    parts: Array.isArray(parts) ? parts.filter(isPart) : [],
  };
  for (const key of ['time', 'updated', 'index'] as const) put(turn, key, asNumber(map.get(key)));
  for (const key of ['name', 'model', 'channel', 'recipient', 'status', 'content'] as const) {
    put(turn, key, asString(map.get(key)));
  }
  return turn;
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && typeof (value as Part).type === 'string';
}

export function readMeta(map: Getter): Meta {
  const meta: Meta = {};
  for (const key of ['created', 'updated'] as const) put(meta, key, asNumber(map.get(key)));
  for (const key of ['current', 'model'] as const) put(meta, key, asString(map.get(key)));
  return meta;
}

export function readProvenance(map: Getter): Provenance {
  const provenance: Provenance = {};
  put(provenance, 'provider', asString(map.get('provider')));
  put(provenance, 'originalId', asString(map.get('original_id')));
  put(provenance, 'imported', asNumber(map.get('imported')));
  return provenance;
}

/** The thoughts of a `thoughts` part, whichever of its two shapes it has. */
export function thoughtsOf(part: Part): Thought[] {
  const list = Array.isArray(part['thoughts']) ? part['thoughts'] : [];
  const thoughts = list
    .filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
    .map((item) => ({
      summary: asString(item['summary']) ?? '',
      content: asString(item['content']) ?? '',
    }));
  const text = asString(part['text']);
  return thoughts.length === 0 && text !== undefined ? [{ summary: '', content: text }] : thoughts;
}

/** Whether a part has nothing that a person could look at. */
export function isBlankPart(part: Part): boolean {
  if (part.type === 'text') return true;
  if (part.type === 'browsing')
    return !asString(part['text'])?.trim() && !asString(part['summary'])?.trim();
  if (part.type === 'thoughts') return thoughtsOf(part).length === 0;
  return false;
}
