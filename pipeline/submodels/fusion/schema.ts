import { z } from 'zod';
import { fraction, positiveInteger } from '../../config/schema.ts';
import { fusionKinds, towerActivations } from './fusion-head.ts';

const towerFields = {
  /** Hidden layers; each has `shrink` times the units of the one before, never fewer than classes. */
  layers: z.int().min(1).max(8).default(2),
  shrink: z.number().gt(0).lte(1).default(0.5),
  dropout: z.number().min(0).lt(1).default(0.5),
  activation: z.enum(towerActivations).default('gelu'),
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

/** How ensembles learn to map their features to the teacher's token; of the head alone, and of all sub-models with it. */
export const tokenWeights = z
  .strictObject({
    /** Of the share of the variance of the teacher's token that the mapped one misses. */
    tokens: z.number().min(0).default(1),
    /** Of the cross-entropy to the labels. */
    labels: z.number().min(0).default(0.5),
    /** Of the cross-entropy to the teacher's best class. */
    hard: z.number().min(0).default(0.5),
  })
  .prefault({});

const tokensFields = {
  epochs: positiveInteger.default(30),
  batchSize: positiveInteger.default(128),
  learningRate: z.number().positive().default(6e-4),
  warmupShare: fraction.default(0.05),
  weightDecay: z.number().min(0).default(0.05),
  /** Share of the training images that are seen with one sub-model absent, its features imputed. */
  absence: fraction.default(0.3),
  weights: tokenWeights,
  /** Epochs without better held-out images after which training ends. */
  patience: positiveInteger.default(6),
};

/** How the features of a fleet become one answer; for the schemas of methods to take up. */
export const fusionFields = {
  /**
   * Which heads are made; held-out images choose. ridge: linear, in closed form. tower: a shrinking MLP, as
   * published for ED-ViT. tokens: to the teacher's token and from there to the classes, as published for DeViT, started in closed form.
   */
  heads: z.array(z.enum(fusionKinds)).min(1).max(3).default(['ridge', 'tower']),
  /** Tried ridges, as shares of the standardised features' variance. */
  ridges: z.array(z.number().positive().max(1e6)).min(1).max(20).default([1e-4, 1e-3, 1e-2, 1e-1, 1, 10]),
  tower: z.strictObject(towerFields).prefault({}),
  tokens: z.strictObject(tokensFields).prefault({}),
};

export const fusionSchema = z.strictObject(fusionFields);
export type FusionConfig = z.infer<typeof fusionSchema>;
export type TowerConfig = FusionConfig['tower'];
export type TokensConfig = FusionConfig['tokens'];
export type TokenWeights = z.infer<typeof tokenWeights>;
