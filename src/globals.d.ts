/** What Node and browsers share, and is described in the DOM's types alone. */
declare namespace WebAssembly {
  type Module = object;
  function compile(code: Uint8Array): Promise<Module>;
}
