/**
 * A float as Python prints it, which PyYAML (YAML 1.1) takes for a number: "0.25", "2.0", "1.5e-07". JavaScript's
 * "2" would come back as an integer, and its "1e-7" as a string.
 */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`not a finite number: ${value}`);
  if (Object.is(value, -0)) return '-0.0';
  const scientific = value.toExponential();
  const mark = scientific.indexOf('e');
  const mantissa = scientific.slice(0, mark);
  const exponent = Number(scientific.slice(mark + 1));
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  // JavaScript writes 1e-6 up to 1e21 without an exponent.
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
