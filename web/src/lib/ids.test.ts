import { describe, expect, it } from 'vitest';
import { base32, findTicket, randomId } from './ids';
import { parseRoute, routeHash } from './router';
import { byteSize, shortDate } from './time';

describe('base32', () => {
  it('matches RFC 4648, section 10, in lower case and without padding', () => {
    const of = (text: string) => base32(new TextEncoder().encode(text));
    expect(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map(of)).toEqual([
      '',
      'my',
      'mzxq',
      'mzxw6',
      'mzxw6yq',
      'mzxw6ytb',
      'mzxw6ytboi',
    ]);
  });

  it('makes ids in the shape of a document id', () => {
    expect(randomId()).toMatch(/^[a-z2-7]{26}$/);
    expect(randomId()).not.toBe(randomId());
  });
});

describe('findTicket', () => {
  const ticket = `vivim1${'a2b3'.repeat(20)}`;
  it('finds it in each of its forms', () => {
    expect(findTicket(ticket)).toBe(ticket);
    expect(findTicket(`  ${ticket.toUpperCase()}\n`)).toBe(ticket);
    expect(findTicket(`vivim://join/${ticket}`)).toBe(ticket);
    expect(findTicket(`http://127.0.0.1:8470/#/join/${ticket}`)).toBe(ticket);
    expect(findTicket('vivim1short')).toBeUndefined();
    expect(findTicket('')).toBeUndefined();
  });
});

describe('routes', () => {
  it('read what they write', () => {
    for (const route of [
      { page: 'list' },
      { page: 'conversation', id: 'abc' },
      { page: 'conversation', id: 'abc', turn: 'x/y z' },
      { page: 'join', ticket: 'vivim1abc' },
    ] as const) {
      expect(parseRoute(routeHash(route))).toEqual(route);
    }
    expect(parseRoute('#/c/%zz')).toEqual({ page: 'conversation', id: '%zz' });
    expect(parseRoute('#nonsense')).toEqual({ page: 'list' });
  });
});

describe('dates and sizes', () => {
  it('are short', () => {
    const now = new Date(2026, 4, 20, 12).getTime();
    expect(shortDate(new Date(2026, 4, 20, 9, 5).getTime(), now, 'en-GB')).toBe('09:05');
    expect(shortDate(new Date(2026, 4, 18).getTime(), now, 'en-GB')).toBe('Mon');
    expect(shortDate(new Date(2026, 1, 3).getTime(), now, 'en-GB')).toBe('3 Feb');
    expect(shortDate(new Date(2024, 1, 3).getTime(), now, 'en-GB')).toBe('3 Feb 2024');
    expect([12, 1_234, 45_678, 7_800_000].map(byteSize)).toEqual([
      '12 B',
      '1.2 KB',
      '46 KB',
      '7.8 MB',
    ]);
  });
});
