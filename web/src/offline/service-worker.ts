/** Keeps the files of the app in the browser. ONNX Runtime, which is large, is kept when it was first asked for. */

declare const self: ServiceWorkerGlobalScope;

/** Put in when the app is built: its files, and a name that changes with them. */
declare const APP_FILES: readonly string[];
declare const APP_VERSION: string;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(APP_VERSION).then((cache) => cache.addAll([...APP_FILES])));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOlder().then(() => self.clients.claim()));
});

async function forgetOlder(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== APP_VERSION).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(keptOrFetched(event.request));
});

async function keptOrFetched(request: Request): Promise<Response> {
  const cache = await caches.open(APP_VERSION);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept !== undefined) return kept;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}

export type {};
