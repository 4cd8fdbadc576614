import { familyProblem } from '../model/family/families.ts';
import { covers, imageSizeText, isSameSize, patchGrid } from '../model/family/image-size.ts';
import { storeProblem } from '../runner/parse-store.ts';
import { drawnSource } from './drawn-source.ts';
import type { KeyPath } from './problem.ts';
import type { Config } from './schema.ts';

export interface Contradiction {
  readonly path: KeyPath;
  readonly message: string;
}

/** What no single key can be wrong about: settings of every method that contradict or need each other. */
export function checkConfig(config: Config): Contradiction[] {
  return [...checkName(config), ...checkTeacher(config), ...checkData(config), ...checkStore(config)];
}

function checkName({ name }: Config): Contradiction[] {
  if (name === undefined || !/^\.*$/.test(name)) return [];
  return [{ path: ['name'], message: `"${name}" names no folder of its own; use letters or digits` }];
}

/** Here and not in the schema, whose messages repeat the value: somebody may have put a key into it. */
function checkStore({ executor }: Config): Contradiction[] {
  const problem = storeProblem(executor.store);
  return problem === undefined ? [] : [{ path: ['executor', 'store'], message: problem }];
}

function checkTeacher({ teacher }: Config): Contradiction[] {
  const { checkpoint, train } = teacher;
  if (checkpoint === undefined && train === undefined) {
    const message = 'needs "checkpoint" (a trained model) or "train" (how to train one)';
    return [{ path: ['teacher'], message }];
  }
  if (checkpoint !== undefined && train !== undefined) {
    const message = 'contradicts "checkpoint": give the trained model or how to train one, not both';
    return [{ path: ['teacher', 'train'], message }];
  }
  return [
    ...checkHead(teacher),
    ...(train === undefined ? [] : checkTraining(teacher.architecture, train.architecture)),
  ];
}

function checkHead({ train, head, textEmbeddings }: Config['teacher']): Contradiction[] {
  if (train !== undefined && head !== undefined) {
    return [{ path: ['teacher', 'head'], message: 'contradicts "train", which trains a head with the rest' }];
  }
  if (textEmbeddings !== undefined && (train !== undefined || typeof head === 'object')) {
    const message = 'is for models without a classifier: remove it, or write "head: none" (or "projection")';
    return [{ path: ['teacher', 'textEmbeddings'], message }];
  }
  return [];
}

function checkTraining(
  named: string | undefined,
  architecture: NonNullable<Config['teacher']['train']>['architecture'],
): Contradiction[] {
  const { width, heads, imageSize, patchSize } = architecture;
  const path = ['teacher', 'train', 'architecture'];
  const found: Contradiction[] = [];
  if (named !== undefined) {
    const message = 'names the architecture of a checkpoint; here teacher.train.architecture says it';
    found.push({ path: ['teacher', 'architecture'], message });
  }
  if (width % heads !== 0) {
    found.push({ path: [...path, 'heads'], message: `${heads} heads do not divide the width ${width}` });
  }
  if (patchGrid(imageSize, patchSize) === null) {
    const message = `patches of ${patchSize} pixels do not divide an image of ${imageSizeText(imageSize)}`;
    found.push({ path: [...path, 'patchSize'], message });
  }
  const problem = familyProblem(architecture);
  if (problem !== undefined) found.push({ path, message: problem });
  return found;
}

function checkData({ data, teacher }: Config): Contradiction[] {
  const found: Contradiction[] = [];
  if (data.path === undefined && drawnSource(data) === undefined) {
    found.push({ path: ['data'], message: `needs "path": the folder of the ${data.source} data` });
  }
  found.push(...checkClassOrder(data));
  const { preprocessing } = data;
  if (typeof preprocessing === 'string') return found;
  const path = ['data', 'preprocessing'];
  const { mean, std, crop, resize } = preprocessing;
  if (mean.length !== std.length) {
    const message = `has ${std.length} values, mean has ${mean.length}; give one for each channel`;
    found.push({ path: [...path, 'std'], message });
  }
  if (resize !== null && !covers(resize, crop)) {
    const message = `crops ${imageSizeText(crop)} pixels from images resized to ${imageSizeText(resize)}`;
    found.push({ path: [...path, 'crop'], message });
  }
  const size = teacher.train?.architecture.imageSize;
  if (size !== undefined && !isSameSize(crop, size)) {
    const message = `gives images of ${imageSizeText(crop)} pixels, teacher.train.architecture.imageSize is ${imageSizeText(size)}`;
    found.push({ path: [...path, 'crop'], message });
  }
  return found;
}

function checkClassOrder({ source, classOrder, classFile }: Config['data']): Contradiction[] {
  const complain = (key: string, message: string) => [{ path: ['data', key], message }];
  if (classFile !== undefined && classOrder !== undefined && classOrder !== 'file') {
    return complain(
      'classOrder',
      'contradicts "classFile", which is an order of its own; remove one of them',
    );
  }
  if (classOrder === 'file' && classFile === undefined) {
    return complain(
      'classOrder',
      'needs "classFile": the classes in the order of the teacher\'s outputs, one a line',
    );
  }
  if (source === 'folder' && classOrder === 'numbers') {
    return complain(
      'classOrder',
      'is for data that numbers its classes; of folders give code-unit, natural or file',
    );
  }
  if (source !== 'folder' && (classOrder === 'code-unit' || classOrder === 'natural')) {
    return complain('classOrder', `sorts folders; ${source} data numbers its classes: give numbers or file`);
  }
  return [];
}
