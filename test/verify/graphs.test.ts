import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type GraphProto,
  type ModelProto,
} from 'onnx-buf';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import { openModel, type Model } from '../../pipeline/compose/open-model.ts';
import { filesOf, openLibrary, type Library } from '../../pipeline/library/open.ts';
import type { Finding } from '../../pipeline/verify/finding.ts';
import { verifyGraphs } from '../../pipeline/verify/graphs.ts';
import { verifyLibraryGraphs } from '../../pipeline/verify/library-graphs.ts';
import { verifyLibrary } from '../../pipeline/verify/library.ts';
import { verifyModelWeights, type ModelWeights } from '../../pipeline/verify/model-weights.ts';
import { patients, vouchFor, type Patients } from '../library/damage.ts';
import { present } from '../support/present.ts';

const own = 'blocks/block-00/w0010.onnx';

/** Graphs that the manifest vouches for, and that are not this model's: only looking inside can tell. */
describe('verify opens graphs', function () {
  this.timeout(60_000);
  let library: Patients;
  let path: string;
  let opened: Library;
  let model: Model;
  let weights: ModelWeights;
  let originals: Map<string, Buffer>;
  before(async () => {
    library = await patients();
    path = await library.copy();
    opened = await openLibrary(path);
    await writeModel(opened, ['block-00/w0005', 'block-01/w0010'], join(path, 'models/small'));
    model = await openModel(join(path, 'models/small'));
    weights = await verifyModelWeights(model, new Set(), []);
    const files = [
      own,
      'frame.onnx',
      'models/small/model.onnx',
      'models/small/model.json',
      'models/small/weights/tfjs-constants.bin',
    ];
    originals = new Map(
      await Promise.all(files.map(async (file) => [file, await readFile(join(path, file))] as const)),
    );
  });
  after(() => library.remove());

  /** Exchanges one file under its entry in the manifest, looks at the graphs alone, and puts it back. */
  const exchanged = async (file: string, bytes: Uint8Array, words: RegExp | null): Promise<void> => {
    const name = file.replace('models/small/', '');
    const entries = [...(name === file ? filesOf(opened.manifest) : model.manifest.files)];
    const entry: { sizeBytes: number } = present(entries.find((item) => item.path === name));
    const before = entry.sizeBytes;
    try {
      entry.sizeBytes = bytes.length;
      await writeFile(join(path, file), bytes);
      const findings: Finding[] = [];
      if (name === file) await verifyLibraryGraphs(opened, new Set(), findings);
      else await verifyGraphs(model, weights, new Set(), findings);
      const lines = findings.map((item) => `${item.file}: ${item.found}; expected ${item.expected}`);
      assert.deepEqual(
        findings.map((item) => item.file),
        words === null ? [] : [name],
        lines.join('\n'),
      );
      assert.match(lines.join('\n'), words ?? /^$/);
    } finally {
      entry.sizeBytes = before;
      await writeFile(join(path, file), present(originals.get(file)));
    }
  };
  const onnx = async (
    file: string,
    change: (model: ModelProto, graph: GraphProto) => unknown,
    words: RegExp,
  ): Promise<void> => {
    // A copy: what is decoded points into the bytes.
    const proto = fromBinary(ModelProtoSchema, Uint8Array.from(present(originals.get(file))));
    change(proto, present(proto.graph));
    await exchanged(file, toBinary(ModelProtoSchema, proto), words);
  };
  const external = (graph: GraphProto, key: string, value: string, place = 0): void => {
    const { externalData } = present(graph.initializer.filter((item) => item.externalData.length > 0)[place]);
    present(externalData.find((entry) => entry.key === key)).value = value;
  };

  for (const file of [own, 'frame.onnx', 'models/small/model.onnx']) {
    it(`and finds another network in ${file}`, async () => {
      await onnx(
        file,
        (_, { node }) => void (present(node.find(({ opType }) => opType === 'Erf')).opType = 'Tanh'),
        /operation \d+: "Tanh" of .*; expected "Erf" of/,
      );
      await onnx(
        file,
        (_, { node }) => void present(node.at(-1)).input.reverse(),
        /operation \d+: "\w+" of \[.*; expected "\w+" of/,
      );
      await onnx(file, (_, { node }) => void node.pop(), /operation \d+: none; expected/);
      await onnx(
        file,
        (_, { node }) => void (present(node.find(({ opType }) => opType === 'Gemm')).attribute[0]!.i = 0n),
        /"Gemm" of .* with other attributes/,
      );
      await onnx(
        file,
        (_, { node }) => void (present(node[0]).domain = 'com.example'),
        /"com.example.\w+" of/,
      );
      await onnx(
        file,
        (_, { initializer }) =>
          void present(initializer.find(({ rawData }) => rawData.length === 4)).rawData.fill(9),
        /constant or weight "constant\/float/,
      );
      await onnx(file, (_, { output }) => void (present(output[0]).name = 'other'), /output "other"/);
      await onnx(
        file,
        (_, { input }) => void input.push(present(input[0])),
        /another graph than this model has/,
      );
      await onnx(
        file,
        ({ opsetImport }) => void opsetImport.push({ ...present(opsetImport[0]), domain: 'com.example' }),
        /another graph/,
      );
      await onnx(
        file,
        ({ opsetImport }) => void (present(opsetImport[0]).version = 11n),
        /operator set 11, format/,
      );
    });
  }

  for (const file of [own, 'models/small/model.onnx']) {
    it(`and follows where the weights of ${file} lie`, async () => {
      await onnx(
        file,
        (_, graph) => external(graph, 'location', '../../../etc/passwd'),
        /"..\/..\/..\/etc\/passwd", bytes/,
      );
      await onnx(file, (_, graph) => external(graph, 'location', '/etc/passwd'), /"\/etc\/passwd", bytes/);
      await onnx(
        file,
        (_, graph) => external(graph, 'offset', '99999999999'),
        /bytes 99999999999, \d+ of them; expected/,
      );
      await onnx(file, (_, graph) => external(graph, 'length', '4'), /bytes \d+, 4 of them; expected/);
      await onnx(
        file,
        (_, graph) => {
          const offsets = graph.initializer.flatMap(({ externalData }) =>
            externalData.filter(({ key }) => key === 'offset'),
          );
          external(graph, 'offset', present(offsets[1]).value, 0);
        },
        /bytes \d+, \d+ of them; expected/,
      );
      await onnx(
        file,
        (_, { initializer }) => {
          const tensor = present(initializer.find(({ externalData }) => externalData.length > 0));
          Object.assign(tensor, { externalData: [], dataLocation: 0, rawData: new Uint8Array(4) });
        },
        /it does not take .* from its file/,
      );
      await onnx(
        file,
        (_, { initializer }) =>
          void present(initializer.find(({ externalData }) => externalData.length > 0)).dims.reverse(),
        /: \[\d+(, \d+)*\]; expected \[|constant or weight/,
      );
    });
  }

  it('and is not led into floods or depths', async () => {
    // An empty operation takes two bytes here and two hundred in memory.
    await exchanged(
      own,
      Buffer.concat([
        present(originals.get(own)),
        Buffer.alloc(2 ** 20, Buffer.from([0x3a, 0x02, 0x0a, 0x00])),
      ]),
      /1\d{6} bytes; expected about/,
    );
    let graph = create(GraphProtoSchema, { name: 'bottom' });
    for (let depth = 0; depth < 200; depth++)
      graph = create(GraphProtoSchema, {
        node: [create(NodeProtoSchema, { attribute: [{ name: 'g', g: graph }] })],
      });
    await exchanged(
      own,
      toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph }), { recursionLimit: 10_000 } as object),
      /not an ONNX model: .*recursion/,
    );
    await exchanged(own, Buffer.from('no protobuf'), /not an ONNX model/);
    await exchanged(own, present(originals.get('frame.onnx')), /"frame.safetensors"|bytes; expected about/);
  });

  it('of a whole library, each descendant’s for itself', async () => {
    const other = await library.copy();
    await writeFile(join(other, own), await readFile(join(other, 'blocks/block-01/w0010.onnx')));
    await vouchFor(other, own);
    const { findings } = await verifyLibrary(other);
    assert.deepEqual(
      findings.map(({ check, file }) => [check, file]),
      [['graphs', own]],
    );
  });

  it('and does not mind who wrote them, or notes', async () => {
    const proto = fromBinary(ModelProtoSchema, present(originals.get(own)));
    Object.assign(proto, { producerVersion: '99', docString: 'copied by me' });
    await exchanged(own, toBinary(ModelProtoSchema, proto), null);
  });

  it('and finds another network in a TensorFlow.js model, and other constants', async () => {
    const file = 'models/small/model.json';
    interface Graph {
      modelTopology: {
        node: { op: string; input: string[]; attr: Record<string, unknown> }[];
        library?: object;
      };
      signature: { outputs: Record<string, unknown> };
    }
    const json = async (change: (graph: Graph) => unknown, words: RegExp) => {
      const graph = JSON.parse(present(originals.get(file)).toString()) as Graph;
      change(graph);
      await exchanged(file, Buffer.from(JSON.stringify(graph)), words);
    };
    const find = (graph: Graph, op: string) =>
      present(graph.modelTopology.node.find((node) => node.op === op));
    await json((graph) => void (find(graph, 'Erf').op = 'Tanh'), /operation \d+: "Tanh" .*; expected "Erf"/);
    await json((graph) => void find(graph, 'Sub').input.reverse(), /operation \d+: "Sub"/);
    await json(
      (graph) => void (find(graph, 'MatMul').attr.transpose_a = { b: true }),
      /with other attributes/,
    );
    await json((graph) => void graph.modelTopology.node.pop(), /operation \d+: nothing/);
    await json((graph) => void (graph.modelTopology.library = { function: [] }), /another modelTopology/);
    await json((graph) => void (graph.signature.outputs.more = {}), /another signature/);
    await json((graph) => Object.assign(graph, { modelInitializer: {} }), /a member "modelInitializer"/);
    const constants = 'models/small/weights/tfjs-constants.bin';
    const bytes = Buffer.from(present(originals.get(constants)));
    bytes[bytes.length - 1]! ^= 1;
    await exchanged(constants, bytes, /other numbers/);
  });
});
