import type { Activation } from './fusion-head.ts';

/** In place. gelu: its tanh form, `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))` (Hendrycks & Gimpel 2016). */
export function activate(values: Float64Array, activation: Activation): void {
  if (activation === 'identity') return;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    values[i] =
      activation === 'relu'
        ? Math.max(0, x)
        : (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  }
}
