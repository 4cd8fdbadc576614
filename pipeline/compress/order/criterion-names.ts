/** Every order criterion under its name in the config (`order.criterion`); `compress/order/criteria.ts` has what they do. */
export const criterionNames = [
  'reconstruction',
  'magnitude',
  'fc1-magnitude',
  'variance',
  'denoised-variance',
  'contribution',
  'active-energy',
  'taylor',
] as const;

export type CriterionName = (typeof criterionNames)[number];
