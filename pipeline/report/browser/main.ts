import type { BudgetPart } from '../page.ts';
import { startBudget } from './budget.ts';
import { followContents } from './contents.ts';
import { startMarks } from './marks.ts';
import { openForPrint } from './print.ts';
import { startTable } from './tables.ts';
import { startTheme } from './theme.ts';
import { makeTip } from './tip.ts';

const found = (selector: string) => document.querySelectorAll<HTMLElement>(selector);

const tip = makeTip();
startTheme();
followContents();
openForPrint();
for (const table of found('[data-interactive]')) startTable(table);
startMarks(tip);
for (const place of found('[data-budget]')) {
  const data = place.querySelector('script')?.textContent;
  if (data !== undefined) startBudget(place, JSON.parse(data) as BudgetPart);
}
