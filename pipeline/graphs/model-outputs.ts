/** What a whole model's graph is to give beside its logits. */
export interface ModelOutputs {
  /** What the head's last layer takes, [B, D], as `features`. Default: no. */
  readonly features?: boolean | undefined;
}
