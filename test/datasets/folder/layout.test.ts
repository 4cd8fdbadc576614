import assert from 'node:assert/strict';
import { join } from 'node:path';
import { listFolder } from '../../../datasets/sources/folder/list-folder.ts';
import { failure } from '../fakes.ts';
import { useTempFolder } from '../temp-folder.ts';
import { writeFiles } from './files.ts';

const train = ['train/cat/1.png', 'train/dog/2.png'];

/** Layouts that are read: files, tables, what becomes of the images, a word of the account. */
const read: readonly {
  name: string;
  files: readonly string[];
  tables?: Record<string, string>;
  items: readonly string[];
  says?: RegExp;
}[] = [
  {
    name: 'train/ and val/ under their other names, in any case',
    files: ['Training/cat/1.png', 'Training/dog/2.png', 'VALID/dog/3.png', 'Testing/cat/4.png'],
    items: [
      'Training/cat/1.png 0 train',
      'Training/dog/2.png 1 train',
      'VALID/dog/3.png 1 val',
      'Testing/cat/4.png 0 test',
    ],
  },
  {
    name: 'dev/ as the validation part',
    files: [...train, 'dev/cat/3.png'],
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train', 'dev/cat/3.png 0 val'],
    says: /1 of 2 classes has no image that is read in dev\/: dog/,
  },
  {
    name: 'only train/: its classes, not one class of that name',
    files: train,
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train'],
    says: /train\/ is the only labelled part/,
  },
  {
    name: 'a test/ without labels beside train/ and val/',
    files: [...train, 'val/cat/3.png', 'test/4.png', 'test/5.png'],
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train', 'val/cat/3.png 0 val'],
    says: /test\/ holds 2 images without labels: not used as test/,
  },
  {
    name: 'a test/ whose one folder is no class',
    files: [...train, 'test/unknown/4.png'],
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train'],
    says: /test\/ holds images in unknown\/, which is no class of train\//,
  },
  {
    name: 'a sample of a submission, which is no table of labels',
    files: [...train, 'val/cat/3.png', 'test/4.png'],
    tables: { 'sample_submission.csv': 'id,label\n4,cat\n' },
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train', 'val/cat/3.png 0 val'],
    says: /without labels/,
  },
  {
    name: 'a flat val/ with the labels of Kaggle’s ImageNet',
    files: [...train, 'val/v_1.JPEG', 'val/v_2.JPEG'],
    tables: {
      'LOC_val_solution.csv':
        'ImageId,PredictionString\nv_1,dog 1 2 3 4 dog 5 6 7 8 \nv_2,cat 9 9 9 9\nv_3,cat 0 0 0 0\n',
      'LOC_train_solution.csv': 'ImageId,PredictionString\n1,cat 1 2 3 4\n2,dog 1 2 3 4\n',
      'LOC_synset_mapping.txt': 'cat a cat\ndog a dog\n',
    },
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train', 'val/v_2.JPEG 0 val', 'val/v_1.JPEG 1 val'],
    says: /LOC_val_solution\.csv says the classes of 2 of 2 images of val\/; rows that name no image there: 1/,
  },
  {
    name: 'Tiny-ImageNet',
    files: [
      'train/cat/images/cat_0.JPEG',
      'train/dog/images/dog_0.JPEG',
      'val/images/val_0.JPEG',
      'test/images/test_0.JPEG',
    ],
    tables: {
      'val/val_annotations.txt': 'val_0.JPEG\tdog\t0\t32\t44\t62\n',
      'train/cat/cat_boxes.txt': 'cat_0.JPEG\t0\t0\t62\t62\n',
      'wnids.txt': 'cat\ndog\n',
      'words.txt': 'cat\tcat, house cat\ndog\tdog\n',
    },
    items: [
      'train/cat/images/cat_0.JPEG 0 train',
      'train/dog/images/dog_0.JPEG 1 train',
      'val/images/val_0.JPEG 1 val',
    ],
    says: /test\/images\/ holds 1 images without labels/,
  },
  {
    name: 'one folder of images with a table of file names and labels',
    files: ['images/1.jpg', 'images/2.jpg'],
    tables: { 'labels.csv': 'filename,label,split\n1.jpg,"dog, small",a\nimages/2.jpg,cat,b\n' },
    items: ['images/2.jpg 0 all', 'images/1.jpg 1 all'],
    says: /the images are those of images\//,
  },
  {
    name: 'train/ and test/ of a competition: a table for train/, none for test/',
    files: ['train/a1.jpg', 'train/b2.jpg', 'test/c3.jpg'],
    tables: { 'labels.csv': 'id,breed\na1,pug\nb2,beagle\n' },
    items: ['train/b2.jpg 0 train', 'train/a1.jpg 1 train'],
    says: /test\/ holds 1 images without labels/,
  },
  {
    name: 'class folders inside folders that hold nothing else',
    files: ['set/images/cat/1.png', 'set/images/dog/2.png'],
    items: ['set/images/cat/1.png 0 all', 'set/images/dog/2.png 1 all'],
    says: /the images are those of set\/images\//,
  },
  {
    name: 'Kaggle’s ImageNet from its top',
    files: [
      'ILSVRC/Data/CLS-LOC/train/cat/1.JPEG',
      'ILSVRC/Data/CLS-LOC/val/v.JPEG',
      'ILSVRC/Annotations/CLS-LOC/train/cat/1.xml',
    ],
    tables: { 'LOC_val_solution.csv': 'ImageId,PredictionString\nv,cat 1 2 3 4\n' },
    items: ['ILSVRC/Data/CLS-LOC/train/cat/1.JPEG 0 train', 'ILSVRC/Data/CLS-LOC/val/v.JPEG 0 val'],
    says: /1 \.xml/,
  },
  {
    name: 'a class called train among others, and classes whose names speak of parts',
    files: ['train/1.png', 'bus/2.png', 'test tube/3.png', 'electric train/4.png'],
    items: ['bus/2.png 0 all', 'electric train/4.png 1 all', 'test tube/3.png 2 all', 'train/1.png 3 all'],
  },
  ...['Training Images|Validation Images', 'train-set|val-set', 'trainset|valset', 'train2017|val2017']
    .concat(['Train|Validate', 'train|eval', 'ILSVRC_img_train|ILSVRC_img_val', 'TrainData|ValData'])
    .map((names) => {
      const [first, second] = names.split('|');
      return {
        name: `the parts of ${first}/ and ${second}/`,
        files: [`${first}/cat/1.png`, `${first}/dog/2.png`, `${second}/dog/3.png`],
        items: [`${first}/cat/1.png 0 train`, `${first}/dog/2.png 1 train`, `${second}/dog/3.png 1 val`],
      };
    }),
  {
    name: 'holdout/ beside train/ as the test part',
    files: [...train, 'holdout/cat/3.png'],
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train', 'holdout/cat/3.png 0 test'],
  },
  {
    name: 'parts called alike, each within a folder of its own name, and what is called like them',
    files: ['seg_train/seg_train/cat/1.png', 'seg_train/seg_train/dog/2.png'].concat([
      'seg_test/seg_test/dog/3.png',
      'seg_pred/seg_pred/4.png',
    ]),
    items: ['seg_train/seg_train/cat/1.png 0 train', 'seg_train/seg_train/dog/2.png 1 train'].concat([
      'seg_test/seg_test/dog/3.png 1 test',
    ]),
    says: /seg_pred\/ is beside seg_train\/ and not used \(1 images\)/,
  },
  {
    name: 'train_images/ that a table labels, and test_images/ that none does',
    files: ['train_images/1.png', 'train_images/2.png', 'test_images/3.png'],
    tables: { 'train.csv': 'image_id,label\n1.png,0\n2.png,1\n', 'test.csv': 'image_id\n3.png\n' },
    items: ['train_images/1.png 0 train', 'train_images/2.png 1 train'],
    says: /test_images\/ holds 1 images without labels: not used as test; test\.csv: one column only/,
  },
  {
    name: 'pieces of one set of images that a table labels',
    files: ['HAM_images_part_1/1.png', 'HAM_images_part_1/2.png', 'HAM_images_part_2/3.png'],
    tables: { 'HAM_metadata.csv': 'lesion,image_id,dx,age\na,1,nv,3\na,2,mel,4\nb,3,nv,5\n' },
    items: [
      'HAM_images_part_1/2.png 0 all',
      'HAM_images_part_1/1.png 1 all',
      'HAM_images_part_2/3.png 1 all',
    ],
    says: /HAM_metadata\.csv says the classes of 3 of 3 images of this folder/,
  },
  {
    name: 'class folders beside tables that say nothing else of them',
    files: ['cat/1.png', 'cat/2.png', 'dog/3.png', 'dog/4.png'],
    tables: {
      'a.csv': 'file,label\n1.png,cat\n2.png,cat\n3.png,dog\n4.png,dog\n',
      'b.csv': 'file,class\n1.png,7\n2.png,7\n3.png,9\n4.png,9\n',
      'sizes.csv': 'file,width\n1.png,640\n2.png,480\n3.png,640\n4.png,480\n',
      'images.txt': '1 cat/1.png\n2 cat/2.png\n3 dog/3.png\n4 dog/4.png\n',
    },
    items: ['cat/1.png 0 all', 'cat/2.png 0 all', 'dog/3.png 1 all', 'dog/4.png 1 all'],
  },
  {
    name: 'images in one folder whose parts are told by three tables',
    files: ['images/1.jpg', 'images/2.jpg', 'images/3.jpg', 'images/4.jpg', 'images/5.jpg'],
    tables: {
      'train.csv': 'filename,label\n1.jpg,cat\n2.jpg,dog\n',
      'val.csv': 'filename,label\n3.jpg,cat\n',
      'test.csv': 'filename,label\n4.jpg,dog\n',
    },
    items: ['images/1.jpg 0 train', 'images/2.jpg 1 train', 'images/3.jpg 0 val', 'images/4.jpg 1 test'],
    says: /1 image without a class or of a part that is not used \(images\/5\.jpg\)/,
  },
  {
    name: 'boxes behind classes that are numbers themselves',
    files: ['train/0/1.jpg', 'train/3/2.jpg', 'val/3.jpg', 'val/4.jpg'],
    tables: { 'val.csv': 'ImageId,PredictionString\n3,3 0 0 5 3\n4,0 3 3 3 3 0 3 0 3 3\n' },
    items: ['train/0/1.jpg 0 train', 'train/3/2.jpg 1 train', 'val/4.jpg 0 val', 'val/3.jpg 1 val'],
  },
  {
    name: 'a stray image in train/ and val/ beside another folder',
    files: [...train, 'train/x.png', 'val/cat/3.png', 'val/dog/4.png', 'val/x.png', 'docs/5.png'],
    items: [
      'train/cat/1.png 0 train',
      'train/dog/2.png 1 train',
      'val/cat/3.png 0 val',
      'val/dog/4.png 1 val',
    ],
    says: /docs\/ is beside train\/ and not used/,
  },
  {
    name: 'metadata.jsonl and labels.json as tables',
    files: ['train/1.jpg', 'train/2.jpg', 'val/3.jpg'],
    tables: {
      'train/metadata.jsonl':
        '{"file_name": "1.jpg", "label": "cat"}\n{"file_name": "2.jpg", "label": "dog"}\n',
      'val/labels.json': '{"3.jpg": "dog"}',
    },
    items: ['train/1.jpg 0 train', 'train/2.jpg 1 train', 'val/3.jpg 1 val'],
  },
  {
    name: 'an extra folder beside train/ and val/, left out and said',
    files: [...train, 'val/cat/3.png', 'extra/4.png'],
    items: ['train/cat/1.png 0 train', 'train/dog/2.png 1 train', 'val/cat/3.png 0 val'],
    says: /extra\/ is beside train\/ and not used \(1 images\)/,
  },
];

