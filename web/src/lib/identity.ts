import { signal } from '@preact/signals';
import { randomId } from './ids';
import { storage } from './storage';

/** Who this browser is to the others: chosen once, editable, kept in localStorage. */
export interface Identity {
  id: string;
  name: string;
  colour: string;
}

/** Dark enough for white text (contrast 4.5 or more) and distinct from one another. */
export const colours = [
  '#a8442f',
  '#8a5a00',
  '#4c6b1f',
  '#1f6f5c',
  '#1c6a8c',
  '#3f5bb5',
  '#7a4bb0',
  '#a33a78',
] as const;

const adjectives = ['Quiet', 'Bright', 'Gentle', 'Curious', 'Patient', 'Swift', 'Mellow', 'Candid'];
const animals = ['Heron', 'Otter', 'Lynx', 'Wren', 'Badger', 'Ibis', 'Marten', 'Finch'];

function pick<T>(from: readonly T[]): T {
  return from[crypto.getRandomValues(new Uint32Array(1))[0]! % from.length]!;
}

function load(): Identity {
  const kept = storage.getJson<Partial<Identity>>('identity');
  const made: Identity = {
    id: typeof kept?.id === 'string' ? kept.id : randomId(),
    name:
      typeof kept?.name === 'string' && kept.name !== ''
        ? kept.name
        : `${pick(adjectives)} ${pick(animals)}`,
    colour: safeColour(kept?.colour, pick(colours)),
  };
  storage.set('identity', JSON.stringify(made));
  return made;
}

/** A colour from another peer, only if it is a plain hex colour: it ends up in a style attribute. */
export function safeColour(colour: unknown, otherwise = '#5b6168'): string {
  return typeof colour === 'string' && /^#[0-9a-f]{6}$/i.test(colour) ? colour : otherwise;
}

/** Up to two letters for an avatar. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : undefined];
  return (
    letters
      .map((word) => (word === undefined ? '' : (Array.from(word)[0] ?? '')))
      .join('')
      .toUpperCase() || '?'
  );
}

export const identity = signal<Identity>(load());

export function setIdentity(name: string, colour: string): void {
  identity.value = {
    id: identity.value.id,
    name: name.trim().slice(0, 60) || identity.value.name,
    colour: safeColour(colour, identity.value.colour),
  };
  storage.set('identity', JSON.stringify(identity.value));
}
