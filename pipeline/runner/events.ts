import type { Event } from './contract.ts';

export type Subscriber = (event: Event) => void;

export interface EventBus {
  emit(event: Event): void;
  /** @returns a function that ends the subscription. */
  subscribe(subscriber: Subscriber): () => void;
  /** Errors that subscribers threw. Such a bug must not stop hours of work, but must not pass unseen either. */
  readonly errors: readonly unknown[];
}

export function createEventBus(): EventBus {
  const subscribers = new Set<Subscriber>();
  const errors: unknown[] = [];
  return {
    emit(event) {
      for (const subscriber of subscribers) {
        try {
          subscriber(event);
        } catch (error) {
          subscribers.delete(subscriber);
          errors.push(error);
        }
      }
    },
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    errors,
  };
}
