/**
 * The innermost loop of every float64 product: a 4 x 4 tile `C = A B` over packed strips, in WebAssembly SIMD.
 * JavaScript has no vector instructions; two lanes and eight independent accumulators give a whole product 8 to 11
 * GFLOP/s on one core (bench/peers/fit.ts). The module is assembled here, so no compiler and no binary file is needed.
 */
export const TILE = 4;

/** What is used of the global; declared here because the compiler's own declaration comes with the browser's types. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** One instance: its own memory, holding packed strips that JavaScript fills and the tile it reads back. */
export interface MicroKernel {
  /** The whole memory as float64; addresses below are byte offsets into it. */
  readonly memory: Float64Array;
  /**
   * C [4, 4] (row-major at `tile`) = sum over k < depth of a_k b_k', with a_k the 4 values at `left + 32 k` and b_k
   * the 4 values at `right + 32 k`. All addresses in bytes; depth >= 1.
   */
  readonly multiply: (left: number, right: number, depth: number, tile: number) => void;
}

export function createMicroKernel(memoryBytes: number): MicroKernel {
  const pages = Math.ceil(memoryBytes / 65536);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble(pages)));
  const { memory, multiply } = instance.exports as {
    memory: { readonly buffer: ArrayBuffer };
    multiply: MicroKernel['multiply'];
  };
  return { memory: new Float64Array(memory.buffer), multiply };
}

// Opcodes of the WebAssembly core specification 2.0, only those used here.
const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;
const LOOP = 0x03;
const END = 0x0b;
const BRANCH_IF = 0x0d;
const I32_ADD = 0x6a;
const ALIGN_8 = 3;
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const i32Const = (value: number) => [0x41, ...signedLeb(value)];
const loadVector = (offset: number) => [0xfd, 0x00, ALIGN_8, ...unsignedLeb(offset)];
const loadSplat = (offset: number) => [0xfd, 0x0a, ALIGN_8, ...unsignedLeb(offset)];
const storeVector = (offset: number) => [0xfd, 0x0b, ALIGN_8, ...unsignedLeb(offset)];
const F64X2_ADD = [0xfd, ...unsignedLeb(0xf0)];
const F64X2_MUL = [0xfd, ...unsignedLeb(0xf2)];

/** Parameters, then the locals of the loop. */
const LEFT = 0;
const RIGHT = 1;
const DEPTH = 2;
const OUT = 3;
const B0 = 4;
const B1 = 5;
const A = 6;
const accumulator = (row: number, half: number) => 7 + 2 * row + half;

function assemble(pages: number): Uint8Array {
  const rows = [0, 1, 2, 3];
  const multiplyAdd = (row: number, half: number) => [
    ...get(accumulator(row, half)),
    ...get(A),
    ...get(half === 0 ? B0 : B1),
    ...F64X2_MUL,
    ...F64X2_ADD,
    ...set(accumulator(row, half)),
  ];
  const advance = (local: number, by: number) => [...get(local), ...i32Const(by), I32_ADD];
  const body = [
    ...[LOOP, VOID],
    ...[...get(RIGHT), ...loadVector(0), ...set(B0)],
    ...[...get(RIGHT), ...loadVector(16), ...set(B1)],
    ...rows.flatMap((row) => [
      ...[...get(LEFT), ...loadSplat(8 * row), ...set(A)],
      ...multiplyAdd(row, 0),
      ...multiplyAdd(row, 1),
    ]),
    ...[...advance(LEFT, 8 * TILE), ...set(LEFT)],
    ...[...advance(RIGHT, 8 * TILE), ...set(RIGHT)],
    ...[...advance(DEPTH, -1), ...tee(DEPTH), BRANCH_IF, 0],
    END,
    ...rows.flatMap((row) =>
      [0, 1].flatMap((half) => [
        ...get(OUT),
        ...get(accumulator(row, half)),
        ...storeVector(32 * row + 16 * half),
      ]),
    ),
    END,
  ];
  const locals = [1, 3 + 2 * TILE, V128];
  const code = [...locals, ...body];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 4, I32, I32, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0x00, ...unsignedLeb(pages)]),
    ...section(7, [2, ...name('memory'), 0x02, 0, ...name('multiply'), 0x00, 0]),
    ...section(10, [1, ...unsignedLeb(code.length), ...code]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsignedLeb(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text, 'ascii')];
}

function unsignedLeb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsignedLeb(value >>> 7)];
}

function signedLeb(value: number): number[] {
  const low = value & 127;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0);
  return done ? [low] : [low | 128, ...signedLeb(rest)];
}
