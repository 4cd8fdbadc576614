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
    assert.deepEqual(matchLabels(['C--', 'C++'], labels('c**', 'c&&')).places, [undefined, undefined]);
    assert.deepEqual(matchLabels(['C*', 'C&'], labels('c&', 'c*', 'c')).ambiguous.length, 1);
  });

  it('are not found by dropping what tells them apart: numbers, signs, points, grades', () => {
    const none = (classes: readonly string[], ...among: readonly string[]) =>
      assert.deepEqual(
        matchLabels(classes, labels(...among)).places,
        classes.map(() => undefined),
      );
    none(['2012 Ford F150', '2011 Audi TT'], '2010 Ford F150', '2009 Audi TT', '2007 Fiat 500');
    none(['2 cent', '2 euro'], '1 cent', '1 euro', 'rose');
    none(['1', '05', '1.5'], '-1', '0.5', '15');
    none(['1-2 years', '12 months'], '12 years', '1-2 months');
    none(['A', 'B-'], 'A+', 'B+');
    none(['v15'], 'v1.5');
    assert.deepEqual(matchLabels(['a+', 'a-', 'b_+'], labels('A-', 'A+', 'B+')).places, [1, 0, 2]);
    assert.deepEqual(matchLabels(['c++', 'c#'], labels('C#', 'C++')).places, [1, 0]);
    assert.deepEqual(matchLabels(['01', '2', '-3'], labels('1', '02', '3', '-3')).places, [0, 1, 3]);
    // Numbers that only one side has number it where every name has another; where both have them they agree.
    assert.deepEqual(matchLabels(['7 rose', 'daisy'], labels('rose', 'daisy')).places, [undefined, 1]);
    assert.deepEqual(matchLabels(['rose', 'daisy'], labels('1 daisy', '2 rose')).places, [1, 0]);
    assert.deepEqual(matchLabels(['1 rose', '2 daisy'], labels('01.Daisy', '02.Daisy')).places, [
      undefined,
      1,
    ]);
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
