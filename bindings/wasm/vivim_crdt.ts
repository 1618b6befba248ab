// The engine of vivim/crdt, compiled to WebAssembly, as a small class. What it reads and writes are Yjs'
// own updates, byte for byte; the browser's default stays Yjs itself.

/** What exports.cpp gives. */
interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  vivim_alloc(size: number): number;
  vivim_free(at: number): void;
  vivim_result(): number;
  vivim_result_size(): number;
  vivim_doc_new(client: number): number;
  vivim_doc_free(doc: number): void;
  vivim_doc_apply(doc: number, at: number, size: number, format: number): number;
  vivim_doc_encode(doc: number, at: number, size: number, format: number): number;
  vivim_doc_state_vector(doc: number): number;
  vivim_doc_take_update(doc: number): number;
  vivim_text_insert(doc: number, name: number, nameSize: number, index: number, at: number, size: number): void;
  vivim_text_remove(doc: number, name: number, nameSize: number, index: number, length: number): void;
  vivim_text_length(doc: number, name: number, nameSize: number): number;
  vivim_text_string(doc: number, name: number, nameSize: number): void;
  vivim_map_set(
    doc: number, name: number, nameSize: number, key: number, keySize: number, at: number, size: number,
  ): void;
  vivim_map_json(doc: number, name: number, nameSize: number): void;
  vivim_array_json(doc: number, name: number, nameSize: number): void;
  vivim_merge(at: number, size: number, format: number): number;
}

/** Update format: 1 is what y-protocols speaks. */
export type Format = 1 | 2;

/** Bytes that are no update, or one that costs too much; `code` is that of CrdtError (vivim/crdt/error.hpp). */
export class CrdtError extends Error {
  constructor(readonly code: number) {
    super(`the engine refused it: CrdtError ${code}`);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An instance of the engine; documents live in its memory. */
export class Engine {
  private constructor(private readonly wasm: Exports) {}

  /** From the bytes of vivim_crdt.wasm. It asks the system for nothing but to write what went wrong. */
  static async load(bytes: BufferSource): Promise<Engine> {
    const module = await WebAssembly.compile(bytes);
    const system: Record<string, () => number> = {};
    for (const { name } of WebAssembly.Module.imports(module)) {
      system[name] = () => {
        if (name === 'proc_exit') throw new Error('the engine has ended');
        return 52; // ENOSYS
      };
    }
    const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: system });
    const wasm = instance.exports as unknown as Exports;
    wasm._initialize();
    return new Engine(wasm);
  }

  /** A new document. `client`: a random number below 2^53, new for each session. */
  doc(client: number): Doc {
    return new Doc(this, this.wasm, this.wasm.vivim_doc_new(client));
  }

  /** One update with the content of all, without a document. */
  merge(updates: Uint8Array[], format: Format = 1): Uint8Array {
    const framed: number[][] = updates.map((update) => {
      const length = [];
      let rest = update.length;
      for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
      length.push(rest);
      return length;
    });
    const all = new Uint8Array(updates.reduce((sum, update, i) => sum + framed[i].length + update.length, 0));
    let at = 0;
    updates.forEach((update, i) => {
      all.set(framed[i], at);
      all.set(update, at + framed[i].length);
      at += framed[i].length + update.length;
    });
    this.with([all], ([part]) => this.check(this.wasm.vivim_merge(part.at, part.size, format)));
    return this.result();
  }

  /** Puts bytes into the engine's memory for one call. @internal */
  with<T>(parts: Uint8Array[], call: (placed: { at: number; size: number }[]) => T): T {
    const placed = parts.map((part) => ({ at: this.wasm.vivim_alloc(part.length), size: part.length }));
    const memory = new Uint8Array(this.wasm.memory.buffer);
    placed.forEach(({ at }, i) => memory.set(parts[i], at));
    try {
      return call(placed);
    } finally {
      placed.forEach(({ at }) => this.wasm.vivim_free(at));
    }
  }
  /** A copy of what the last call gave back. @internal */
  result(): Uint8Array {
    const at = this.wasm.vivim_result();
    return new Uint8Array(this.wasm.memory.buffer, at, this.wasm.vivim_result_size()).slice();
  }
  /** @internal */
  check(status: number): void {
    if (status !== 0) throw new CrdtError(status - 1);
  }
}

/** A document. Free it when it is done: nobody else does. */
export class Doc {
  constructor(
    private readonly engine: Engine,
    private readonly wasm: Exports,
    private readonly handle: number,
  ) {}

  free(): void {
    this.wasm.vivim_doc_free(this.handle);
  }

  applyUpdate(update: Uint8Array, format: Format = 1): void {
    this.engine.with([update], ([part]) =>
      this.engine.check(this.wasm.vivim_doc_apply(this.handle, part.at, part.size, format)),
    );
  }
  encodeStateAsUpdate(stateVector: Uint8Array = new Uint8Array(), format: Format = 1): Uint8Array {
    this.engine.with([stateVector], ([part]) =>
      this.engine.check(this.wasm.vivim_doc_encode(this.handle, part.at, part.size, format)),
    );
    return this.engine.result();
  }
  encodeStateVector(): Uint8Array {
    this.wasm.vivim_doc_state_vector(this.handle);
    return this.engine.result();
  }
  /** The updates since the last call, one for each transaction. */
  takeUpdates(): Uint8Array[] {
    const updates = [];
    while (this.wasm.vivim_doc_take_update(this.handle) !== 0) updates.push(this.engine.result());
    return updates;
  }

  insertText(name: string, index: number, text: string): void {
    this.engine.with([encoder.encode(name), encoder.encode(text)], ([root, part]) =>
      this.wasm.vivim_text_insert(this.handle, root.at, root.size, index, part.at, part.size),
    );
  }
  removeText(name: string, index: number, length: number): void {
    this.engine.with([encoder.encode(name)], ([root]) =>
      this.wasm.vivim_text_remove(this.handle, root.at, root.size, index, length),
    );
  }
  textLength(name: string): number {
    return this.engine.with([encoder.encode(name)], ([root]) =>
      this.wasm.vivim_text_length(this.handle, root.at, root.size),
    );
  }
  text(name: string): string {
    this.engine.with([encoder.encode(name)], ([root]) =>
      this.wasm.vivim_text_string(this.handle, root.at, root.size),
    );
    return decoder.decode(this.engine.result());
  }

  setInMap(name: string, key: string, value: string): void {
    this.engine.with([encoder.encode(name), encoder.encode(key), encoder.encode(value)], ([root, at, part]) =>
      this.wasm.vivim_map_set(this.handle, root.at, root.size, at.at, at.size, part.at, part.size),
    );
  }
  map(name: string): Record<string, unknown> {
    this.engine.with([encoder.encode(name)], ([root]) =>
      this.wasm.vivim_map_json(this.handle, root.at, root.size),
    );
    return JSON.parse(decoder.decode(this.engine.result())) as Record<string, unknown>;
  }
  array(name: string): unknown[] {
    this.engine.with([encoder.encode(name)], ([root]) =>
      this.wasm.vivim_array_json(this.handle, root.at, root.size),
    );
    return JSON.parse(decoder.decode(this.engine.result())) as unknown[];
  }
}
