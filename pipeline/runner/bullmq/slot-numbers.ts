/** Numbers for jobs at work, from 0, each free again when its job has ended: for whoever shows them in rows. */
export interface SlotNumbers {
  of(id: string): number;
  free(id: string): void;
}

export function createSlotNumbers(): SlotNumbers {
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  return {
    of(id) {
      let number = numbers.get(id) ?? 0;
      if (!numbers.has(id)) while (taken.has(number)) number++;
      numbers.set(id, number);
      taken.add(number);
      return number;
    },
    free(id) {
      const number = numbers.get(id);
      if (number !== undefined) taken.delete(number);
      numbers.delete(id);
    },
  };
}
