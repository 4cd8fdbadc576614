import type { SpaceData } from '../../../pipeline/compose/space.ts';
import { pointsChart } from '../../../pipeline/report/charts/points.ts';
import type { ReportPage } from '../../../pipeline/report/page.ts';

/** A page of a budget, with a chart and a heat map that show what was chosen. */
export function budgetPage(space: SpaceData, library = 'library'): ReportPage {
  const points = space.blocks[0]!.map((_, place) => ({
    x: space.blocks.reduce((sum, items) => sum + items[place]!.uses.params, space.frame.params),
    y: 80 - place * 2,
    kind: place === 0 ? 'teacher' : 'refit',
    says: `${place}`,
  }));
  return {
    title: 'a budget',
    headline: ['A page of a budget.'],
    facts: [],
    sections: [
      {
        id: 'budget',
        title: 'Choose for a budget',
        parts: [{ kind: 'budget', space, library, teacherTop1Percent: 80 }],
      },
      {
        id: 'models',
        title: 'Models',
        parts: [
          pointsChart({
            title: 'Top-1 against parameters',
            alternative: 'Fewer parameters, fewer right.',
            points,
            x: { title: 'parameters', format: '~s' },
            y: { title: 'top-1, %' },
            chosen: { x: 'params' },
          }),
          {
            kind: 'heat-map',
            caption: 'KL added by one block',
            corner: 'block',
            scale: 'loss',
            columns: space.blocks[0]!.map(({ width }) => String(width)),
            rows: space.blocks.map((items, block) => ({
              title: String(block),
              cells: items.map(({ id, cost }) => ({
                text: cost.toFixed(2),
                value: cost,
                hover: `${id}: ${cost}`,
                id,
              })),
            })),
          },
        ],
      },
    ],
  };
}