/** What is not read, and what the refusal names. */
const refused: readonly {
  name: string;
  files: readonly string[];
  tables?: Record<string, string>;
  words: (string | RegExp)[];
}[] = [
  {
    name: 'two folders for one part',
    files: [...train, 'val/cat/3.png', 'dev/cat/4.png'],
    words: [/both (val|dev)\/ and (val|dev)\//, 'rename'],
  },
  {
    name: 'a part or a class',
    files: ['train/steam/1.png', 'train/electric/2.png', 'bus/3.png'],
    words: ['train/ looks like a part', 'bus/', 'point data.path at'],
  },
  {
    name: 'parts or classes, where none holds folders and nothing labels them',
    files: ['train/1.png', 'val/2.png', 'bus/3.png'],
    words: ['train/, val/ look like parts of the data, bus/ beside them like a class', 'move bus/ away'],
  },
  {
    name: 'folders or a table: the names in it are those of several folders',
    files: ['x/1.png', 'x/2.png', 'y/1.png', 'y/2.png'],
    tables: { 'labels.csv': 'file,label\n1.png,cat\n2.png,dog\n' },
    words: ['(x/, y/) could be the classes', 'labels.csv names their images', 'move labels.csv out'],
  },
  {
    name: 'folders or a table: it gives images of one folder different classes',
    files: ['x/1.png', 'x/2.png', 'y/3.png', 'y/4.png'],
    tables: { 'labels.csv': 'file,label\n1.png,cat\n2.png,dog\n3.png,cat\n4.png,dog\n' },
    words: ['(x/, y/) could be the classes', 'labels.csv', 'different classes'],
  },
  {
    name: 'pieces of one set with a table whose column of classes is not clear',
    files: ['part_1/1.png', 'part_2/2.png'],
    tables: { 'meta.csv': 'id,fold,age\n1,0,3\n2,1,4\n' },
    words: ['part_1/, part_2/', 'meta.csv', 'which column holds the classes is not clear'],
  },
  {
    name: 'a table that gives every image of val/ several classes',
    files: [...train, 'val/3.png'],
    tables: { 'val.csv': '3.png,cat\n3.png,dog\n' },
    words: [
      'val: 1 images that nothing gives a class',
      'val.csv: it gives 1 of 1 images no class or several',
    ],
  },
  {
    name: 'an image in the tables of two parts',
    files: ['images/1.jpg', 'images/2.jpg', 'images/3.jpg'],
    tables: { 'train.csv': 'f,label\n1.jpg,a\n2.jpg,b\n', 'val.csv': 'f,label\n2.jpg,b\n3.jpg,a\n' },
    words: ['images/2.jpg', 'both in train.csv and in val.csv'],
  },
  {
    name: 'validation images of classes that the training images do not have',
    files: ['images/1.jpg', 'images/2.jpg'],
    tables: { 'train.csv': 'f,label\n1.jpg,a\n', 'val.csv': 'f,label\n2.jpg,b\n' },
    words: ["val.csv: it names a class that has no folder: 'b'", 'a class of train.csv'],
  },
  {
    name: 'JSON that is no table, by its name',
    files: ['images/1.jpg'],
    tables: { 'labels.json': '{"images": [{"id": 1}]}' },
    words: ['labels.json: JSON, but no table'],
  },
  {
    name: 'a flat val/ without labels',
    files: [...train, 'val/3.png'],
    words: ['val: 1 images that nothing gives a class', 'LOC_val_solution.csv'],
  },
  {
    name: 'the labels of image-net.org, which name no image',
    files: [...train, 'val/v_1.JPEG', 'val/v_2.JPEG'],
    tables: { 'ILSVRC2012_validation_ground_truth.txt': '490\n361\n' },
    words: ['ILSVRC2012_validation_ground_truth.txt: a class per line without the image it belongs to'],
  },
  {
    name: 'numbers for classes that have names',
    files: [...train, 'val/v_1.JPEG', 'val/v_2.JPEG'],
    tables: { 'val.txt': 'v_1.JPEG 0\nv_2.JPEG 1\n' },
    words: ['val.txt: it numbers the classes'],
  },
  {
    name: 'a table with a class that has no folder',
    files: [...train, 'val/v_1.JPEG', 'val/v_2.JPEG'],
    tables: { 'val.csv': 'file,label\nv_1.JPEG,cat\nv_2.JPEG,owl\n' },
    words: ["val.csv: it names a class that has no folder: 'owl'"],
  },
  {
    name: 'two tables that differ',
    files: ['images/1.jpg', 'images/2.jpg'],
    tables: { 'a.csv': '1.jpg,cat\n2.jpg,dog\n', 'b.csv': '1.jpg,dog\n2.jpg,cat\n' },
    words: ['a.csv', 'b.csv', 'they differ'],
  },
  {
    name: 'one table for two parts with the same bare names',
    files: ['train/1.jpg', 'train/2.jpg', 'test/1.jpg', 'test/2.jpg'],
    tables: { 'labels.csv': 'id,label\n1,cat\n2,dog\n' },
    words: ['labels.csv', 'both in train/ and in test/', 'write the paths'],
  },
  {
    name: 'images/ with folders beside another folder of images',
    files: ['images/cat/1.png', 'images/dog/2.png', 'masks/cat/1.png'],
    words: ['images/ holds folders', 'masks/ lies beside it', 'point data.path at'],
  },
  {
    name: 'images in one folder without a table',
    files: ['images/1.jpg'],
    words: ['images: 1 images that nothing gives a class', 'labels.csv'],
  },
];

describe('layouts of a folder of images', () => {
  const folder = useTempFolder();

  it('takes a text per image for no table, and does not read them one by one', async () => {
    const at = join(folder(), 'boxes');
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    writeFiles(
      at,
      numbers.flatMap((index) => [`images/${index}.jpg`, `images/${index}.txt`]),
    );
    await assert.rejects(
      listFolder(at),
      failure('data-invalid', '40 images that nothing gives a class\n', 'labels.csv'),
    );
  });

  it('knows a folder called train for training images wherever data.path points', async () => {
    const at = join(folder(), 'train_images');
    writeFiles(at, ['cat/1.png', 'dog/2.png']);
    const { items } = await listFolder(at);
    assert.deepEqual(
      items.map(({ origin }) => origin),
      ['train', 'train'],
    );
  });

  read.forEach(({ name, files, tables, items, says }, index) => {
    it(`reads ${name}`, async () => {
      const at = join(folder(), `read-${index}`);
      writeFiles(at, files, tables);
      const listed = await listFolder(at);
      assert.deepEqual(
        listed.items.map(({ id, label, origin }) => `${id} ${label} ${origin}`),
        items,
      );
      const account = [...listed.account.lines, ...listed.account.warnings].join('\n');
      if (says !== undefined) assert.match(account, says);
      assert.ok(!account.includes(at), 'the account of a moved folder is the same');
    });
  });
  refused.forEach(({ name, files, tables, words }, index) => {
    it(`refuses ${name}`, async () => {
      const at = join(folder(), `refused-${index}`);
      writeFiles(at, files, tables);
      await assert.rejects(listFolder(at), failure('data-invalid', ...words));
    });
  });
});
