// The app shell without a network. Hashed files are answered from the cache; the page itself comes from the node when
// it answers, and from this worker's own version when it does not. A new version waits until no page uses the old one
// (no skipWaiting), so a page never meets files of another build. The build fills in the first three constants.
const version = '__VERSION__';
const files = __FILES__;
const filesFirst = __FIRST__;
const shellCache = `vivim-shell-${version}`;
const blobCache = 'vivim-blobs';
const blobsMax = 300;
const blobBytesMax = 8 << 20;
const scope = new URL(self.registration.scope);

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(shellCache)
      .then((cache) =>
        cache.addAll(
          ['./', ...filesFirst.map((name) => `./${name}`)].map(
            (url) => new Request(new URL(url, scope), { cache: 'no-cache' }),
          ),
        ),
      ),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith('vivim-shell-') && name !== shellCache)
            .map((name) => caches.delete(name)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (
    request.method !== 'GET' ||
    url.origin !== scope.origin ||
    !url.pathname.startsWith(scope.pathname)
  )
    return;
  const path = url.pathname.slice(scope.pathname.length);
  if (request.mode === 'navigate') {
    // A link with the session's token must reach the node: it sets the cookie and redirects.
    if (url.search === '' && (path === '' || path === 'index.html'))
      event.respondWith(page(request));
  } else if (files.includes(path)) {
    event.respondWith(shellFile(request));
  } else if (path.startsWith('api/v2/blobs/')) {
    event.respondWith(blob(request));
  }
});

async function page(request) {
  try {
    const answer = await fetch(request);
    if (
      answer.ok ||
      answer.type === 'opaqueredirect' ||
      (answer.status >= 400 && answer.status < 500)
    )
      return answer;
  } catch {
    // The node is not there: the shell below works on what this browser keeps.
  }
  const kept = await caches.match(new URL('./', scope).href, { cacheName: shellCache });
  return kept ?? Response.error();
}

async function shellFile(request) {
  const kept = await caches.match(request, { cacheName: shellCache });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.status === 200) await (await caches.open(shellCache)).put(request, answer.clone());
  return answer;
}

async function blob(request) {
  const cache = await caches.open(blobCache);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.status === 200 && Number(answer.headers.get('content-length') ?? 0) <= blobBytesMax) {
    await cache.put(request, answer.clone());
    const keys = await cache.keys();
    await Promise.all(
      keys.slice(0, Math.max(0, keys.length - blobsMax)).map((key) => cache.delete(key)),
    );
  }
  return answer;
}
