/** What Node and browsers share, and is described in the DOM's types alone. */
declare namespace WebAssembly {
  class Module {
    constructor(code: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  function compile(code: Uint8Array): Promise<Module>;
  function validate(code: Uint8Array): boolean;
}
