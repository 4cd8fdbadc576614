import { budgetTable } from '../budget/budget-table.ts';
import { markup, scriptJson, type Markup } from '../markup.ts';
import type { BudgetPart } from '../page.ts';
import { drawTable } from './draw-table.ts';

/** Where `browser/budget.ts` puts its controls, with what it chooses from; until then, and without code, a few budgets. */
export function drawBudget(part: BudgetPart, id: string): Markup {
  return markup`<div class="budget" id="${id}" data-budget>
    <script type="application/json">
      ${scriptJson(part)}
    </script>
    <div class="without-script">
      ${drawTable(budgetTable(part), `${id}-few`)}
      <p class="needs-script">Any other budget needs JavaScript here, or the command compose.</p>
    </div>
  </div> `;
}
