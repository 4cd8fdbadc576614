/**
 * Repeated augmentation (Hoffer et al. 2020; the sampler of DeiT): the first images of an epoch's order, each `repeats` times in a
 * row, so that a batch has several views of an image. As long as the order that is given, so that an epoch keeps its length; the images
 * that it leaves out have their turn in other epochs. What is drawn for each view must differ, as it does where it is drawn by place.
 */
export function repeatOrder(order: Uint32Array, repeats: number): Uint32Array {
  return order.map((_, place) => order[Math.floor(place / repeats)]!);
}
