/** Once the page is there: keeps its files in the browser, so that it opens without a network. */
export function workOffline(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const register = () => navigator.serviceWorker.register("./service-worker.js").catch(() => {}); // it works online all the same
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}
