import assert from 'node:assert/strict';
import { matchLabels, type Label } from '../../../datasets/classes/match-labels.ts';

const labels = (...names: readonly string[]): Label[] => names.map((name) => ({ name }));

describe('the classes of the data among the labels of a teacher', () => {
  const found = (classes: readonly string[], among: readonly Label[]) => {
    const { places, rules, ambiguous } = matchLabels(classes, among);
    return [places, Object.fromEntries(rules), ambiguous];
  };

  it('are found by the same name, in whatever order', () => {
    assert.deepEqual(found(['rose', 'daisy'], labels('daisy', 'tulip', 'rose')), [
      [2, 0],
      { exactly: 2 },
      [],
    ]);
    // Composed and decomposed letters are one name: file systems change one into the other.
    assert.deepEqual(found(['caf\u0065\u0301'], labels('x', 'caf\u00e9')), [[1], { exactly: 1 }, []]);
  });

  it('are found without regard to case, spaces and punctuation where nothing else could be meant', () => {
    const rule = 'but for case, spaces and punctuation';
    assert.deepEqual(found(['Aquarium_Fish', 't-shirt_top'], labels('T-shirt/top', 'aquarium fish')), [
      [1, 0],
      { [rule]: 2 },
      [],
    ]);
    assert.deepEqual(found(['cat', 'Cat'], labels('CAT', 'Cat')), [[0, 1], { exactly: 1, [rule]: 1 }, []]);
    assert.deepEqual(found(['солнце'], labels('Луна', 'Солнце')), [[1], { [rule]: 1 }, []]);
  });

  it('are found by their WordNet id, alone or within a name', () => {
    const among = labels('n01440764', 'n01443537 goldfish, Carassius auratus', 'n01484850_shark');
    assert.deepEqual(found(['0002-n01484850', 'n01443537', '0000-n01440764'], among), [
      [2, 1, 0],
      { 'by WordNet id': 3 },
      [],
    ]);
    assert.deepEqual(found(['n014407640', 'xn01440764x'], labels('n01440764')), [
      [undefined, undefined],
      {},
      [],
    ]);
  });

  it('are found by one of the synonyms of a label, by its description, and behind a leading number', () => {
    const among = labels(
      'tench, Tinca tinca',
      'goldfish, Carassius auratus',
      'tiger shark, Galeocerdo cuvieri',
    );
    assert.deepEqual(
      found(['Tinca_tinca', 'goldfish', 'tiger_shark_Galeocerdo_cuvieri'], among)[0],
      [0, 1, 2],
    );
    const described = [{ name: 'n01440764', description: 'tench, Tinca tinca' }, { name: 'n01443537' }];
    assert.deepEqual(found(['n01443537', 'tench'], described)[0], [1, 0]);
    const birds = labels('Laysan Albatross', 'Black-footed Albatross');
    assert.deepEqual(found(['001.Black_footed_Albatross', '002.Laysan_Albatross'], birds), [
      [1, 0],
      { 'but for a leading number': 2 },
      [],
    ]);
    // A name that is a number is not "a leading number".
    assert.deepEqual(found(['0', '10', '2'], labels('0', '1', '2', '10'))[0], [0, 3, 2]);
  });

  it('are not chosen among two labels that are called the same, nor two classes for one', () => {
    const cranes = labels('crane', 'n02012849 crane', 'crane', 'n03126707 crane');
    const [places, , ambiguous] = found(['crane', 'n03126707'], cranes);
    assert.deepEqual(places, [undefined, 3]);
    assert.deepEqual(ambiguous, [{ names: ['crane'], labels: [0, 2] }]);
    const cats = matchLabels(['cat', 'Cat', 'dog'], labels('CAT', 'dog'));
    assert.deepEqual(cats.places, [undefined, undefined, 1]);
    assert.deepEqual(cats.ambiguous, [{ names: ['cat', 'Cat'], labels: [0] }]);
    assert.deepEqual(matchLabels(['C++', 'C#'], labels('c#', 'c++')).ambiguous.length, 1);
  });

  it('take the label of the same name before one whose synonym it is', () => {
    const maillots = labels('maillot, tank suit', 'maillot');
    assert.deepEqual(found(['maillot', 'tank suit'], maillots)[0], [1, 0]);
  });

  it('are found fast among thousands', () => {
    const many = Array.from({ length: 5000 }, (_, index) => `class number ${index}`);
    assert.deepEqual(matchLabels([...many].reverse(), labels(...many)).places[0], 4999);
  });
});
