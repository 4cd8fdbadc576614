import { z } from 'zod';
import { fraction, positiveInteger } from '../../config/schema.ts';
import { activationNames, fusionKinds } from './fusion-head.ts';

const towerFields = {
  /** Hidden layers; each has `shrink` times the units of the one before, never fewer than classes. */
  layers: z.int().min(1).max(8).default(2),
  shrink: z.number().gt(0).lte(1).default(0.5),
  dropout: z.number().min(0).lt(1).default(0.5),
  activation: z.enum(activationNames).default('gelu'),
  epochs: positiveInteger.default(30),
  batchSize: positiveInteger.default(128),
  learningRate: z.number().positive().default(1e-3),
  warmupShare: fraction.default(0.05),
  weightDecay: z.number().min(0).default(0.01),
  /** Share of the training images that are seen with one sub-model absent, its features imputed. */
  absence: fraction.default(0.3),
  /** Of the divergence from the teacher at `temperature`, beside the labels' cross-entropy; without labels all of it. */
  teacherWeight: fraction.default(0.5),
  temperature: z.number().positive().max(100).default(2),
  /** Epochs without better held-out images after which training ends. */
  patience: positiveInteger.default(6),
};

/** How the features of a fleet become one answer; for the schemas of methods to take up. */
export const fusionFields = {
  /** Which heads are made; held-out images choose. ridge: linear, in closed form. tower: a shrinking MLP, as published. */
  heads: z.array(z.enum(fusionKinds)).min(1).max(2).default(['ridge', 'tower']),
  /** Tried ridges, as shares of the standardised features' variance. */
  ridges: z.array(z.number().positive().max(1e6)).min(1).max(20).default([1e-4, 1e-3, 1e-2, 1e-1, 1, 10]),
  tower: z.strictObject(towerFields).prefault({}),
};

export const fusionSchema = z.strictObject(fusionFields);
export type FusionConfig = z.infer<typeof fusionSchema>;
export type TowerConfig = FusionConfig['tower'];
