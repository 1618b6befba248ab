import { signal } from '@preact/signals';

export type Route =
  | { page: 'list' }
  | { page: 'conversation'; id: string; turn?: string }
  | { page: 'join'; ticket: string };

/** `#/`, `#/c/<id>`, `#/c/<id>/<turn>`, `#/join/<ticket>`. */
export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#\/?/, '').split('/').map(decode);
  if (parts[0] === 'c' && parts[1]) {
    return parts[2]
      ? { page: 'conversation', id: parts[1], turn: parts[2] }
      : { page: 'conversation', id: parts[1] };
  }
  if (parts[0] === 'join' && parts[1]) return { page: 'join', ticket: parts[1] };
  return { page: 'list' };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function routeHash(route: Route): string {
  if (route.page === 'conversation') {
    const turn = route.turn === undefined ? '' : `/${encodeURIComponent(route.turn)}`;
    return `#/c/${encodeURIComponent(route.id)}${turn}`;
  }
  return route.page === 'join' ? `#/join/${encodeURIComponent(route.ticket)}` : '#/';
}

export const route = signal<Route>({ page: 'list' });

export function startRouter(): void {
  const read = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('hashchange', read);
  read();
}

export function go(to: Route, options: { replace?: boolean } = {}): void {
  const hash = routeHash(to);
  if (options.replace) {
    history.replaceState(null, '', hash);
    route.value = to;
  } else {
    location.hash = hash;
  }
}
